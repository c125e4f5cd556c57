"""A ``theory.choice`` model as the fields of a TA-MDP, for the general code and for users' files.

An action is a tool call whose responses are its outcomes; each response allows one answer, which
earns the outcome's rewards. The policy is tabular, with logits the logarithms of the odds.
"""

from collections.abc import Mapping
from math import log
from typing import Any

from theory.choice import parse_choice
from theory.rationals import to_fraction


def instance_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of ``theory.model.TAMDP``, ``observation (S)`` and ``theta (O, A)``, as lists.

    States: one per prompt, then one per outcome. Raises ValueError for an unsound document.
    """
    parse_choice(document)
    prompts, shared = document["prompts"], bool(document.get("shared", False))
    n, tools = len(prompts), max(len(p["actions"]) for p in prompts)
    outcomes = [
        (q, a, outcome)
        for q, prompt in enumerate(prompts)
        for a, action in enumerate(prompt["actions"])
        for outcome in action["outcomes"]
    ]
    size, k = n + len(outcomes), len(document["weights"])
    transition: list[list[list[Any]]] = [[[0] * size for _ in range(tools)] for _ in range(size)]
    reward: list[Any] = [[[[0] * k] for _ in range(size)] for _ in range(n)]
    for state, (q, a, outcome) in enumerate(outcomes, n):
        whole = sum(to_fraction("share", o["share"]) for o in prompts[q]["actions"][a]["outcomes"])
        transition[q][a][state] = str(to_fraction("share", outcome["share"]) / whole)
        reward[q][state][0] = list(outcome["rewards"])
    whole = sum(to_fraction("share", p["share"]) for p in prompts)
    own = range(n)
    return {
        "prompt_distribution": [str(to_fraction("share", p["share"]) / whole) for p in prompts],
        "initial_distribution": [[int(s == q) for s in range(size)] for q in range(n)],
        "depth": [0] * n + [1] * len(outcomes),
        "tool_transition": transition,
        "legal": [[a < len(prompts[q]["actions"]) for a in range(tools)] + [False] for q in own]
        + [[False] * tools + [True]] * len(outcomes),
        "reward": reward,
        "weights": list(document["weights"]),
        "observation": [0 if shared else q for q in own]
        + [(1 if shared else n) + i for i in range(len(outcomes))],
        "theta": _logits(prompts[:1] if shared else prompts, len(outcomes), tools),
    }


def _logits(prompts: Any, outcomes: int, tools: int) -> list[list[float]]:
    """Rows of log odds, then a row of zeros for each outcome."""
    rows = [
        [log(to_fraction("odds", action["odds"])) for action in prompt["actions"]]
        for prompt in prompts
    ]
    return [row + [0.0] * (tools + 1 - len(row)) for row in rows] + [[0.0] * (tools + 1)] * outcomes
