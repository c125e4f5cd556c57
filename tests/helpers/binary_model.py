"""A small random model whose components are two-valued: both lattices apply to it."""

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
