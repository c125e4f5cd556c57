"""Random composite models of one decision: a sampler that was fixed before anything was counted.

Model ``index`` is drawn, in this order, from the bits of ``default_rng([2604, index])``: K = 2 or 3
binary components; 3 to 6 actions; one prompt, or three of equal weight that share the parameters;
components independent given the action, or coupled; each success probability uniform on 0, 1/8,
..., 1; each weight uniform on 1/8, ..., 1. Coupled components of an episode are decided by one die
of eight sides: each succeeds on a random set of sides, as many as its probability says. No model is
left out, be it trivial.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

SEED, SIDES = 2604, 8


class Composite(NamedTuple):
    """Arrays as ``convergence.cycles.group_field`` takes them; all are exact in float64."""

    share: Float[np.ndarray, " Q"]
    outcome: Float[np.ndarray, "Q A O"]
    """Of the O = 2^K reward vectors, given prompt and action."""
    rewards: Float[np.ndarray, "O K"]
    weights: Float[np.ndarray, " K"]
    coupled: bool


def random_composite(index: int) -> Composite:
    """The model of this number, the same everywhere."""
    rng = np.random.default_rng([SEED, index])
    components, actions = int(rng.integers(2, 4)), int(rng.integers(3, 7))
    prompts, coupled = (1, 3)[rng.integers(2)], bool(rng.integers(2))
    shape = (prompts, actions, components)
    sides = rng.integers(0, SIDES + 1, shape)
    weights = rng.integers(1, SIDES + 1, components) / SIDES
    # Which sides of the die each component succeeds on, were they coupled.
    succeeds = rng.permuted(np.broadcast_to(np.arange(SIDES), (*shape, SIDES)), axis=-1)
    succeeds = succeeds < sides[..., None]
    rewards = np.array(list(product((0, 1), repeat=components)))
    law = _coupled(succeeds, rewards) if coupled else _independent(sides, rewards)
    share = np.full(prompts, 1 / prompts)
    return Composite(share, law, rewards.astype(float), weights, coupled)


def _independent(sides: Int[np.ndarray, "Q A K"], rewards: Int[np.ndarray, "O K"]) -> NDArray:
    right = rewards[None, None] == 1
    factors = np.where(right, sides[:, :, None], SIDES - sides[:, :, None])
    return np.asarray(factors.prod(-1) / SIDES ** rewards.shape[1])


def _coupled(succeeds: NDArray[np.bool_], rewards: Int[np.ndarray, "O K"]) -> NDArray:
    """``succeeds``: (Q, A, K, sides)."""
    same = succeeds[:, :, None] == (rewards == 1)[None, None, :, :, None]
    return np.asarray(same.all(3).mean(-1))
