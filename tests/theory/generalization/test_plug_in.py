"""The plug-in numbers, put back into the bound they solve."""

from math import inf, log

import numpy as np
import pytest

from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.plug_in import (
    largest_divergence,
    smallest_explaining,
    spare_variation,
    tasks_needed,
)
from grpo_checks.theory.numbers.kl import kl_upper

CASES = [(0.5, 0.9, 63), (0.0, 0.55, 20), (0.36, 0.47, 3400)]
DELTA = 0.05


def _bound(empirical, kl, n):
    return float(kl_upper(empirical, (kl + log(xi(n) / DELTA)) / n))


@pytest.mark.parametrize(("empirical", "target", "n"), CASES)
def test_largest_divergence_reaches_the_target(empirical, target, n):
    """The bound at that KL is the target, and above it beyond."""
    largest = largest_divergence(empirical, target, n, DELTA)
    assert largest > 0
    assert _bound(empirical, largest, n) == pytest.approx(target, abs=1e-10)
    assert smallest_explaining(empirical, target, n, DELTA) == largest


@pytest.mark.parametrize(("empirical", "target", "n"), CASES)
def test_spare_variation(empirical, target, n):
    """Bound at KL = 0 plus the TV is the target."""
    spare = spare_variation(empirical, target, n, DELTA)
    assert _bound(empirical, 0.0, n) + spare == pytest.approx(target)


@pytest.mark.parametrize(("empirical", "target", "_"), CASES)
@pytest.mark.parametrize("kl", [0.0, 10.0, 1000.0])
def test_tasks_needed(empirical, target, _, kl):
    """That many do, one less does not, and neither does any smaller number."""
    n = int(tasks_needed(empirical, target, kl, DELTA))
    assert largest_divergence(empirical, target, n, DELTA) >= kl
    for fewer in {max(n - 1, 1), max(n // 2, 1), 1}:
        assert fewer == n or largest_divergence(empirical, target, fewer, DELTA) < kl


def test_nothing_to_certify():
    """A training loss at or above the target: no KL, no TV, no n; and it never contradicts."""
    assert largest_divergence(0.6, 0.5, 100, DELTA) == -log(xi(100) / DELTA)
    assert spare_variation(0.6, 0.5, 100, DELTA) == 0
    assert tasks_needed(0.6, 0.5, 1.0, DELTA) == inf
    assert tasks_needed(0.5, 0.5 + 1e-9, 1.0, DELTA) == inf
    assert smallest_explaining(0.6, 0.5, 100, DELTA) == 0
    assert np.isinf(largest_divergence(0.5, 1.0, 20, DELTA))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: largest_divergence(1.2, 0.5, 20, DELTA), "empirical = 1.2"),
        (lambda: largest_divergence(0.2, float("nan"), 20, DELTA), "target = nan"),
        (lambda: largest_divergence(0.2, 0.5, 0, DELTA), "n = 0"),
        (lambda: spare_variation(0.2, 0.5, 20, 1.0), "delta = 1.0"),
        (lambda: tasks_needed(0.2, 0.5, -1.0, DELTA), "divergence = -1.0"),
    ],
)
def test_bad_input(call, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        call()
