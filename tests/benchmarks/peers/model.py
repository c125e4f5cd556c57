"""The model as plain NumPy arrays: all that the peers know of the suite."""

from typing import NamedTuple

import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.policy import Tabular


class Task(NamedTuple):
    """One instance with a tabular policy, all prompts in every update, `leave_one_out`."""

    rho: np.ndarray
    """(Q,)"""
    initial: np.ndarray
    """(Q, S)"""
    response: np.ndarray
    """(S, U, S)"""
    legal: np.ndarray
    """(S, A)"""
    observation: np.ndarray
    """(S,)"""
    composite: np.ndarray
    """(Q, S, Y)"""
    n_tools: int
    horizon: int
    group_size: int

    @property
    def table(self) -> tuple[int, int]:
        """Shape of theta."""
        return int(self.observation.max()) + 1, self.legal.shape[1]


def task(instance: Instance, group_size: int) -> Task:
    """Taken from an instance; raises ValueError for a policy without a table."""
    mdp, policy = instance.mdp, instance.policy
    if not isinstance(policy, Tabular):
        raise ValueError(f"policy = {type(policy).__name__}: expected Tabular")
    return Task(
        np.asarray(mdp.prompt_distribution),
        np.asarray(mdp.initial_distribution),
        np.asarray(mdp.tool_transition),
        np.asarray(mdp.legal),
        np.asarray(policy.observation),
        np.asarray(mdp.class_composite)[np.asarray(mdp.class_index)],
        mdp.n_tools,
        mdp.horizon,
        group_size,
    )
