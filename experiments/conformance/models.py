"""Small models on which a fault of an update shows: their names, and any instance besides."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import jax.numpy as jnp

from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.builder import build as build_model
from grpo_checks.theory.mdp.policy import Tabular

ANSWERS = 64
"""Of `wide`."""
DEFAULTS = ("answers", "faint", "steps", "conflict", "lookup")
"""What a trainer is put on where no model is named, in groups of 4."""
ONE_DECISION: Mapping[str, tuple[Sequence[float], list[int], Sequence[Sequence[float]]]] = {
    "answers": ((0.5, -0.25, 0.75, 0.0), [2, 1], ((0, 0), (1, 0), (0, 1), (1, 0.5))),
    # Rewards differ by a thousandth, so that eps matters: 1 % of 1e-4 is 1e-3 of an advantage.
    "faint": ((0.25, 0.0, -0.5), [2, 1], ((0, 0), (1 / 1024, 0), (1 / 1024, 1 / 512))),
    # Answers of many likelihoods, on which a sampler shows its law.
    "wide": (
        [(5 * i % 17 - 8) / 8 for i in range(ANSWERS)], [1], [(i % 3 / 2,) for i in range(ANSWERS)],
    ),
}  # fmt: skip
"""theta, weights and the rewards of the answers."""


def model(name: str) -> Instance:
    """One of ``DEFAULTS``, a named instance or a .json file. Raises ValueError for others."""
    if name == "steps":
        return _steps()
    return _one_decision(name) if name in ONE_DECISION else build(from_argument(name))


def _one_decision(name: str) -> Instance:
    theta, weights, rewards = ONE_DECISION[name]
    mdp, _ = build_model(
        prompts={0: Fraction(1)}, start=lambda q: 0, tools=(), respond=lambda s, u: [],
        answers=[str(i) for i in range(len(rewards))],
        score=lambda q, s, y: [Fraction(x) for x in rewards[int(y)]], weights=weights, depth=0,
    )  # fmt: skip
    return Instance(name, mdp, Tabular(mdp), jnp.array([theta]))


def _steps() -> Instance:
    """One tool, up to two calls: answers after one, two and three decisions, responses to mask."""
    mdp, _ = build_model(
        prompts={0: Fraction(1)}, start=lambda q: 0, tools=("look",),
        respond=lambda calls, tool: [(calls + 1, Fraction(1))], answers=("0", "1"),
        score=lambda q, calls, y: [Fraction(y == "1"), Fraction(calls, 2)],
        weights=[1, 1], depth=2,
    )  # fmt: skip
    theta = jnp.array([[0.75, -0.25, 0.0], [0.5, 0.25, -0.5], [0.0, -0.25, 0.5]])
    return Instance("steps", mdp, Tabular(mdp), theta)
