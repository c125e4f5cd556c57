"""A model of one state."""

import numpy as np

from grpo_checks.theory.mdp.mdp import TAMDP


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
