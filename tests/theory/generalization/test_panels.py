"""Panels of policies: by listing all samples of a small problem, and the best of the class."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multinomial

from grpo_checks.experiments.claims.generalization.hardest.designs import PANEL_DELTA, PANELS
from grpo_checks.theory.generalization.adversary.panels import (
    FIRST,
    Panels,
    lucky,
    lucky_at_least,
    most_errors,
    panel_bound,
    panel_nats,
    recursive_log,
)
from grpo_checks.theory.generalization.pac_bayes import maurer
from grpo_checks.theory.generalization.split_prior import GAMMA, excess_bound
from grpo_checks.theory.numbers.counts import count_vectors
from grpo_checks.theory.updates.rounding import accumulated

SMALL = Panels(n=4, size=3, panels=2, divergence=2.0)
LEVEL = 0.5


@pytest.fixture(scope="module")
def listed():
    """Of ``SMALL``: what is wrong, the losses, what P_1 loses, counts of S_2 and their chances."""
    answers = np.array(list(product(range(3), repeat=2)))
    wrong = np.stack([answers[:, i] == j for i in range(2) for j in range(3)]).astype(float)
    share = 6 * np.exp(-2.0)
    # b = share (wrong + (1 - wrong) b/2) on every type, by iteration.
    base = np.zeros(9)
    for _ in range(60):
        base = share * np.where(wrong == 1, 1.0, base / 2).mean(0)
    losses = np.where(wrong == 1, 1.0, base / 2)
    counts = count_vectors(SMALL.n, 9)
    chances = multinomial.pmf(counts, SMALL.n, np.full(9, 1 / 9))
    return wrong, losses, base, counts, chances


def test_numbers_of_a_small_problem(listed):
    """Losses, risk and divergence, with the policy that is always right in P_1."""
    wrong, losses, base, _, _ = listed
    assert wrong.sum(0) == pytest.approx(2)
    assert base == pytest.approx(2 * SMALL.right, abs=1e-15)
    assert losses.mean(1) == pytest.approx(SMALL.risk)
    prior = np.append(np.full(6, SMALL.share / 6), 1 - SMALL.share)
    assert prior @ np.vstack([losses, np.zeros(9)]) == pytest.approx(base)
    assert -np.log(prior[0]) == pytest.approx(SMALL.divergence)


def test_the_chance_of_a_lucky_policy(listed):
    """Exact without errors; with some, a lower limit."""
    wrong, _, _, counts, chances = listed
    fewest = (counts @ wrong.T).min(1)
    assert lucky(SMALL) == pytest.approx(chances @ (fewest == 0), rel=1e-13)
    for errors in (0, 1):
        assert 0.3 < lucky_at_least(SMALL, errors) <= chances @ (fewest <= errors)
    # Of a panel's policies pairs alone are counted otherwise; both sides have 4 n roundings.
    pairs = (PANELS.size - 1) / 2 * (1 - 1 / PANELS.size) ** PANELS.n
    off = 2 * accumulated(64 + 4 * PANELS.n)
    assert 0 < 1 - lucky_at_least(PANELS, 0) / lucky(PANELS) < pairs + off


def test_the_bound_is_that_of_learned_priors(listed):
    """The excess by ``split_prior``: it fails just below what is needed with the chance said."""
    wrong, losses, base, counts, chances = listed
    least, take = panel_nats(SMALL, LEVEL), (counts @ wrong.T).argmin(1)
    excess, weights = jnp.asarray(losses - GAMMA * base), jnp.eye(6)[take]
    # A price of a third of the level leaves the nats alone.
    part = jax.jit(jax.vmap(excess_bound, (None, 0, 0, None, None, None)))
    for nats, failing in ((least * (1 - 1e-6), lucky(SMALL)), (least * (1 + 1e-6), 0.0)):
        numbers = map(jnp.asarray, (nats, LEVEL, LEVEL / 3))
        limits = np.asarray(part(excess, weights, jnp.asarray(counts, float), *numbers))
        below = limits + GAMMA * base[0] < losses.mean(1)[0]
        assert chances @ below == pytest.approx(failing, rel=1e-12)
        errors = (counts @ wrong.T).min(1)
        for k in (0, 1):
            # The stage before is bounded from above there: by sqrt(2 b c)/2, see ``panels``.
            stored = panel_bound(SMALL, LEVEL, nats, k) - GAMMA * base[0]
            assert limits[errors == k] == pytest.approx(stored, abs=1e-7)


def test_the_stage_before_is_bounded_from_above():
    """By the inverse of kl with fewer tasks in S_1, where float64 can tell."""
    tasks = 10**8
    base, nats = 2 * PANELS.right, np.log(2 * 2 * np.sqrt(tasks) / PANEL_DELTA) / tasks
    simple = base + np.sqrt(2 * base * nats) + 2 * nats
    assert base < maurer(base, 0.0, float(tasks), PANEL_DELTA / 2, 2 * np.sqrt(tasks)) < simple
    stage = panel_bound(PANELS, PANEL_DELTA, 1e-12) / GAMMA
    assert 0 < stage - base < 1e-4 * np.sqrt(10**8 / FIRST) * 1.5


def test_a_lowered_price_fails_and_half_of_it_far_more_often():
    """The panels of the claim's cell."""
    price = PANELS.divergence + recursive_log(PANELS.n, PANEL_DELTA)
    least = panel_nats(PANELS, PANEL_DELTA)
    assert PANELS.share <= 1
    assert PANEL_DELTA < lucky(PANELS) < PANEL_DELTA + 1e-9
    bounds = [panel_bound(PANELS, PANEL_DELTA, least * x) for x in (1 - 1e-9, 1 + 1e-9)]
    assert bounds[0] < PANELS.risk < bounds[1]
    assert most_errors(PANELS, PANEL_DELTA, price) == -1
    assert most_errors(PANELS, PANEL_DELTA, least - 1e-3) == 0
    assert most_errors(PANELS, PANEL_DELTA, price / 2) == 4
    with pytest.raises(ValueError, match="expected more than delta = 0"):
        panel_nats(PANELS, 0.06)


