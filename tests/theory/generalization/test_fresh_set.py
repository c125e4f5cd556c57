"""The test-set bound against beta integrals at 40 digits: never below the limit, hardly above."""

import re
from math import expm1, log, log1p

import mpmath
import numpy as np
import pytest
from mpmath import mp

from grpo_checks.theory.generalization.pac_bayes import fresh_set, fresh_set_failure

SHARE = 1e-11
# SciPy's inverse is lost at k = 999 or m - k = 1000, by more than a factor of e^300 in the tail.
LOST = [
    (999, 10113, 0.1),
    (999, 43317, 0.001),
    (2818477, 2819477, 1 - 2.0**-53),
    (71239185, 71240185, 0.5),
    (999, 90558555, 1e-30),
]

ISSUE = [(4, 10**5, 1e-6), (1, 300, 1e-13), (5 * 10**7, 10**8, 0.05), (7, 10**8, 1e-300)]


def _log_integral(k, m, p, side):
    """log of the integral of t^k (1-t)^(m-k-1) from p up (side 1) or down (-1), where it falls."""
    log_density = lambda t: k * mp.log(t) + (m - k - 1) * mp.log1p(-t)  # noqa: E731
    slope, top = abs(k / p - (m - k - 1) / (1 - p)), log_density(p)
    spread = mp.sqrt(mp.mpf(k + 1) * (m - k)) / mp.mpf(m) ** 1.5
    far = min(18 * spread + mp.mpf(200) / m, 160 / slope if slope else 1, 1 - p if side > 0 else p)
    ends = mp.linspace(p, p + side * far, 13)
    inside = mp.quad(lambda t: mp.exp(log_density(t) - top), ends)
    return mp.log(side * inside) + top


def _excess(k, m, p, delta):
    """By what share p, and p lowered by ``SHARE``, lie above the limit, to first order.

    Of the smaller tail at p; what is between the two is added to it. Of 40 digits log-gammas up to
    2e9 and logs of densities leave 30: 19 more than a share needs.
    """
    with mp.workdps(40):
        p, mode = mp.mpf(p), mp.mpf(k) / max(m - 1, 1)
        side = 1 if p > mode else -1
        norm = mp.loggamma(k + 1) + mp.loggamma(m - k) - mp.loggamma(m + 1)
        log_density = lambda t: k * mp.log(t) + (m - k - 1) * mp.log1p(-t) - norm  # noqa: E731
        mass = mp.exp(_log_integral(k, m, p, side) - norm)
        wanted = mp.log(mp.mpf(delta)) if side > 0 else mp.log1p(-mp.mpf(delta))
        lower = p * (1 - SHARE)
        # Over so short a way the logarithm of the density falls or rises by less than 1e-3.
        between = mp.quad(lambda t: mp.exp(log_density(t)), [lower, p], maxdegree=2)
        pairs = ((p, mass), (lower, mass + side * between))
        shares = [(mp.log(x) - wanted) * x / mp.exp(log_density(t)) / t for t, x in pairs]
        return [float(-side * x) for x in shares]


def _places(size=36, seed=0):
    """(k, m, delta) over all orders of magnitude, from both ends."""
    rng, rows = np.random.default_rng(seed), []
    for shape in range(size):
        m = int(10 ** rng.uniform(0.5, 8))
        k = min(int(10 ** rng.uniform(0, max(np.log10(m), 0.1))), m) - 1
        k = [k, m - 1 - k, int(m * rng.random())][shape % 3]
        rows.append((k, m, [10 ** rng.uniform(-300, 0), rng.random(), 1e-12, 0.999][shape % 4]))
    return rows


@pytest.mark.parametrize(("k", "m", "delta"), [*_places(), *LOST, *ISSUE])
def test_limits(k, m, delta):
    """Above the limit, by a share of at most 1e-11; one lowered by that much would be seen."""
    limit = float(fresh_set(k, m, delta))
    if limit < 1 - 1e-13:
        excess, lowered = _excess(k, m, limit, delta)
        assert 0 <= excess <= SHARE
        assert lowered < 0


