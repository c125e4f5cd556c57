"""T3.shift in balls: published fractions, floating point as an oracle, refusals."""

from math import log as float_log
from math import sqrt as float_sqrt

import pytest
from flint import fmpq
from scipy.stats import binom

from grpo_checks.theory.rational.tasks.bounds import failure
from grpo_checks.theory.rational.tasks.shift import hard_task, shift_rule, shift_term
from grpo_checks.theory.rational.tasks.tasks import learn

DELTA = fmpq(1, 20)


def fails(n, hard, rooted=True):
    """The failure probability of the smallest case."""
    tasks = hard_task(n, hard, DELTA)
    rule = shift_rule(shift_term(tasks, rooted))
    return failure(tasks, lambda counts: rule(learn(tasks, counts), n, DELTA))


def test_published_failure_probabilities():
    """371293/3200000 at n = 5 and 1 - 2.7e-49 at n = 100, as fractions, without doubt."""
    assert fails(5, fmpq(7, 20)) == fmpq(371293, 3200000)
    observed = fails(100, fmpq(1, 10))
    assert isinstance(observed, fmpq)
    assert float(1 - observed) == pytest.approx(2.7e-49, rel=0.02)


@pytest.mark.parametrize(("n", "hard"), [(5, fmpq(7, 20)), (20, fmpq(1, 10)), (50, fmpq(1, 3))])
@pytest.mark.parametrize("rooted", [True, False])
def test_failure_in_floats(n, hard, rooted):
    """The same sum with SciPy's binomial and math.log."""
    h, delta = float(hard), float(DELTA)
    sample = float_sqrt(float_log(2 * float_sqrt(n) / delta) / (2 * n))
    shift = float_sqrt(float_log(1 / h) / (2 * n if rooted else 2))
    expected = sum(binom.pmf(k, n, h) for k in range(n + 1) if k / n + sample + shift < 1)
    assert float(fails(n, hard, rooted)) == pytest.approx(expected, abs=1e-14)
    assert float(shift_term(hard_task(n, hard, DELTA), rooted)) == pytest.approx(shift)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: hard_task(5, fmpq(4, 3), DELTA), "hard = 4/3"),
        (lambda: hard_task(5, fmpq(1, 3), fmpq(0)), "delta = 0"),
        (lambda: fails(0, fmpq(1, 3)), "n = 0"),
    ],
)
def test_bad_input(call, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        call()
