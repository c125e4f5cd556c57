"""T3.shift: published fractions, all samples listed in fractions, SciPy's binomial, refusals."""

from fractions import Fraction
from itertools import product
from math import log, prod, sqrt

import jax.numpy as jnp
import mpmath
import pytest
from flint import fmpq
from scipy.stats import binom

from grpo_checks.experiments.claims.generalization.shift import (
    DELTA,
    DOMAIN,
    decide,
    failing,
    hard_task,
    shift_term,
)

CASES = [(5, fmpq(7, 20)), (20, fmpq(1, 10)), (50, fmpq(1, 3))]
CROWD = {
    "n": 6,
    "delta": "9/10",
    "source": [6, 1, 1],
    "target": [0, 1, 9],
    "losses": [[0, 1, 1], ["1/10", 1, "9/10"], ["1/4", "3/4", 1]],
    "prior": [2, 1, 1],
    "temperature": "1/3",
}


def test_published_failure_probabilities():
    """371293/3200000 at n = 5 and 1 - 2.7e-49 at n = 100, as fractions, without doubt."""
    few, many = (decide(hard_task(n, h, DELTA)) for n, h in ((5, fmpq(7, 20)), (100, fmpq(1, 10))))
    assert few.observed == fmpq(371293, 3200000)
    assert isinstance(many.observed, fmpq)
    assert float(1 - many.observed) == pytest.approx(2.7e-49, rel=0.02)


@pytest.mark.parametrize(("n", "hard"), CASES)
@pytest.mark.parametrize("rooted", [True, False])
def test_failure_in_floats(n, hard, rooted):
    """The same sum with SciPy's binomial and math.log."""
    h, delta = float(hard), float(DELTA)
    sample = sqrt(log(2 * sqrt(n) / delta) / (2 * n))
    term = sqrt(log(1 / h) / (2 * n if rooted else 2))
    expected = sum(binom.pmf(k, n, h) for k in range(n + 1) if k / n + sample + term < 1)
    document = hard_task(n, hard, DELTA)
    point = DOMAIN.read(document)
    assert float(failing(point, rooted)) == pytest.approx(expected, abs=1e-14)
    laws = (jnp.array([float(x) for x in point[f]]) for f in ("source", "target"))
    assert float(shift_term(n, *laws, rooted)) == pytest.approx(term)


def _fails(document, sample, source, target):
    """Whether the bound at the Gibbs posterior of one sample is below the risk, at 50 digits."""
    losses = [[Fraction(x) for x in row] for row in document["losses"]]
    heat, n = Fraction(document["temperature"]), document["n"]
    means = [sum(row[t] for t in sample) / n for row in losses]
    risks = [sum(x * p for x, p in zip(row, target, strict=True)) for row in losses]
    with mpmath.workdps(50):
        real = lambda x: mpmath.mpf(x.numerator) / x.denominator  # noqa: E731
        weights = [
            p * mpmath.exp(-real(n * x / heat))
            for p, x in zip(document["prior"], means, strict=True)
        ]
        posterior = [w / sum(weights) for w in weights]
        prior = [mpmath.mpf(p) / sum(document["prior"]) for p in document["prior"]]
        kl = sum(q * mpmath.log(q / p) for q, p in zip(posterior, prior, strict=True))
        moved = sum(
            real(q) * mpmath.log(real(q / p)) for p, q in zip(source, target, strict=True) if q
        )
        nats = kl + mpmath.log(2 * mpmath.sqrt(n) / real(Fraction(document["delta"])))
        bound = mpmath.sqrt(nats / (2 * n)) + mpmath.sqrt(moved / (2 * n))
        return sum(q * real(x) for q, x in zip(posterior, means, strict=True)) + bound < sum(
            q * real(x) for q, x in zip(posterior, risks, strict=True)
        )


def test_several_policies_by_listing():
    """All 729 ordered samples of six tasks, a Gibbs posterior each: the same fraction."""
    source, target = ([Fraction(x, sum(CROWD[f])) for x in CROWD[f]] for f in ("source", "target"))
    expected = sum(
        prod(source[t] for t in sample)
        for sample in product(range(3), repeat=6)
        if _fails(CROWD, sample, source, target)
    )
    assert 0 < expected < 1
    assert decide(CROWD).observed == fmpq(expected.numerator, expected.denominator)


def test_where_it_says_nothing():
    """A target that the source never shows; one task, for which no bound is below 1."""
    unseen = {"n": 4, "delta": "1/20", "source": [1, 0], "target": [0, 1], "losses": [[0, 1]]}
    assert decide(unseen).verdict == "vacuous"
    assert decide({**unseen, "n": 1, "source": [1, 1]}).verdict == "vacuous"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"source": [-1, 2]}, "source = "),
        ({"delta": 0}, "delta = 0"),
        ({"n": 0}, "n = 0"),
        ({"n": 10_000}, "n = 10000: too many samples"),
        ({"losses": [[0, 1, 1]]}, "types"),
    ],
)
def test_bad_input(change, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        decide({**hard_task(5, fmpq(1, 3), DELTA), **change})
