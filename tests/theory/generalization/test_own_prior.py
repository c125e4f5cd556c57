"""What is enough of the recursive bound where Q is its own prior: by listing, and at its corner."""

from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import rel_entr
from scipy.stats import binom, multinomial

from grpo_checks.theory.generalization.adversary.own_prior import (
    least_exponent,
    nats_enough,
    nats_needed,
)
from grpo_checks.theory.generalization.adversary.panels import recursive_log

LEVELS = (-0.5, 0.0, 0.5)


def upper(q, c):
    """The largest p with kl(q ‖ p) <= c, by bisection."""
    low, high = np.broadcast_to(q, np.shape(q)).astype(float), np.ones(np.shape(q))
    for _ in range(60):
        middle = (low + high) / 2
        with np.errstate(divide="ignore"):
            inside = rel_entr(q, middle) + rel_entr(1 - q, 1 - middle) <= c
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


def test_the_parts_have_least_to_spare_at_a_corner():
    """Three numbers in [0, 1] of a given sum 1 + b: least at 1, b and 0."""
    rng, c = np.random.default_rng(0), 0.3
    parts = rng.uniform(size=(20_000, 3)) ** rng.choice([0.2, 1.0, 5.0], size=(20_000, 3))
    b = parts.sum(1) - 1
    parts, b = parts[(b > 0) & (b < 1)], b[(b > 0) & (b < 1)]
    spare = (upper(parts, c) - parts).sum(1)
    assert len(b) > 1000
    assert (spare >= upper(b, c) - b - np.expm1(-c) - 1e-12).all()


LOSSES = [
    [[0.0, 0.5, 1.0], [1.0, 0.25, 0.0]],
    [[0.0, 1.0, 1.0], [0.0, 1.0, 1.0]],
    [[0.1, 0.9, 0.6], [0.3, 1.0, 0.2]],
]


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("nats", [0.05, 0.4])
def test_no_listed_problem_fails_more_often(losses, nats):
    """Two policies, P_1 = Q one half each, three types: all counts of S_2, the stage exact."""
    n, loss = 14, np.array(losses)
    counts = np.array([c for c in product(range(n + 1), repeat=3) if sum(c) == n])
    base = loss.mean(0)
    parts = np.stack([np.clip((loss - base / 2 - x) / 0.5, 0, 1).mean(0) for x in LEVELS])
    bound = -0.5 + 0.5 * upper(counts @ parts.T / n, nats / n).sum(1)
    most = 0.0
    for chance in ((0.6, 0.3, 0.1), (0.3, 0.4, 0.3), (0.05, 0.15, 0.8)):
        risk = base @ chance
        failing = bound + 0.5 * risk < risk - 1e-12
        most = max(most, multinomial.pmf(counts[failing], n, chance).sum())
    assert most <= np.exp(-least_exponent(n, nats))
    if losses == LOSSES[1]:
        assert most > 1e-3


@pytest.mark.parametrize(("n", "nats"), [(25, 5.0), (400, 12.0), (6400, 16.0)])
def test_the_exponent_is_nearly_the_least(n, nats):
    """By a minimiser that uses no grid."""

    def exponent(q):
        p = upper(q, nats / n) - np.expm1(-nats / n)
        return n * (rel_entr(q, p) + rel_entr(1 - q, 1 - p)) if p < 1 else np.inf

    starts = np.linspace(0, 1, 41)
    best = min(range(41), key=lambda i: exponent(starts[i]))
    ends = (starts[max(best - 1, 0)], starts[min(best + 1, 40)])
    least = minimize_scalar(exponent, bounds=ends, method="bounded", options={"xatol": 1e-10}).fun
    least = min(least, exponent(0.0))
    assert 0.985 * least < least_exponent(n, nats) <= least * (1 + 1e-9)


def test_one_policy_needs_less_than_is_enough_and_the_bound_asks_for_more():
    """At delta = 1e-8; more than a fifth of the logarithm is given away, for each n."""
    delta, n, risk = 1e-8, 6400, 0.445
    seen = binom.ppf(delta, n, risk) / n
    needed, enough = nats_needed(n, seen, risk), nats_enough(n, delta)
    assert upper(seen, needed / n) - np.expm1(-needed / n) == pytest.approx(risk, abs=1e-9)
    assert 13 < needed < enough < np.log(2 / delta) < recursive_log(n, delta)
    assert enough < 0.7 * recursive_log(n, delta)


@pytest.mark.parametrize("n", [1, 100, 100_000])
def test_more_than_a_fifth_of_the_logarithm_is_given_away(n):
    """By ln(2/delta) alone from n = 1000 on, below that since the third part pays for nothing."""
    enough = nats_enough(n, 1e-8)
    assert enough < 0.74 * recursive_log(n, 1e-8)
    assert (np.log(2e8) < 0.8 * recursive_log(n, 1e-8)) == (n >= 1000)
