"""Points of L.amplification and L.tools: one decision with one binary reward, and a KL penalty."""

from typing import Any

import jax.numpy as jnp

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, expect_binary, one_prompt
from grpo_checks.experiments.falsifier.constraints import bounded, integer, through
from grpo_checks.experiments.falsifier.rounding import near
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.evaluation.amplification import amplify
from grpo_checks.theory.evaluation.tilting import decision_chances
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE, POSITIVE

MOST = 8
"""Iterates."""
LARGEST_GAIN = 100
"""Beyond it success is certain to 43 digits, and equations say nothing."""


def domain(**model: Any) -> ChoiceDomain:
    """Models with the lengths of ``model``, two or three actions, and one or two iterates."""
    return ChoiceDomain(
        {
            "beta": through(lambda x: jnp.exp(bounded(x, 4.0)), near, POSITIVE),
            "eps": through(lambda x: jnp.exp(2 * bounded(x, 4.0) - 2), near, NOT_NEGATIVE),
        },
        options={"iterate": integer(1, MOST)},
        places=[
            {**model, "binary": True, "actions": n, "iterate": i}
            for n, i in ((2, 1), (3, 1), (3, 2))
        ],
    )


def log_odds(p: Any) -> Any:
    """ln p/(1-p)."""
    return jnp.log(p / (1 - p))


def chances(beta: Any, eps: Any, iterate: int, **model: Any) -> list[Any]:
    """Of success, of the last policy and of the maximisers in turn: the definition."""
    one = one_prompt(**model)
    return decision_chances(one.policy, one.value, beta, eps, iterate)


def gain(p: Any, beta: Any, eps: Any) -> Any:
    """1/(beta sqrt(p(1-p) + eps)) of log-odds."""
    return amplify(log_odds(p), jnp.zeros(()), beta, eps)


def _gains(point: Any) -> list[Any]:
    return [gain(p, point["beta"], point["eps"]) for p in chances(**point)[:-1]]


_enclosed_gains = enclose(_gains)


def expect_penalised(**point: Any) -> None:
    """Raises ValueError for other rewards, a certain one, or gains beyond what equations tell."""
    weights = list(map(str, point["weights"]))
    if weights != ["1"]:
        raise ValueError(f"weights = {weights}: expected one component of weight 1")
    expect_binary(**point)
    for of_step in _enclosed_gains(point):
        if not of_step <= LARGEST_GAIN:
            expected = f"expected a gain of at most {LARGEST_GAIN}, not {of_step}"
            raise ValueError(f"beta = {point['beta']}: {expected}")


def has_chance(outcome: Any) -> bool:
    """Whether an action of a point has several outcomes."""
    return any(p not in (0, 1) for p in outcome.flat)
