"""One prompt and one decision among tools whose responses are lotteries over reward vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from grpo_checks.theory.mdp.mdp import TAMDP


def lottery_model(
    laws: Sequence[Sequence[Any]], vectors: Sequence[Sequence[int]], weights: Sequence[Any]
) -> TAMDP:
    """The model: tool m responds with vector e, chance ``laws[m][e]``, (M, E); one answer hands in.

    The first state is the decision, state 1 + e is where vector e is handed in; actions are the M
    tools, then the answer. Numbers as ``TAMDP`` takes them. Raises ValueError likewise.
    """
    n_tools, n_states = len(laws), 1 + len(vectors)
    respond = np.full((n_states, n_tools, n_states), 0, object)
    respond[0, :, 1:] = [list(law) for law in laws]
    legal = np.zeros((n_states, n_tools + 1), bool)
    legal[0, :n_tools] = legal[1:, n_tools] = True
    components = len(vectors[0])
    return TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=np.eye(n_states)[:1],
        depth=[0] + [1] * len(vectors),
        tool_transition=respond,
        legal=legal,
        reward=np.array([[0] * components, *vectors], float)[None, :, None],
        weights=weights,
    )