def given_away(n, share, delta, divergence=30.0):
    """Nats, by the formula of the docstring; n real, xi(n) = sqrt(pi n/2) + 2/3 up to 1/sqrt n."""
    chance = -np.log1p(-delta)
    nats = (divergence + np.log(share) - np.log(chance)) / n
    p, right = -np.expm1(-nats), np.exp(-nats)
    own = np.log1p(share * p**2 / (right * (2 - share * right)))
    logarithm = np.log(6 * (np.sqrt(np.pi * n / 2) + 2 / 3))
    return logarithm + np.log(chance / delta) - np.log(share) + n * own


def test_no_panels_are_better():
    """By a simplex search over real n, e and delta, and by a grid that goes far beyond."""
    spare = PANELS.divergence + recursive_log(PANELS.n, PANEL_DELTA)
    spare -= panel_nats(PANELS, PANEL_DELTA)
    assert spare == pytest.approx(given_away(PANELS.n, PANELS.share, PANEL_DELTA), abs=2e-3)

    def objective(x):
        return given_away(np.exp(x[0]), *(1 / (1 + np.exp(-np.array(x[1:])))))

    best = minimize(objective, [7.0, 2.0, -2.0], method="Nelder-Mead").fun
    assert best - 1e-6 < spare < best + 5e-3
    levels = np.append(np.geomspace(1e-8, 0.9, 60), 1 - np.geomspace(1e-9, 0.1, 20))
    grid = np.meshgrid(np.geomspace(1, 1e7, 200), np.geomspace(1e-4, 1, 60), levels)
    limit = np.log(6) + 0.5 + np.log(np.pi) / 2 + np.log(30)
    assert 0.2088 * 30 < limit < best < given_away(*grid).min()
    assert best == pytest.approx(0.2129 * 30, abs=3e-3)


def test_what_panels_lose_but_for_delta():
    """The number that ``tests/trials/recursive_price.py`` finds in a wider class."""

    def objective(x):
        share, small = 1 / (1 + np.exp(-x[1])), 1e-9
        return given_away(np.exp(x[0]), share, small, 30 + np.log(small))

    best = minimize(objective, [7.0, 2.0], method="Nelder-Mead").fun
    assert best == pytest.approx(0.20898 * 30, abs=2e-4)


def test_policies_that_err_more_or_less_often_are_no_better():
    """The least KL(Q ‖ P) + a (E_Q z^2 - 1)/2 + a E_P z - (ln a)/2, E_Q z = 1, is at z = 1.

    Its dual in w = dP/dQ: for any v >= 0, E_Q (1 + ln(a z + v)) - v + a (E_Q z^2 - 1)/2 is less;
    and a Q with the least mean takes two values (Caratheodory).
    """
    low, high = np.linspace(0, 1, 81)[:, None], np.linspace(1, 9, 321)[None, 1:]
    weight = (high - 1) / (high - low)

    def least(a, v):
        left, right = (np.log(a * z + v) + a * (z**2 - 1) / 2 for z in (low, high))
        return (weight * left + (1 - weight) * right).min() + 1 - v

    values = {}
    for a in np.geomspace(0.02, 50, 60):
        multipliers = np.geomspace(0.01, 1, 40)
        values[a] = max(least(a, v) for v in [*multipliers, abs(1 - a)]) - np.log(a) / 2
    alone = (1 + np.log(2)) / 2
    assert min(values.values()) > alone - 1e-9
    assert least(0.5, 0.5) - np.log(0.5) / 2 == pytest.approx(alone, abs=1e-12)
