"""Posteriors beyond Gibbs: the worst one, priors from half of the tasks, a trained Gaussian."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import learning_problems
from helpers.learning_problems import SMALL, gibbs_by_hand, samples, specialist_problem
from scipy.integrate import quad
from scipy.stats import binom, norm

from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.posterior import (
    Gaussian,
    Settings,
    certificate,
    divergence,
    expected_losses,
    train_posterior,
    trapezoid,
)
from grpo_checks.theory.generalization.proof_slack import slack
from grpo_checks.theory.generalization.split_prior import GAMMA, excess_bound, split_coverage
from grpo_checks.theory.generalization.worst_posterior import worst_posterior
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.numbers.counts import count_vectors, log_chances
from grpo_checks.theory.numbers.kl import binary_kl, kl_upper

CONFLICT = conflict()
_short = pytest.fixture(learning_problems.short_chunks, autouse=True, scope="module")
_kl, _upper = jax.jit(binary_kl), jax.jit(kl_upper)


def test_the_worst_posterior_by_grid():
    """Two policies: a grid over all posteriors finds no more failures than ascent does."""
    problem = type(SMALL)([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]], [0.6, 0.2, 0.2])
    n, delta = 6, 0.3
    needed = np.log(xi(n) / delta)
    q = np.linspace(0, 1, 2001)[1:-1]
    posterior = np.stack([q, 1 - q])
    kl = (posterior * np.log(2 * posterior)).sum(0)
    loss, risk, total = np.asarray(problem.loss), np.asarray(problem.risk), 0.0
    counts = count_vectors(n, 3)
    for count, weight in zip(
        counts, np.exp(log_chances(counts, np.array([0.6, 0.2, 0.2]))), strict=True
    ):
        a, b = (loss @ count / n) @ posterior, risk @ posterior
        gain = n * np.where(b > a, np.asarray(_kl(a, b)), 0.0) - kl
        total += weight * (gain > needed).any()
    worst = worst_posterior(problem, n, delta)
    assert total <= worst.at_least + 1e-12
    assert worst.at_least <= worst.at_most <= delta
    assert worst.at_least == pytest.approx(total, abs=1e-12)


def test_the_worst_posterior_breaks_more_than_gibbs():
    """And is enclosed tightly; a price of delta itself is broken by almost every sample."""
    problem = specialist_problem()
    worst = worst_posterior(problem, 20, 0.05)
    gibbs = max(coverage(problem, 20, t, [0.05]).failure[0, 0] for t in (0.1, 1.0))
    assert gibbs <= worst.at_least <= worst.at_most <= 0.05
    assert worst.at_most - worst.at_least < 1e-5
    assert worst_posterior(problem, 20, 0.05, price=0.06).at_least > 0.05
    # Pinsker: what breaks McAllester's bound breaks kl-xi too.
    looser = worst_posterior(problem, 20, 0.05, "McAllester")
    assert 0 < looser.at_least <= looser.at_most <= worst.at_most
    with pytest.raises(ValueError, match="bound = 'none'"):
        worst_posterior(problem, 20, 0.05, "none")


def test_slack_adds_up():
    """By hand over all ordered samples: each step of the proof, and their sum."""
    n, temperature, delta = 4, 0.5, 0.1
    loss, risk = np.asarray(SMALL.loss), np.asarray(SMALL.risk)
    used = mean = log_moment = moment = kl_mean = 0.0
    for sample, p in samples(SMALL, n):
        empirical = loss[:, sample].mean(1)
        values = n * np.asarray(_kl(empirical, risk))
        weight = np.asarray(SMALL.prior) * np.exp(-n * empirical / temperature)
        q = weight / weight.sum()
        total = np.asarray(SMALL.prior) @ np.exp(values)
        used += p * n * float(_kl(q @ empirical, q @ risk))
        mean, log_moment, moment = (
            mean + p * q @ values,
            log_moment + p * np.log(total),
            moment + p * total,
        )
        kl_mean += p * gibbs_by_hand(SMALL, sample, temperature)[3]
    nats = slack(SMALL, n, temperature, delta)
    assert nats.used == pytest.approx(used)
    assert nats.jensen == pytest.approx(mean - used)
    assert nats.change_of_measure == pytest.approx(kl_mean + log_moment - mean)
    assert nats.markov == pytest.approx(np.log(moment / delta) - log_moment)
    assert nats.bernoulli == pytest.approx(np.log(xi(n) / moment))
    assert sum(nats[:5]) == pytest.approx(nats.budget)
    assert min(nats.used, nats.jensen, nats.change_of_measure, nats.bernoulli) >= 0


def test_split_prior_by_hand():
    """2 + 2 tasks, all pairs of samples: the split bound's failures, mean and offset."""
    temperature, delta, table = 0.5, 0.3, []
    loss, risk, before = (np.asarray(x) for x in (SMALL.loss, SMALL.risk, SMALL.prior))
    for (one, p), (two, r) in product(samples(SMALL, 2), repeat=2):
        first, total = (before * np.exp(-loss[:, s].sum(1) / temperature) for s in (one, one + two))
        prior, q = first / first.sum(), total / total.sum()
        kl = (q * np.log(q / prior)).sum()
        means = q @ loss[:, two].mean(1), q @ loss[:, one + two].mean(1), q @ risk
        table.append((p * r, (kl + np.log(xi(2) / delta)) / 2, *means))
    weight, nats, fresh, empirical, target = (np.array(x) for x in zip(*table, strict=True))
    bound = np.asarray(_upper(fresh, nats))
    split = split_coverage(SMALL, 2, 2, temperature, delta)
    assert split.failure[1] == pytest.approx(weight @ (bound < target))
    assert split.mean_bound[1] == pytest.approx(weight @ bound)
    assert split.mean_offset[1] == pytest.approx(weight @ (bound - empirical))
    plain = coverage(SMALL, 4, temperature, [delta])
    assert split.mean_bound[0] == pytest.approx(plain.mean_bound[0, 0])
    assert split.oracle_offset == pytest.approx(plain.oracle_offset[0])


