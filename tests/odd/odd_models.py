"""Sound models of users that are odd: nothing to learn, hardly anything, or nearly learned."""

import json
from pathlib import Path
from typing import Any

from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec


def one_decision(
    *rewards: list[Any],
    theta: Any = None,
    weights: Any = None,
    **fields: Any,
) -> dict[str, Any]:
    """A state for each prompt; ``rewards``: for each prompt its answers' reward vectors."""
    n, y, k = len(rewards), len(rewards[0]), len(rewards[0][0])
    unused = [[0] * k] * y
    content = {
        "format": "ta-mdp/1",
        "prompt_distribution": [f"1/{n}"] * n,
        "initial_distribution": [[int(q == s) for s in range(n)] for q in range(n)],
        "depth": [0] * n,
        "tool_transition": [],
        "legal": [[True] * y] * n,
        "reward": [[rewards[q] if q == s else unused for s in range(n)] for q in range(n)],
        "weights": weights or [1] * k,
        "policy": {"kind": "tabular"},
        **fields,
    }
    return content if theta is None else {**content, "theta": theta}


def coin(first: str, second: str) -> dict[str, Any]:
    """Two calls that lead to success with the chances given; then one answer is legal."""
    no = [0, 0, 0]
    return {
        "format": "ta-mdp/1",
        "prompt_distribution": [1],
        "initial_distribution": [[1, 0, 0]],
        "depth": [0, 1, 1],
        "tool_transition": [
            [[0, first, _rest(first)], [0, second, _rest(second)]],
            [no, no],
            [no, no],
        ],
        "legal": [[True, True, False], [False, False, True], [False, False, True]],
        "reward": [[[[0]], [[1]], [[0]]]],
        "weights": [1],
        "policy": {"kind": "tabular"},
    }


def _rest(chance: str) -> str:
    top, bottom = map(int, chance.split("/"))
    return f"{bottom - top}/{bottom}"


RIGHT_OR_WRONG = [[1], [0]]
IDLE = {
    "identical answers": one_decision([[1], [1]]),
    "identical answers to two prompts": one_decision([[1], [1]], [[0], [0]]),
    "all rewards 0": one_decision([[0, 0], [0, 0]]),
    "one legal action": one_decision(RIGHT_OR_WRONG, legal=[[True, False]]),
    "equal features": one_decision(
        RIGHT_OR_WRONG, policy={"kind": "log-linear", "features": [[[1, 2], [1, 2]]]}
    ),
    "opposite answers, one observation": one_decision(
        RIGHT_OR_WRONG, [[0], [1]], initial_distribution=[["1/2", "1/2"]] * 2,
        reward=[[RIGHT_OR_WRONG, [[0], [1]]]] * 2,
        policy={"kind": "tabular", "observation": [0, 0]},
    ),
    "tools of equal chances": coin("1/3", "1/3"),
    "only a prompt that is never asked": one_decision(
        [[1], [1]], RIGHT_OR_WRONG, prompt_distribution=[1, 0]
    ),
}  # fmt: skip
"""The law of rewards does not depend on the policy."""


def spec_of(content: dict[str, Any], folder: Path, name: str = "odd") -> InstanceSpec:
    """As ``--instance`` reads it."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"name": name, **content}), encoding="utf-8")
    return from_argument(str(path))
