"""Cells of T3.coverage beyond Gibbs posteriors on exact losses; see there."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binom

from experiments.claim import FAMILY_WISE_ERROR, STATISTICAL, Row, Scope, Verdict, judge
from experiments.learning_problems import build_problem, specialists
from experiments.points.coverage import ALONE
from theory.counts import count_vectors, log_chances
from theory.coverage import BOUNDS, coverage, fresh_set_failure
from theory.instances.conflict import conflict
from theory.learning import learn, sampled_policies
from theory.pac_bayes import fresh_set, maurer
from theory.posterior import (
    certificate,
    divergence,
    drawn,
    expected_losses,
    node_losses,
    train_posterior,
    trapezoid,
)
from theory.split_prior import NAMES, split_coverage
from theory.task_outcomes import episode_outcomes
from theory.xi import plain, xi

DELTA = 0.05
_maurer = jax.jit(maurer)
_learn = jax.jit(jax.vmap(learn, (None, 0, None)))
DRAWS, REPEATS = 64, 2000


def _row(claim, instance, posterior, n, bound, failure, delta=DELTA, note="", **extra):  # type: ignore[no-untyped-def]
    parameters = {"n_tasks": n, "delta": delta, "posterior": posterior, "bound_name": bound}
    if bound in ALONE:
        extra["relative"] = "for one policy chosen beforehand"
    verdict: Verdict = judge(failure, failure, delta)
    values = (failure, failure, failure, delta, verdict)
    return Row(claim, instance, parameters, *values, note, extra)


def _one_policy(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """At the law where no hard task is seen with the probability that the bound forgets.

    The failure probability is then delta/price: delta itself for the Chernoff and the binomial-tail
    bound (price 1), which are valid for one policy chosen beforehand.
    """
    made = []
    for n in sizes:
        prices = {"kl-xi": xi(n), "kl-2sqrt(n)": plain(n), "Chernoff": 1.0, "fresh tasks": 1.0}
        for bound, price in prices.items():
            hard, limits = np.arange(n + 1), None
            if bound == "fresh tasks":
                limits = fresh_set(hard, n, DELTA)
            else:
                limits = np.asarray(_maurer(hard / n, 0.0, float(n), DELTA, price))
            chance = limits[0] + 1e-9 * (1 - limits[0])
            failure = float(binom.pmf(hard, n, chance)[limits < chance].sum())
            closed = {"closed_form": DELTA / price}
            made.append(_row(claim, "one policy", "given", n, bound, failure, **closed))
    return made


def _fresh_tasks(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Learn from half of the tasks, test on the other half: the practical limit."""
    problem = build_problem(specialists())
    made = []
    for n in sizes:
        counts = count_vectors(n // 2, problem.loss.shape[1])
        weight = np.exp(log_chances(counts, np.asarray(problem.chance)))
        learned = _learn(problem, jnp.asarray(counts, float), 1.0)
        risk = np.asarray(learned.risk)
        failure = float(weight @ fresh_set_failure(risk, n - n // 2, DELTA))
        made.append(_row(claim, "specialists", "Gibbs", n, "fresh tasks", failure))
    return made


def _episodes(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Two episodes per task and policy instead of the exact loss; tasks stay the unit."""
    instance = conflict()
    problem = episode_outcomes(instance.mdp, sampled_policies(instance.policy, 2, 1.0), 2)
    made = []
    for n in sizes:
        found = coverage(problem, n, 1.0, [DELTA])
        for bound, failure in zip(BOUNDS, found.failure[:, 0], strict=True):
            made.append(_row(claim, "conflict", "2 episodes", n, bound, float(failure)))
    return made


def _split(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Priors learned from a tenth of the tasks."""
    made = []
    for n in sizes:
        found = split_coverage(build_problem(specialists()), n // 10, n - n // 10, 1.0, DELTA)
        for name, failure in zip(NAMES[1:], found.failure[1:], strict=True):
            made.append(_row(claim, "specialists", "Gibbs", n, f"{name} prior", float(failure)))
    return made


@jax.jit
def _trained(counts, source):  # type: ignore[no-untyped-def]
    """For each count vector of `conflict`: Q, its KL, Lhat(Q) and L_S(Q)."""
    instance, delta = conflict(), jnp.asarray(DELTA)

    def one(count):  # type: ignore[no-untyped-def]
        q = train_posterior(instance.mdp, instance.policy, count, trapezoid(61), delta)
        losses = expected_losses(instance.mdp, instance.policy, q, trapezoid(241))
        return q, divergence(q, 2.0), losses @ count / count.sum(), losses @ source

    return jax.vmap(one)(counts)


@partial(jax.jit, static_argnames="n")
def _certified(keys, q, kl, counts, price, n):  # type: ignore[no-untyped-def]
    """Certificates from DRAWS fresh policies, for a sample and a key each; delta split evenly."""
    instance, half = conflict(), jnp.asarray(DELTA / 2)

    def one(key, q, kl, count):  # type: ignore[no-untyped-def]
        losses = node_losses(instance.mdp, instance.policy, q, drawn(key, DRAWS, 1))
        return certificate(losses @ count / n, kl, jnp.asarray(float(n)), half, half, price)

    return jax.vmap(one)(keys, q, kl, counts)


def _gaussian(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """A trained Gaussian posterior, with exact losses and with losses of 64 draws."""
    made = []
    source = conflict().mdp.prompt_distribution
    for n in sizes:
        counts = count_vectors(n, 2)
        weight = np.exp(log_chances(counts, np.asarray(source)))
        q, kl, empirical, risk = _trained(jnp.asarray(counts, float), source)
        bound = np.asarray(_maurer(empirical, kl, float(n), DELTA, xi(n)))
        failure = float(weight @ (bound < np.asarray(risk)))
        extra = {"mean_bound": float(weight @ bound)}
        made.append(_row(claim, "conflict", "Gaussian", n, "kl-xi", failure, **extra))
    chosen = np.random.default_rng(n).choice(len(counts), REPEATS, p=weight / weight.sum())
    keys = jax.random.split(jax.random.key(n), REPEATS)
    pick = jax.tree.map(lambda x: x[chosen], (q, kl, jnp.asarray(counts, float)))
    found = _certified(keys, *pick, xi(n), n=n)
    misses = int((np.asarray(found) < np.asarray(risk)[chosen]).sum())
    return [*made, _sampled_row(claim, n, misses)]


def _sampled_row(claim: str, n: int, misses: int) -> Row:
    """Exact binomial limits at the family-wise error: this is the claim's one sampled cell."""
    above = float(fresh_set(misses, REPEATS, FAMILY_WISE_ERROR))
    below = 1 - float(fresh_set(REPEATS - misses, REPEATS, FAMILY_WISE_ERROR))
    parameters = {"n_tasks": n, "delta": DELTA, "posterior": "Gaussian, 64 draws"}
    note = f"{STATISTICAL}; {REPEATS} repetitions see a failure probability of 0.075 (power 0.94)"
    values = (misses / REPEATS, below, above, DELTA, judge(above, below, DELTA))
    columns = {**parameters, "bound_name": "kl-xi"}
    return Row(claim, "conflict", columns, *values, note, evidence="statistical")


def rows(claim: str, scope: Scope) -> list[Row]:
    """All of them."""
    if scope.profile == "quick":
        return _one_policy(claim, (25,)) + _fresh_tasks(claim, (50,))
    made = _one_policy(claim, (5, 25, 100)) + _fresh_tasks(claim, (20, 50, 200))
    made += _episodes(claim, (4, 8)) + _split(claim, (20, 50))
    return made + _gaussian(claim, (10, 20, 50))
