"""Weighted scores of a small model by listing its episodes, for ratios that no sweep carries.

The ratio of a step, from rho_t = pi/mu of the steps of an episode of l decisions:

- ``token``: rho_t
- ``sequence``: (prod rho)^(1/(l + length_offset)), GSPO's, of every step. Differentiated it is
  itself times the mean of s_t over as many tokens; a loss adds it up over these, so that c_i of
  the aggregation is left: TRL's "grpo" is ``sequence_mean``, "dapo" and "luspo" are ``token_mean``
  and ``episode_sum`` with this W
- ``product``: prod rho, of every step; differentiated or not
- ``cumulative``: rho_1 ... rho_t
- ``differentiated``: likewise, but itself differentiated: sum_{u <= t} s_u in place of s_t
"""

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.evaluation.episode_listing import Floats, Walk, features, obstacle, walks
from grpo_checks.theory.evaluation.values import Probs, Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.off_policy.weighted_scores import WeightedScores
from grpo_checks.theory.off_policy.weights import Table, TokenWeights, ratios

Ratio = Literal["token", "sequence", "product", "cumulative", "differentiated"]
Weigh = Callable[[Table], TokenWeights]
"""Of ratios (N, H) of N episodes: what ``weights`` has, clipped or not."""


class _Steps(NamedTuple):
    """N episodes of H steps; those after the answer are not taken."""

    chance: Floats
    state: NDArray[np.int64]
    action: NDArray[np.int64]
    taken: NDArray[np.bool_]


def listed_scores(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    sampler: Probs,
    ratio: Ratio,
    weigh: Weigh,
    length_offset: int = 0,
) -> WeightedScores:
    """Call it outside jit; ``mdp``: ``law.mdp``. ``length_offset``: of an aggregation.

    Raises ValueError for an unknown ratio and, with their number, for too many episodes.
    """
    why = obstacle(mdp, policy)
    if why or ratio not in get_args(Ratio):
        raise ValueError(why or f"ratio = {ratio!r}: expected one of {get_args(Ratio)}")
    probs, phi = np.asarray(policy.probs(theta)), features(policy)
    score = phi - np.einsum("sa,san->sn", probs, phi)[:, None]
    rho = np.asarray(ratios(policy.probs(theta), sampler))
    index, classes = np.asarray(mdp.class_index), len(mdp.class_composite)
    law, mean, square = [], [], []
    for prompt in range(index.shape[0]):
        steps = _padded(list(walks(mdp, prompt, np.asarray(sampler))), mdp.horizon)
        every = weigh(jax.device_put(_ratios(steps, rho, ratio, length_offset)))
        scores = np.where(steps.taken[..., None], score[steps.state, steps.action], 0.0)
        if ratio == "differentiated":
            scores = scores.cumsum(1)
        counted = [np.where(steps.taken, np.asarray(w), 0.0) for w in every]
        x = np.einsum("xnh,nhd->xnd", np.array(counted), scores)
        last = np.arange(len(x[0])), steps.taken.sum(1) - 1
        earned = index[prompt, steps.state[last], steps.action[last] - mdp.n_tools]
        member = np.eye(classes)[earned] * steps.chance[:, None]
        law.append(member.sum(0))
        mean.append(np.einsum("nc,xnd->xcd", member, x))
        square.append(np.square(x).sum(-1) @ member)
    return WeightedScores(*jax.device_put([np.array(x) for x in (law, mean, square)]))


def _padded(every: list[Walk], horizon: int) -> _Steps:
    cells = np.full((len(every), horizon, 2), -1)
    for row, walk in zip(cells, every, strict=True):
        row[: len(walk.steps)] = walk.steps
    chance = np.array([walk.probability for walk in every])
    return _Steps(chance, cells[..., 0], cells[..., 1], cells[..., 0] >= 0)


def _ratios(steps: _Steps, rho: Floats, ratio: Ratio, length_offset: int) -> Floats:
    """(N, H)."""
    token = np.where(steps.taken, rho[steps.state, steps.action], 1.0)
    if ratio == "token":
        return token
    if ratio in ("cumulative", "differentiated"):
        return token.cumprod(1)
    root = 1 if ratio == "product" else steps.taken.sum(1, keepdims=True) + length_offset
    return np.asarray(np.ones_like(token) * token.prod(1, keepdims=True) ** (1 / root))
