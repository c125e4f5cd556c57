"""Small models: a good one, to put one thing wrong in, of two-valued components, of one state."""

from fractions import Fraction
from typing import Any

import numpy as np

from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

FIELDS = ("prompt_distribution", "initial_distribution", "depth", "tool_transition", "legal")
T, F = True, False
# Two prompts, four states in two layers, two tools, two answers, two components.
GOOD: dict[str, Any] = {
    "prompt_distribution": ["1/3", "2/3"],
    "initial_distribution": [[1, 0, 0, 0], [0.5, 0.5, 0, 0]],
    "depth": [0, 0, 1, 1],
    "tool_transition": [[[0, 0, 0.5, 0.5], [0, 0, 1, 0]], *[[[0] * 4] * 2] * 3],
    "legal": [[T, T, T, T], [F, F, T, T], [F, F, T, T], [F, F, T, F]],
    "reward": [[[[0, 1], [1, "1/3"]]] * 4] * 2,
    "weights": [1, Fraction(1, 2)],
}


def binary_instance(components=2, **shape):
    """The random instance of this shape with its rewards rounded up to 0 and 1."""
    instance = random_instance(components, **shape)
    arrays = {name: np.asarray(getattr(instance.mdp, name)) for name in FIELDS}
    values = np.ceil(np.asarray(instance.mdp.reward))
    mdp = TAMDP(**arrays, reward=values, weights=np.asarray(instance.mdp.weights))
    return instance._replace(mdp=mdp, policy=Tabular(mdp))


BINARY = binary_instance(seed=3, prompts=1, width=1, tools=1, answers=3, depth=1)


def menu(rewards, weights):
    """One prompt, one decision, an answer for each row of rewards (V, K)."""
    return TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1]],
        depth=[0],
        tool_transition=[],
        legal=[[True] * len(rewards)],
        reward=[[rewards]],
        weights=weights,
    )
