"""Reward classes split by the length of the episode: what an update rule tells apart.

The number of decisions of an episode is a function of the state in which it ends, so a class of
reward vectors v splits into classes (v, l), at no cost to any sweep.
"""

from typing import NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.validation import reachable
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation


class ByLength(NamedTuple):
    """A model whose C classes are pairs of a reward vector and a number of decisions."""

    mdp: TAMDP
    decisions: Int[Array, " C"]
    """1..H, of each class."""

    def weights(self, aggregation: Aggregation) -> Float[Array, " C"]:
        """c_i B G of each class, as far as it depends on the episode alone: 1 of a token mean."""
        share = jax.device_put(np.ones(self.decisions.shape))
        if aggregation == EPISODE_SUM or not aggregation.within_episode:
            return share
        return aggregation.weights(self.decisions.astype(float), share, self.mdp.horizon)


def by_length(mdp: TAMDP) -> ByLength:
    """The same model with finer classes; call it outside jit."""
    index, n_tools = np.asarray(mdp.class_index), mdp.n_tools
    initial, transition = np.asarray(mdp.initial_distribution), np.asarray(mdp.tool_transition)
    seen = reachable(initial, transition, mdp.horizon)
    attainable = seen[:, :, None] & np.asarray(mdp.legal)[None, :, n_tools:]
    length = np.broadcast_to(np.asarray(mdp.depth)[None, :, None] + 1, index.shape)
    pairs, inverse = np.unique(
        np.stack([index[attainable], length[attainable]], 1), axis=0, return_inverse=True
    )
    finer = np.zeros(index.shape, np.int64)
    finer[attainable] = inverse.reshape(-1)
    classes, decisions = pairs.T
    names = ("class_vector", "class_composite", "class_numerator")
    split = [np.asarray(getattr(mdp, name))[classes] for name in names]
    changed = eqx.tree_at(
        lambda m: (m.class_index, *(getattr(m, name) for name in names)),
        mdp,
        jax.device_put((finer, *split)),
    )
    return ByLength(changed, jax.device_put(decisions))
