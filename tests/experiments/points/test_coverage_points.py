"""T3.coverage at rational points: every bound by its definition, over listed samples."""

import mpmath
import pytest
from helpers.learning_problems import DOCUMENT, failing, kl_upper, xi

from grpo_checks.experiments.points.generalization.coverage import ALONE, STATEMENT


def _tail(sample, n, delta):
    """A limit above or below the risk, by P(no more errors) at it."""
    errors = int(mpmath.nint(n * sample.empirical))
    p = sample.risk
    tail = sum(mpmath.binomial(n, k) * p**k * (1 - p) ** (n - k) for k in range(errors + 1))
    return 0 if tail < delta else 1


def _nats(sample, n, delta, price):
    return (sample.divergence + mpmath.log(price / delta)) / n


def _bernstein(sample, n, delta):
    """By its definition, with the rates 2^(-j/2)."""
    rates = [mpmath.mpf(2) ** (-mpmath.mpf(j) / 2) for j in range(1, 9)]
    nats = _nats(sample, n, delta, 8)
    costs = ((-mpmath.log(1 - g) - g) * sample.second for g in rates)
    return sample.empirical + min((c + nats) / g for c, g in zip(costs, rates, strict=True))


def _bets(sample, n, delta):
    """By its definition at C = 1: where the logarithm of the wealth passes the nats; else 1."""
    nats = n * _nats(sample, n, delta, 1)

    def excess(p):
        bets = ((c, 1 - mpmath.exp(-c)) for c in (mpmath.mpf(1) / 2, mpmath.mpf(1), mpmath.mpf(2)))
        wealth = [mpmath.exp(-n * c * sample.empirical) / (1 - p * a) ** n for c, a in bets]
        return mpmath.log((wealth[0] + 2 * wealth[1] + wealth[2]) / 4) - nats

    if excess(1) <= 0:
        return 1
    return mpmath.findroot(excess, (sample.empirical, 1), solver="anderson")


BY_HAND = {
    "betting mixture": _bets,
    "kl-xi": lambda s, n, d: kl_upper(s.empirical, _nats(s, n, d, xi(n))),
    "McAllester": lambda s, n, d: s.empirical + mpmath.sqrt(_nats(s, n, d, 2 * mpmath.sqrt(n)) / 2),
    "Catoni": lambda s, n, d: (
        (1 - mpmath.exp(-s.empirical - _nats(s, n, d, 1))) / (1 - mpmath.exp(-1))
    ),
    "unexpected Bernstein": _bernstein,
    "Chernoff": lambda s, n, d: kl_upper(s.empirical, _nats(s, n, d, 1)),
    "fresh tasks": _tail,
}
ONE = {"n": 5, "delta": "1/2", "source": [3, 1], "losses": [[0, 1]]}


@pytest.mark.parametrize(("bound", "by_hand"), [*BY_HAND.items()])
def test_coverage_by_listing(bound, by_hand):
    """All ordered samples; of the bounds for one policy at one."""
    document = ONE if bound in ALONE else {**DOCUMENT, "n": 4, "delta": "9/10"}
    document = {**document, "bound": bound}
    assert STATEMENT.decide(document).observed == failing(document, by_hand)
