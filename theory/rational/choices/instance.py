"""A ``theory.rational.choices.choice`` model as the fields of a TA-MDP, for the general code and
for users' files.

An action is a tool call whose responses are its outcomes; each response allows one answer, which
earns the outcome's rewards. The policy is tabular, with logits the logarithms of the odds. The
other way round a TA-MDP of one decision, under the uniform policy, is read as a choice model.
"""

from collections.abc import Iterator, Mapping
from math import log
from typing import Any

import numpy as np
from flint import fmpq

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.balls import rational
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rational.choices.choice import Choice, Kind, parse_choice


def instance_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of ``theory.mdp.mdp.TAMDP``, ``observation (S)`` and ``theta (O, A)``, as lists.

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
        total = sum(to_fraction("share", o["share"]) for o in prompts[q]["actions"][a]["outcomes"])
        transition[q][a][state] = str(to_fraction("share", outcome["share"]) / total)
        reward[q][state][0] = list(outcome["rewards"])
    total = sum(to_fraction("share", p["share"]) for p in prompts)
    numbers = range(n)
    return {
        "prompt_distribution": [str(to_fraction("share", p["share"]) / total) for p in prompts],
        "initial_distribution": [[int(s == q) for s in range(size)] for q in range(n)],
        "depth": [0] * n + [1] * len(outcomes),
        "tool_transition": transition,
        "legal": [[a < len(prompts[q]["actions"]) for a in range(tools)] + [False] for q in numbers]
        + [[False] * tools + [True]] * len(outcomes),
        "reward": reward,
        "weights": list(document["weights"]),
        "observation": [0 if shared else q for q in numbers]
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


def uniform_choice(mdp: TAMDP, policy: Tabular) -> Choice:
    """The model under the uniform policy of a table of logits, in rational numbers.

    Raises ValueError for a model with tools, or numbers that are no short fractions.
    """
    if mdp.max_depth:
        raise ValueError(f"depth = {mdp.max_depth}: expected a model of one decision")
    weights, rho = (
        tuple(rational(field, x) for x in np.asarray(getattr(mdp, field)).tolist())
        for field in ("weights", "prompt_distribution")
    )
    return Choice(rho, tuple(tuple(_uniform(mdp, policy, q)) for q in range(len(rho))), weights)


def _uniform(mdp: TAMDP, policy: Tabular, prompt: int) -> Iterator[Kind]:
    legal, n_actions = np.asarray(mdp.legal), mdp.legal.shape[1]
    starts = np.asarray(mdp.initial_distribution)[prompt].tolist()
    rewards = np.asarray(mdp.reward)[prompt].tolist()
    for s in np.flatnonzero(starts).tolist():
        allowed, row = np.flatnonzero(legal[s]).tolist(), int(policy.observation[s]) * n_actions
        share = fmpq(1, len(allowed))
        for a in allowed:
            score = [fmpq(0)] * (policy.n_observations * n_actions)
            for b in allowed:
                score[row + b] = int(a == b) - share
            earned = tuple(rational("reward", r) for r in rewards[s][a])
            yield Kind(rational("initial_distribution", starts[s]) * share, earned, tuple(score))