def test_excess_bound_covers_its_mean():
    """A loss in [-1/2, 1] is put together again from its three parts, plus their margins."""
    excess = np.array([[-GAMMA, 0.2, 1.0], [0.5, -0.1, 0.7]])
    q, counts = np.array([0.3, 0.7]), np.array([3.0, 4.0, 3.0])
    mean = q @ excess @ counts / 10
    free, paid = (
        jax.jit(excess_bound)(excess, q, counts, *numbers)
        for numbers in ((0.0, 3.0, 1.0), (1.0, 0.1, 2.0))
    )
    assert float(free) == pytest.approx(mean)
    assert mean < float(paid) <= 1 + 1e-12


def test_learned_priors_refuse_what_takes_too_long():
    """The number of pairs is named."""
    with pytest.raises(ValueError, match=r"n = 100 \+ 200: .* pairs"):
        split_coverage(SMALL, 100, 200, 1.0, 0.05)


def test_gaussian_by_quadrature():
    """KL and expected loss against SciPy's integrals."""
    q = Gaussian(*jax.device_put((np.array([0.7]), np.log([0.6]))))
    law, prior = norm(0.7, 0.6), norm(0, 2.0)
    kl = quad(lambda x: law.pdf(x) * (law.logpdf(x) - prior.logpdf(x)), -6, 7)[0]
    nodes, (_, mdp, policy, *_) = trapezoid(121), CONFLICT
    at_posterior = jax.jit(lambda q: (divergence(q, 2.0), expected_losses(mdp, policy, q, nodes)))
    nats, losses = map(np.asarray, at_posterior(q))
    assert nats == pytest.approx(kl, rel=1e-9)
    for slope, value in ((1.0, losses[0]), (-2.0, losses[1])):
        loss = quad(lambda x, s=slope: law.pdf(x) / (1 + np.exp(s * x)), -6, 7)[0]
        assert float(value) == pytest.approx(loss, abs=1e-9)


@pytest.mark.parametrize("objective", ["lambda", "kl"])
def test_training_lowers_the_bound(objective):
    """From the prior's bound, and to within 1e-3 of the best mean and scale on a grid."""
    counts, delta = jax.device_put((np.array([15.0, 5.0]), 0.05))
    nodes, n, price = trapezoid(61), 20.0, 2 * np.sqrt(20)

    @jax.jit
    def bound(mean, scale):
        q = Gaussian(jnp.array([mean]), jnp.array([jnp.log(scale)]))
        empirical = expected_losses(CONFLICT.mdp, CONFLICT.policy, q, nodes) @ counts / n
        return kl_upper(empirical, (divergence(q, 2.0) + jnp.log(price / delta)) / n)

    settings = Settings(objective)
    q = train_posterior(CONFLICT.mdp, CONFLICT.policy, counts, nodes, delta, settings)
    mean, log_scale = np.asarray(q.mean), np.asarray(q.log_scale)
    reached = float(bound(mean[0], np.exp(log_scale[0])))
    assert reached < float(bound(np.zeros(()), np.array(2.0))) - 0.02
    grid = np.meshgrid(np.linspace(-5, 5, 41), np.linspace(0.2, 3, 29))
    best = np.asarray(jax.jit(jax.vmap(bound))(*(x.ravel() for x in grid))).min()
    assert reached < best + (0.001 if objective == "kl" else 0.02)


def test_certificate_pays_for_its_draws():
    """Above the bound at the true Lhat(Q) with probability 1 - delta_draws, by exact binomials."""
    size, share, kl, n, price = 32, 0.025, 1.0, 50, xi(50)
    losses = jax.device_put(np.tri(size + 1, size, -1))
    certify = jax.jit(jax.vmap(lambda x: certificate(x, kl, n, 0.025, share, price)))
    limits, ones = np.asarray(certify(losses)), np.arange(size + 1)
    true = np.linspace(0.01, 0.99, 25)
    honest = np.asarray(_upper(true, (kl + np.log(price / 0.025)) / n))
    missed = [binom.pmf(ones, size, t)[limits < h].sum() for t, h in zip(true, honest, strict=True)]
    assert 0 < max(missed) <= share


def test_unknown_objective():
    """The value is named."""
    with pytest.raises(ValueError, match="objective = 'loss'"):
        train_posterior(
            CONFLICT.mdp,
            CONFLICT.policy,
            jnp.ones(2),
            trapezoid(5),
            jnp.asarray(0.1),
            Settings("loss"),
        )
