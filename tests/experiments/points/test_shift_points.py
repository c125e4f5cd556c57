"""T3.shift: published fractions, all samples listed in fractions, SciPy's binomial, refusals."""

from math import log, sqrt

import jax.numpy as jnp
import mpmath
import pytest
from flint import fmpq
from helpers.learning_problems import failing as failing_by_listing
from helpers.learning_problems import law, real
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


def _reported(sample, n, delta):
    """The bound of CROWD, by hand."""
    source, target = (law(CROWD[f]) for f in ("source", "target"))
    moved = sum(real(q) * mpmath.log(real(q / p)) for p, q in zip(source, target, strict=True) if q)
    nats = sample.divergence + mpmath.log(2 * mpmath.sqrt(n) / delta)
    return sample.empirical + mpmath.sqrt(nats / (2 * n)) + mpmath.sqrt(moved / (2 * n))


def test_several_policies_by_listing():
    """All 729 ordered samples of six tasks, a Gibbs posterior each: the same fraction."""
    expected = failing_by_listing(CROWD, _reported)
    assert 0 < expected < 1
    assert decide(CROWD).observed == expected


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
