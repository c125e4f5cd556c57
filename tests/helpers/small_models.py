"""Small models: of two-valued components, to which both lattices apply, and of one state."""

import numpy as np

from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

FIELDS = ("prompt_distribution", "initial_distribution", "depth", "tool_transition", "legal")


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
        legal=np.ones((1, len(rewards)), bool),
        reward=np.array(rewards)[None, None],
        weights=weights,
    )
