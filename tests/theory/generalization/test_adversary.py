"""Prices that are enough whatever the problem: against sums, known bounds, and what is needed."""

import numpy as np
import pytest
from scipy.stats import binom

from grpo_checks.experiments.claims.generalization.hardest.cells import FORMS
from grpo_checks.theory.generalization.adversary.enough import (
    _excess,
    enough,
    kl_form,
    lambda_form,
    squared_form,
)
from grpo_checks.theory.generalization.adversary.largest import _bound, never_more
from grpo_checks.theory.generalization.adversary.needed import NEEDED
from grpo_checks.theory.generalization.maurer_constant import plain, xi


@pytest.mark.parametrize("form", [kl_form, lambda_form, squared_form])
@pytest.mark.parametrize("p", [0.03, 0.4, 0.9])
def test_excess_is_a_sum_over_errors(form, p):
    """E (e^{n g} - e^u)_+, term by term; none above the largest value."""
    n, levels = 20, np.array([0.0, 0.7, 3.0, 80.0])
    errors = np.arange(n + 1)
    nats, weight = n * form(errors / n, p), binom.pmf(errors, n, p)
    wanted = [(weight * np.maximum(np.exp(nats) - np.exp(u), 0)).sum() for u in levels]
    assert _excess(form, n, p, levels) == pytest.approx(wanted, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("bound", FORMS)
def test_forms_are_what_bounds_need(bound):
    """Below the risk; above it nothing is."""
    for q, p in ((0.0, 0.3), (0.2, 0.7)):
        assert FORMS[bound](np.array([q]), p)[0] == pytest.approx(NEEDED[bound](q, p))
        assert FORMS[bound](np.array([p]), q + 1e-9)[0] == 0


@pytest.mark.parametrize("n", [5, 25, 100])
def test_less_than_published_prices_is_enough(n):
    """Maurer's proof is a = 0: less than ln(xi/delta), more than a fresh test set needs."""
    for delta in (0.05, 1e-8):
        x = enough(kl_form, n, delta, np.log(plain(n) / delta))
        assert np.log(1 / delta) < x < np.log(xi(n) / delta)


def test_the_lambda_bound_gives_a_third_of_its_logarithm_away():
    """At delta = 1e-8, on every problem: no cell can use more than 7/10 of it up."""
    for n in (30, 300, 3000):
        price = np.log(plain(n) / 1e-8)
        assert enough(lambda_form, n, 1e-8, price) < 0.7 * price


@pytest.mark.parametrize("form", [kl_form, lambda_form, squared_form])
@pytest.mark.parametrize("low", [0.0, 0.1, 0.6, 1 - 1e-7])
def test_a_piece_of_laws_is_bounded(form, low):
    """By the sum itself where the piece is one law, and above it all over the piece."""
    n, level = 12, 1.5
    for high in (low, low + (1 - low) / 3, 1.0):
        bound = _bound(form, n, level, low, high)
        inside = [max(p, 1e-12) for p in np.linspace(low, min(high, 1 - 1e-12), 9)]
        means = [_excess(form, n, p, np.array([level]))[0] for p in inside]
        assert bound >= max(means) * (1 - 1e-12)
        if high == low:
            assert bound == pytest.approx(means[0], rel=1e-9)


def test_laws_next_to_one_need_most_of_xi():
    """As p grows to 1 every count below n is beyond any level: E (e^{n kl} - a)_+ -> xi - 1."""
    for n, delta in ((25, 1e-8), (5, 0.05)):
        least = np.log((xi(n) - 1) / delta)
        assert least < enough(kl_form, n, delta, np.log(plain(n) / delta)) < least + 0.05
        threshold = delta * np.exp(least)
        assert never_more(kl_form, n, 3.0, 1.001 * threshold)
        assert not never_more(kl_form, n, 3.0, 0.999 * threshold)


def test_too_little_is_refused():
    """The larger end of the search must be enough itself."""
    with pytest.raises(ValueError, match="not enough"):
        enough(kl_form, 5, 1e-8, 10.0)
