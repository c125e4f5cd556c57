"""Small models on which a fault of an update shows: their names, and any instance besides."""

from fractions import Fraction

import jax.numpy as jnp

from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.builder import build as build_model
from grpo_checks.theory.mdp.policy import Tabular

ANSWERS = 64
"""Of `wide`."""
DEFAULTS = ("answers", "faint", "steps", "conflict", "lookup")
"""What a trainer is put on where no model is named, in groups of 4."""
_THETA = {"answers": (0.5, -0.25, 0.75, 0.0), "faint": (0.25, 0.0, -0.5)}


def model(name: str) -> Instance:
    """One of ``DEFAULTS``, a named instance or a .json file. Raises ValueError for others."""
    if name == "wide":
        return _wide()
    if name in _THETA or name == "steps":
        return _steps() if name == "steps" else _table(name)
    spec: InstanceSpec = from_argument(name)
    return build(spec)


def _table(name: str) -> Instance:
    """One decision.

    `answers`: four answers, two components with weights 2 and 1. `faint`: three answers that differ
    by a thousandth, so that eps matters: 1 % of 1e-4 is 1e-3 of an advantage.
    """
    rewards = {
        "answers": ((0, 0), (1, 0), (0, 1), (1, 0.5)),
        "faint": ((0, 0), (1 / 1024, 0), (1 / 1024, 1 / 512)),
    }[name]
    mdp, _ = build_model(
        prompts={0: Fraction(1)}, start=lambda q: 0, tools=(), respond=lambda s, u: [],
        answers=[str(i) for i in range(len(rewards))],
        score=lambda q, s, y: [Fraction(x) for x in rewards[int(y)]], weights=[2, 1], depth=0,
    )  # fmt: skip
    return Instance(name, mdp, Tabular(mdp), jnp.array([_THETA[name]]))


def _wide() -> Instance:
    """One decision among 64 answers of many likelihoods, on which a sampler shows its law."""
    mdp, _ = build_model(
        prompts={0: Fraction(1)}, start=lambda q: 0, tools=(), respond=lambda s, u: [],
        answers=[str(i) for i in range(ANSWERS)],
        score=lambda q, s, y: [Fraction(int(y) % 3, 2)], weights=[1], depth=0,
    )  # fmt: skip
    theta = jnp.array([[(5 * i % 17 - 8) / 8 for i in range(ANSWERS)]])
    return Instance("wide", mdp, Tabular(mdp), theta)


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
