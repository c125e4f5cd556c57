"""All groups of a small model as batches that a training run could have sampled."""

from itertools import product
from typing import Any, NamedTuple

import jax
import numpy as np

from grpo_checks.theory.training.batch import Batch
from grpo_checks.theory.training.episodes import Episodes
from helpers.oracles import Floats, list_paths, path_probability


class ListedBatches(NamedTuple):
    """M batches of one group each."""

    chance: Floats
    batch: Batch
    """With a first axis of M."""


def listed_batches(mdp: Any, prompt: int, sampler: Floats, size: int) -> ListedBatches:
    """The groups of ``size`` episodes of a prompt that a policy samples."""
    paths, n_actions = list_paths(mdp, prompt), np.asarray(mdp.legal).shape[1]
    chance = path_probability(paths, sampler)
    members = np.array(list(product(range(len(chance)), repeat=size)))
    # Steps after the answer repeat it.
    last = np.minimum(np.arange(paths.taken.shape[1]), paths.taken.sum(1, keepdims=True) - 1)
    state, action = (np.take_along_axis(x, last, 1) for x in (paths.state, paths.action))
    earned = np.asarray(mdp.class_index)[prompt, state[:, -1], action[:, -1] - mdp.n_tools]
    composite = np.asarray(mdp.class_composite)[earned]
    steps = (state, action, paths.taken, state * n_actions + action)
    rows = [np.swapaxes(x[members], 1, 2) for x in steps]
    episodes = Episodes(*jax.device_put([*rows, earned[members], composite[members]]))
    weight = jax.device_put(np.ones((len(members), 1)))
    return ListedBatches(chance[members].prod(1), Batch(episodes, weight))
