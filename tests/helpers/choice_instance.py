"""Random choice models of one prompt; any choice model as a TA-MDP; its J and grad J, listed."""

from collections.abc import Mapping, Sequence
from math import log
from typing import Any, NamedTuple

import jax
import numpy as np
from flint import fmpq

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rational.choices.choice import Choice, Kind, composite

ODDS = (5, 2, 3)


def document(seed: int, components: int = 1, binary: bool = True) -> dict[str, Any]:
    """A random one with three actions of two outcomes each, in small fractions.

    All have as many reward vectors, with one denominator: one compilation serves them.
    """
    rng = np.random.default_rng(seed)
    odds, shares = rng.permutation(ODDS), rng.integers(1, 6, 6)
    sixths = np.array([rng.permutation([0, 1, 2, 3, 4, 6]) for _ in range(components)]).T
    rewards = [[i % 2] if binary else [f"{x}/6" for x in sixths[i]] for i in range(6)]
    values = [{"share": int(s), "rewards": r} for s, r in zip(shares, rewards, strict=True)]
    actions = [{"odds": int(o), "outcomes": values[2 * a : 2 * a + 2]} for a, o in enumerate(odds)]
    weights = [int(w) for w in rng.integers(1, 4, components)]
    return {"weights": weights, "prompts": [{"share": 1, "actions": actions}]}


def _fields(model: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``theory.mdp.mdp.TAMDP``, ``observation (S)`` and ``theta (O, A)``, as lists.

    An action is a tool call whose responses are its outcomes; each allows one answer, which earns
    the outcome's rewards. States: one per prompt, then one per outcome.
    """
    prompts, shared = model["prompts"], bool(model.get("shared", False))
    n, tools = len(prompts), max(len(p["actions"]) for p in prompts)
    outcomes = [
        (q, a, outcome)
        for q, prompt in enumerate(prompts)
        for a, action in enumerate(prompt["actions"])
        for outcome in action["outcomes"]
    ]
    size, k = n + len(outcomes), len(model["weights"])
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
        "weights": list(model["weights"]),
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


def instance(model: dict[str, Any]) -> Instance:
    """The model and the policy of a document."""
    fields = _fields(model)
    observation, theta = fields.pop("observation"), fields.pop("theta")
    mdp = TAMDP(**fields)
    return Instance("choice", mdp, Tabular(mdp, observation), jax.device_put(np.array(theta)))


def four_answers(odds: tuple[int, int, int, int]) -> dict[str, Any]:
    """Sure rewards (0,0), (0,1), (1,0), (1,1), as a document, taken with these odds."""
    actions = [
        {"odds": o, "outcomes": [{"share": 1, "rewards": list(vector)}]}
        for o, vector in zip(odds, np.ndindex(2, 2), strict=True)
    ]
    return {"weights": [1, 1], "prompts": [{"share": 1, "actions": actions}]}


def mean_reward(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> fmpq:
    """J_q."""
    return total(k.chance * composite(k.rewards, weights) for k in kinds)


class Action(NamedTuple):
    """An action with all its outcomes: its chance pi, and E[R | action]."""

    chance: fmpq
    value: fmpq
    score: tuple[fmpq, ...] = ()
    """As ``Kind.score``."""


def actions(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> list[Action]:
    """What a policy can choose between, in the order of its logits."""
    together: dict[tuple[fmpq, ...], list[Kind]] = {}
    for kind in kinds:
        together.setdefault(kind.score, []).append(kind)
    chances = [total(k.chance for k in same) for same in together.values()]
    return [
        Action(chance, mean_reward(same, weights) / chance, score)
        for chance, (score, same) in zip(chances, together.items(), strict=True)
    ]


def gradient(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> list[fmpq]:
    """grad J_q = E[R s], exactly."""
    rewards = [k.chance * composite(k.rewards, weights) for k in kinds]
    return [
        total(r * x for r, x in zip(rewards, column, strict=True))
        for column in zip(*(k.score for k in kinds), strict=True)
    ]


def full_gradient(choice: Choice) -> list[fmpq]:
    """grad J."""
    gradients = [gradient(kinds, choice.weights) for kinds in choice.kinds]
    return [
        total(rho * g[i] for rho, g in zip(choice.prompt_chance, gradients, strict=True))
        for i in range(choice.dimension)
    ]


def full_value(choice: Choice) -> fmpq:
    """J."""
    parts = zip(choice.prompt_chance, choice.kinds, strict=True)
    return total(rho * mean_reward(kinds, choice.weights) for rho, kinds in parts)
