"""The response of std-normalised GRPO to a binary reward, enclosed: closed forms and limits."""

from math import sqrt

import pytest
from flint import arb, fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import is_constant
from grpo_checks.theory.instances.conflict import NORMALIZED_ZERO
from grpo_checks.theory.numbers.balls import ends, root
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.line import at, potential, slope
from grpo_checks.theory.rational.lines.optimum import change_of_sign
from grpo_checks.theory.rational.menus.response import potential as raised
from grpo_checks.theory.rational.menus.response import response

GRID = [fmpq(i, 20) for i in range(21)]


def _same(observed, expected):
    low, high = ends(arb(observed - expected))
    assert low <= 0 <= high
    assert high - low < 1e-60


@pytest.mark.parametrize("p", GRID)
def test_closed_forms(p):
    """c_2 = 1, c_3 = sqrt 2, c_4 = sqrt 3 - (2 sqrt 3 - 3) p (1-p), also at p = 0 and 1."""
    _same(response(2, p), fmpq(1))
    _same(response(3, p), root(fmpq(2)))
    _same(response(4, p), root(fmpq(3)) - (2 * root(fmpq(3)) - 3) * p * (1 - p))
    _same(raised(2, p), p)
    _same(raised(4, p), root(fmpq(3)) * p - (2 * root(fmpq(3)) - 3) * (p * p / 2 - p**3 / 3))


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 16])
def test_supremum_and_symmetry(size):
    """sup c_G = sqrt(G-1) at the ends, minimum at 1/2; constant for G = 2 and 3 only."""
    _same(response(size, fmpq(0)), root(fmpq(size - 1)))
    for p in GRID:
        _same(response(size, p), response(size, 1 - p))
        assert not response(size, p) < response(size, fmpq(1, 2))
    assert is_constant(size) == (size <= 3)


def test_kappa_table():
    """kappa_G = sqrt(G-1)/c_G(1/2): published values to 1e-4."""
    table = {4: 1.0718, 5: 1.1596, 8: 1.4258, 16: 2.0024, 64: 4.0003}
    for g, kappa in table.items():
        assert abs(sqrt(g - 1) / float(response(g, fmpq(1, 2))) - kappa) < 1e-4


@pytest.mark.parametrize(("size", "eps", "ddof"), [(4, 0, 0), (5, 0, 1), (3, fmpq(1, 10), 1)])
def test_expected_update_on_conflict(size, eps, ddof):
    """c_G(p) grad p, against the listing of all groups."""
    line, estimator = conflict_line(), Estimator("group_normalized", ddof, float(eps))
    for z in (fmpq(1, 5), fmpq(1, 3), fmpq(9, 10)):
        listed = update(at(line, z), size, estimator).mean[0]
        observed = fmpq(0)
        for prompt in line.prompts:
            p = prompt.odds_to_chance(z)
            observed += prompt.chance * prompt.slope * p * (1 - p) * response(size, p, ddof, eps)
        _same(observed, listed)


def test_named_zero_of_the_update():
    """NORMALIZED_ZERO is where E[g] vanishes for G = 8."""
    field = lambda z: slope(conflict_line(), z, potential(8))  # noqa: E731
    odds = change_of_sign(field, fmpq(1, 16), fmpq(1), 40)
    assert abs(float(odds.log()) - NORMALIZED_ZERO) < 1e-6
    with pytest.raises(ArithmeticError, match="change of sign from 1/2 to 1"):
        change_of_sign(field, fmpq(1, 2), fmpq(1), 40)


def test_bad_input():
    """The value is named."""
    with pytest.raises(ValueError, match="p = 2"):
        response(4, fmpq(2))
    with pytest.raises(ValueError, match="group_size = 1"):
        response(1, fmpq(1, 2))
