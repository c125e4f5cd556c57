"""Statements: two sides, climbed in floats and decided exactly; what a false one comes to."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.experiments.claims.generalization import kl_order
from grpo_checks.experiments.falsifier.constraints import interval, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.search import certified_ratio, falsify
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.verdict import unmet

DOMAIN = Domain({"law": simplex("values"), "x": interval("values")}, places=[{"values": 3}])
HALF = {"law": [1, 1], "x": [0, 1]}
"""Variance 1/4, the largest on [0, 1]."""


def _variance(law, x, share=1.0):
    mean = law @ x
    return law @ (x - mean) ** 2, share * mean * (1 - mean)


def _sd(law, x):
    """In roots, which balls alone enclose."""
    return tuple(jnp.sqrt(side + 1) for side in _variance(law, x))


POPOVICIU = Statement(
    _variance,
    DOMAIN,
    mutants={
        "halved": lambda law, x: (_variance(law, x)[0], _variance(law, x)[1] / 2),
        "nine tenths": {"share": fmpq(9, 10)},
    },
)


@pytest.mark.parametrize("mutant", ["halved", "nine tenths"])
def test_a_false_version_is_refuted(mutant):
    """As a function, or by changed arguments; the claim itself is reached there, exactly."""
    decision = POPOVICIU.decide(HALF)
    assert decision.verdict == "holds"
    assert decision.observed == decision.bound == fmpq(1, 4)
    assert POPOVICIU.decide(HALF, mutant).verdict == "refuted"
    assert POPOVICIU.decide({"law": [1, 1], "x": ["1/2", "1/2"]}, mutant).verdict == "holds"


def test_equal_irrational_sides_are_not_guessed():
    """Balls never show equality: *inconclusive*, unless there is a proof for that entry."""
    rooted = Statement(_sd, DOMAIN)
    assert rooted.decide(HALF).verdict == "inconclusive"
    proved = replace(rooted, equal=lambda entry, law, x: entry == 0 and set(x) == {0, 1})
    assert proved.decide(HALF).verdict == "holds"
    assert proved.decide({"law": [1, 1], "x": [0, "1/2"]}).verdict == "holds"


def test_an_equation_is_refuted_by_any_difference():
    """Rational sides are equal or not; others to 50 digits."""
    equation = Statement(_variance, DOMAIN, relation="equal")
    assert equation.decide(HALF).verdict == "holds"
    assert equation.decide({"law": [1, 1], "x": [0, "99/100"]}).verdict == "refuted"
    rooted = Statement(_sd, DOMAIN, relation="equal")
    assert rooted.decide(HALF).verdict == "holds"
    assert rooted.decide({"law": [1, 1], "x": [0, "999999/1000000"]}).verdict == "refuted"


def test_of_several_entries_one_violated_refutes():
    """And of those that hold the tightest is told."""
    sides = lambda law, x: (x, jnp.array([0.5, 0.75]))  # noqa: E731
    several = Statement(sides, DOMAIN)
    assert several.decide({"law": [1, 1], "x": ["1/4", "3/4"]}).bound == fmpq(3, 4)
    assert several.decide({"law": [1, 1], "x": ["3/4", "1/4"]}).verdict == "refuted"


def test_the_entry_that_decides_is_named():
    """Its label is the note, of a false version too."""
    entries = lambda law, x: (jnp.stack([law @ x, *x]), 0.5)  # noqa: E731
    named = Statement(entries, DOMAIN, label=lambda i, law, x: f"entry {i} of {len(x) + 1}")
    decision = named.decide(HALF)
    assert (decision.verdict, decision.note) == ("refuted", "entry 2 of 3")
    assert named.decide({"law": [1, 1], "x": ["1/4", "1/4"]}).note == "entry 0 of 3"


def test_exceptions_come_first():
    """With the reason."""
    statement = replace(
        POPOVICIU, exception=lambda law, x: unmet("certain") if len({*x}) == 1 else None
    )
    assert statement.decide({"law": [1, 1], "x": [1, 1]}).verdict == "assumption unmet"
    assert statement.decide(HALF).verdict == "holds"


@pytest.mark.parametrize("seed", range(3))
def test_floats_and_enclosures_are_one_function(seed):
    """The ratio that is climbed is the certified one, at a point rounded finely."""
    exact = kl_order.CLAIM.exact
    (place, *_) = exact.search.choices
    x = np.random.default_rng(seed).normal(size=exact.search.dimension(place))
    decision = exact.decide(exact.search.document(x, place, 10**6), None)
    ratio = float(jax.jit(lambda x: exact.search.ratio(x, place))(x))
    assert certified_ratio(decision) == pytest.approx(ratio, rel=1e-3, abs=1e-6)


def test_the_falsifier_needs_the_two_sides_alone():
    """A bound that is a tenth too low: found, shrunk to two values."""
    false = Statement(lambda law, x: _variance(law, x, 0.875), DOMAIN)
    claim = replace(kl_order.CLAIM, exact=false.exact())
    result = falsify(claim, minutes=30)
    assert result.refuted
    assert len(result.document["law"]) == 2
    assert result.document["x"] in ([0, 1], [1, 0])
