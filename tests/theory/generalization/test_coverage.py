"""Exact coverage against brute force over ordered samples, Monte Carlo, and laws known by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.learning_problems import BERNOULLI, SMALL, gibbs_by_hand, samples, specialist_problem
from scipy.stats import binom

from grpo_checks.theory.generalization import pac_bayes
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import Learned, Learning, learn
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import (
    BOUNDS,
    Setting,
    all_bounds,
    fresh_set_failure,
)
from grpo_checks.theory.numbers.counts import quantile

_bounds = jax.jit(all_bounds)
_learn = jax.jit(jax.vmap(learn, (None, 0, None)))


def _setting(n, delta):
    return Setting(*(jnp.asarray(float(x)) for x in (n, delta, xi(n), 0.0)))


def test_against_all_ordered_samples():
    """3^5 samples, posteriors by hand: failure, mean bound, offset, and the oracle offset."""
    n, temperature, delta = 5, 0.4, 0.2
    cases = [(p, *gibbs_by_hand(SMALL, s, temperature)) for s, p in samples(SMALL, n)]
    weight, empirical, second, risk, kl = (np.array(x) for x in zip(*cases, strict=True))
    learned = Learned(*(jax.device_put(x) for x in (empirical, second, risk, kl)))
    bounds = np.asarray(_bounds(learned, _setting(n, delta)))
    cell = coverage(SMALL, n, temperature, [delta])
    np.testing.assert_allclose(cell.failure[:, 0], (bounds < risk) @ weight, atol=1e-13)
    np.testing.assert_allclose(cell.mean_bound[:, 0], bounds @ weight, rtol=1e-12)
    np.testing.assert_allclose(cell.mean_offset[:, 0], (bounds - empirical) @ weight, rtol=1e-12)
    gap = risk - empirical
    allowed = [v for v in gap if weight[gap > v + 1e-12].sum() <= delta]
    assert cell.oracle_offset[0] == pytest.approx(min(allowed), abs=1e-12)
    assert cell.mean_divergence == pytest.approx(weight @ kl)


def test_monte_carlo_agrees():
    """200,000 drawn samples of 20 tasks, within 5 standard errors, for every bound."""
    problem, n, delta, size = specialist_problem(), 20, 0.2, 200_000
    cell = coverage(problem, n, 1.0, [delta])
    rng = np.random.default_rng(5)
    distinct, copies = np.unique(
        rng.multinomial(n, np.asarray(problem.chance), size), axis=0, return_counts=True
    )
    learned = _learn(problem, jnp.asarray(distinct, float), 1.0)
    bounds = np.asarray(_bounds(learned, _setting(n, delta)))
    failed = (bounds < np.asarray(learned.risk)) @ copies / size
    error = np.sqrt(np.maximum(cell.failure[:, 0], 1 / size) / size)
    assert (np.abs(failed - cell.failure[:, 0]) <= 5 * error).all()
    assert (cell.failure[:4, 0] > 0).all()
    mean = bounds @ copies / size
    np.testing.assert_allclose(mean, cell.mean_bound[:, 0], atol=5 * bounds.std() / size**0.5)


@pytest.mark.parametrize(("n", "price"), [(25, 1.0), (5, xi(5)), (25, 10.0)])
def test_one_policy_fails_exactly_as_often_as_its_bound_forgets(n, price):
    """delta/price at the law just above the bound at no errors; Chernoff reaches delta itself."""
    delta = 0.05
    limits = np.asarray(pac_bayes.maurer(jnp.arange(n + 1) / n, 0.0, n, delta, price))
    hard = limits[0] * (1 + 1e-10)

    def rule(learned, at):
        return pac_bayes.maurer(learned.empirical, learned.divergence, n, delta, price)[None]

    cell = coverage(Learning([[0.0, 1.0]], [1 - hard, hard]), n, 1.0, [delta], rule)
    assert cell.failure[0, 0] == pytest.approx(delta / price, rel=1e-7)
    assert cell.failure[0, 0] <= delta
    # At any other law it fails less often: the worst ones lie just above one of the limits.
    worst = max(binom.cdf(k, n, p * (1 + 1e-10)) for k, p in enumerate(limits[:-1]))
    assert worst <= cell.failure[0, 0] * (1 + 1e-9)


def test_leaving_out_the_price_is_not_seen():
    """With ln 1 for ln xi(n) no cell fails more often than delta: coverage alone proves little."""

    def rule(learned, at):
        return pac_bayes.maurer(learned.empirical, learned.divergence, at.n, at.delta, 1.0)[None]

    for problem in (specialist_problem(), BERNOULLI, SMALL):
        for n in (5, 20, 50):
            cell = coverage(problem, n, 0.1, [0.05], rule)
            assert cell.failure[0, 0] <= 0.05


def test_tightness_on_specialists():
    """kl-xi within a factor 3 of the oracle at n = 50 and 100; the order of the bounds."""
    problem = specialist_problem()
    for n in (50, 100):
        cell = coverage(problem, n, 1.0, [0.05])
        ratio = dict(zip(BOUNDS, cell.mean_offset[:, 0] / cell.oracle_offset[0], strict=True))
        assert 1 < ratio["kl-xi"] < 3
        assert ratio["kl-xi"] <= ratio["kl-2sqrt(n)"] <= min(ratio["McAllester"], ratio["lambda"])


def test_six_types_are_listed_in_pieces():
    """8,568 count vectors are more than one piece; nothing is lost between pieces."""
    problem = specialist_problem(6)
    cell = coverage(problem, 13, 1.0, [0.05])
    risk, loss = np.asarray(problem.risk), np.asarray(problem.loss)
    assert cell.mean_risk > risk.min()
    uniform = coverage(Learning(loss, problem.chance), 13, 1e9, [0.05])
    assert uniform.mean_empirical == pytest.approx(risk.mean(), abs=1e-7)
    assert uniform.mean_risk == pytest.approx(risk.mean(), abs=1e-7)


def test_fresh_tasks():
    """Binomial sums by hand; at the hardest risk the failure probability is delta itself."""
    m, delta = 20, 0.05
    limits = pac_bayes.fresh_set(np.arange(m), m, delta)
    for risk in (0.0, 0.1, 0.5, 1.0, float(limits[3]) + 1e-12):
        by_hand = sum(binom.pmf(k, m, risk) for k in range(m) if limits[k] < risk)
        assert float(fresh_set_failure(risk, m, delta)) == pytest.approx(by_hand, abs=1e-15)
    assert float(fresh_set_failure(limits[3] + 1e-12, m, delta)) == pytest.approx(delta)


def test_quantile():
    """The smallest value that at most delta of the mass exceeds."""
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([0.1, 0.5, 0.4])
    assert [quantile(values, weight, d) for d in (0.05, 0.1, 0.3, 0.6)] == [3.0, 2.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((5, 1.0, [0.0]), "delta = 0.0"),
        ((5, 0.0, [0.1]), "temperature = 0.0"),
        ((0, 1.0, [0.1]), "n = 0"),
        ((5, float("nan"), [0.1]), "temperature = nan"),
    ],
)
def test_bad_input(arguments, named):
    """The field and the value are named."""
    with pytest.raises(ValueError, match=named):
        coverage(SMALL, *arguments)