def test_published_value():
    """The issue's value, where cephes has .0408; the tail below it is not above delta."""
    limit = float(fresh_set(4, 10**5, 1e-6))
    assert limit == pytest.approx(0.00023429247, rel=1e-7)
    with mp.workdps(40):
        terms = (mpmath.binomial(10**5, j) * mp.mpf(limit) ** j for j in range(5))
        tail = mp.fsum(t * (1 - mp.mpf(limit)) ** (10**5 - j) for j, t in enumerate(terms))
    assert 1 - 1e-10 < tail / mp.mpf(1e-6) <= 1


@pytest.mark.parametrize("m", [1, 7, 10**4, 10**8])
@pytest.mark.parametrize("delta", [1e-250, 1e-6, 0.3, 0.9, 1 - 1e-9])
def test_closed_forms(m, delta):
    """No error: 1 - delta^(1/m); m - 1: (1 - delta)^(1/m); m: 1."""
    none, all_but_one, every = fresh_set([0, m - 1, m], m, delta)
    assert none == pytest.approx(-expm1(log(delta) / m), rel=SHARE)
    assert all_but_one == pytest.approx(np.exp(log1p(-delta) / m), rel=SHARE)
    assert every == 1


@pytest.mark.parametrize("m", [1, 2, 29, 300, 3000])
@pytest.mark.parametrize("delta", [1e-300, 1e-13, 1e-3, 0.5, 0.500001, 1 - 1e-12])
def test_monotone(m, delta):
    """In k, strictly below 1; in (0, 1]."""
    limits = fresh_set(np.arange(m + 1), m, delta)
    assert ((limits > 0) & (limits <= 1)).all()
    assert ((np.diff(limits) > 0) | (limits[1:] == 1)).all()


@pytest.mark.parametrize(
    ("errors", "m", "delta", "message"),
    [
        (1.5, 3, 0.1, "errors = 1.5: expected whole numbers in 0..3"),
        ([1, 4, 5], 3, 0.1, "errors = 4: expected"),
        (-1, 3, 0.1, "errors = -1: expected"),
        (float("nan"), 3, 0.1, "errors = nan: expected"),
        ("1", 3, 0.1, "errors = 1: expected"),
        (True, 3, 0.1, "errors = True: expected"),
        (1, 3.0, 0.1, "m = 3.0: expected a whole number of tasks in 1..100000000"),
        (1, True, 0.1, "m = True: expected"),
        (1, 0, 0.1, "m = 0: expected"),
        (1, 3 * 10**9, 0.1, "m = 3000000000: expected"),
        (1, 3, 1.0, "delta = 1.0: expected a number in (0, 1)"),
        (1, 3, float("nan"), "delta = nan: expected"),
        (1, 3, "x", "delta = x: expected"),
        (1, 3, None, "delta = None: expected"),
        (1, 3, 1e-301, "delta = 1e-301: expected at least 1e-300"),
    ],
)
def test_bad_input(errors, m, delta, message):
    """One line that names the field, the value and what was expected."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}[^\n]*$"):
        fresh_set(errors, m, delta)


@pytest.mark.parametrize(("m", "delta"), [(300, 1e-13), (10**5, 1e-6), (10**8, 0.05)])
def test_failure_of_many_tasks(m, delta):
    """Just above the k-th limit it fails on up to k errors: delta; just below, on fewer."""
    for k in (0, 4, 200):
        limit = float(fresh_set(k, m, delta))
        above, below = fresh_set_failure([limit * (1 + 1e-10), limit * (1 - 1e-10)], m, delta)
        assert above == pytest.approx(delta, rel=1e-6)
        assert below < delta * (1 - 1e-3)


@pytest.mark.parametrize(
    ("risk", "m", "named"),
    [(1.1, 5, "risk = 1.1"), (float("nan"), 5, "risk = nan"), (0, 0, "m = 0")],
)
def test_failure_refuses(risk, m, named):
    """A risk that is none, no tasks."""
    with pytest.raises(ValueError, match=named):
        fresh_set_failure(risk, m, 0.1)
