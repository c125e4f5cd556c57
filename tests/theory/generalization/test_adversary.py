"""Prices that are enough whatever the problem: against sums, known bounds, and what is needed."""

import numpy as np
import pytest
from scipy.stats import binom

from grpo_checks.experiments.claims.generalization.hardest import prices
from grpo_checks.experiments.claims.generalization.hardest.designs import COINS, LAWS
from grpo_checks.experiments.claims.generalization.hardest.prices import FORMS, SCANS
from grpo_checks.theory.generalization.adversary.enough import _excess, enough, most_needed
from grpo_checks.theory.generalization.adversary.forms import KL, LAMBDA, SQUARED
from grpo_checks.theory.generalization.adversary.largest import _bound, never_more
from grpo_checks.theory.generalization.adversary.needed import NEEDED
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import fresh_set

SCALED = [KL, KL._replace(rho=3.0), LAMBDA, LAMBDA._replace(rho=0.8), SQUARED]
SCALED += [SQUARED._replace(rho=0.8), SQUARED._replace(rho=3.0)]


@pytest.mark.parametrize("form", SCALED)
@pytest.mark.parametrize("p", [0.03, 0.4, 0.9])
def test_excess_is_a_sum_over_errors(form, p):
    """E (e^{n g/rho} - e^u)_+, term by term; none above the largest value."""
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
        x = enough(KL, n, delta, np.log(plain(n) / delta))
        assert np.log(1 / delta) < x < np.log(xi(n) / delta)


def test_the_lambda_bound_gives_a_third_of_its_logarithm_away():
    """At delta = 1e-8, on every problem: no cell can use more than 7/10 of it up."""
    for n in (30, 300, 3000):
        price = np.log(plain(n) / 1e-8)
        assert enough(LAMBDA, n, 1e-8, price) < 0.7 * price


@pytest.mark.parametrize("form", SCALED)
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
        assert least < enough(KL, n, delta, np.log(plain(n) / delta)) < least + 0.05
        threshold = delta * np.exp(least)
        assert never_more(KL, n, 3.0, 1.001 * threshold)
        assert not never_more(KL, n, 3.0, 0.999 * threshold)


def test_too_little_is_refused():
    """The larger end of the search must be enough itself."""
    with pytest.raises(ValueError, match="not enough"):
        enough(KL, 5, 1e-8, 10.0)


@pytest.mark.parametrize("form", SCALED)
@pytest.mark.parametrize("q", [0.0, 0.1, 0.3, 0.8])
def test_weights_turn_where_they_are_said_to(form, q):
    """(1-p)^(1-q) p^q e^{g/rho} in long doubles: above the turn it falls, and on no piece below it
    is it larger than at both ends."""
    p = np.linspace(q, 1, 4001, dtype=np.longdouble)[1:-1]
    turn = form.turn(np.array([q]), form.rho)[0]
    gap = p - q
    nats = {KL: 0.0, LAMBDA: gap**2 / (2 * p), SQUARED: 2 * gap**2}[form._replace(rho=1.0)]
    logs = q * np.log(p) + (1 - q) * np.log1p(-p) + nats / form.rho
    if form._replace(rho=1.0) == KL:
        logs = logs * (1 - 1 / np.longdouble(form.rho))
    # A long double has 64 bits; sums of some terms of size 10.
    steps, off = np.diff(logs), 1e-17
    assert (steps[p[:-1] >= turn] <= off).all()
    signs = np.sign(steps[p[1:] <= turn])
    assert (np.diff(signs) >= 0).all()


@pytest.mark.parametrize("n", [20, 60, 400])
def test_one_policy_needs_no_more_than_a_test_set_and_little_less(n):
    """At KL = 0: between what the hardest laws need and Hoeffding's ln(1/delta)."""
    delta = 1e-8
    price = np.log(plain(n) / delta)
    needs = [2 * n * (fresh_set(k, n, delta) - k / n) ** 2 for k in range(n // 2)]
    assert max(needs) < most_needed(SQUARED, n, delta, 0.0, price) < np.log(1 / delta)


@pytest.mark.parametrize("n", [60, 1000])
def test_more_than_a_fifth_of_a_divergence_is_given_away(n):
    """Of KL = 30 in the lambda bound, where its coins need no more."""
    crowd, price = COINS["lambda"], 30 + np.log(plain(n) / 0.5)
    most = most_needed(LAMBDA, n, 0.5, 30.0, price)
    assert price - most > 0.24 * 30
    assert n * (crowd.before - crowd.seen) ** 2 / (2 * crowd.before) < most


def test_more_than_a_fifth_of_a_logarithm_is_given_away(monkeypatch):
    """McAllester's at KL = 0, where it is least; above the last n ln(1/delta) is enough."""
    scan = prices.SCANS["McAllester"]
    sizes = {"McAllester": scan._replace(sizes=(20, 50, 200))}
    monkeypatch.setattr(prices, "SCANS", sizes)
    least = prices.scanned("McAllester")
    assert least["scan_least"] > 0.22
    assert (least["scan_at"], least["scan_sizes"]) == (50, 3)
    assert prices.scanned("kl-xi") == {}
    assert np.log(1e8) < 0.8 * np.log(plain(max(scan.sizes) + 1) / 1e-8)


def test_scans_are_of_cells():
    """Their names are those that the cells ask for."""
    assert set(SCANS) <= {*LAWS, "recursive prior", *(f"KL(Q‖P) of {x}" for x in COINS)}


def test_no_function_of_a_count_proves_a_fifth_whatever_the_divergence():
    """At n = 60 a function that is e^{n g - x} beyond x, and 0 before, is too large at 4/5 of
    McAllester's price already; that of ``enough`` is next to the least there is."""
    n, delta = 60, 1e-8
    price, errors = np.log(plain(n) / delta), np.arange(n)

    def mean(x):
        means = []
        for p in np.linspace(0.3, 0.7, 41):
            nats = n * SQUARED(errors / n, p)
            means.append((binom.pmf(errors, n, p) * np.exp(nats - x))[nats > x].sum())
        return max(means)

    assert mean(0.8 * price) > 1.5 * delta
    x = enough(SQUARED, n, delta, price)
    assert mean(x) < delta < mean(x - 0.3)
