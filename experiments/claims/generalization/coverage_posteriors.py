"""Cells of T3.coverage beyond Gibbs posteriors on exact losses; see there."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binom

from grpo_checks.experiments.claims.generalization.problems import build_problem, specialists
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import FAMILY_WISE_ERROR, STATISTICAL, Row, Scope, judge
from grpo_checks.theory.generalization.coverage import (
    BOUNDS,
    bound_rounding,
    coverage,
)
from grpo_checks.theory.generalization.learning import learn, sampled_policies
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import fresh_set, fresh_set_failure, maurer
from grpo_checks.theory.generalization.posterior import (
    certificate,
    divergence,
    drawn,
    expected_losses,
    node_losses,
    train_posterior,
    trapezoid,
)
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.generalization.task_outcomes import episode_outcomes
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.numbers.counts import chance_roundings, count_vectors, failing, log_chances
from grpo_checks.theory.updates.rounding import accumulated

DELTA = 0.05
_maurer = jax.jit(maurer)
_learn = jax.jit(jax.vmap(learn, (None, 0, None)))
DRAWS, REPEATS = 64, 2000


def _row(claim, instance, posterior, n, bound, failure, rounding, **extra):  # type: ignore[no-untyped-def]
    parameters = {"n_tasks": n, "delta": DELTA, "posterior": posterior, "bound_name": bound}
    if bound in ALONE:
        extra["relative"] = "for one policy chosen beforehand"
    sides = (float(failure), DELTA, float(rounding))
    return inequality(claim, instance, parameters, *sides, "", extra)


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
            share = accumulated(chance_roundings(n, np.array([1 - chance, chance])) + n)
            weight, error = binom.pmf(hard, n, chance), accumulated(64 + 4 * n)
            found = failing(limits, np.full(n + 1, chance), weight, error, share)
            closed = {"closed_form": DELTA / price}
            made.append(_row(claim, "one policy", "given", n, bound, *found, **closed))
    return made


def _fresh_tasks(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Learn from half of the tasks, test on the other half: the practical limit."""
    problem = build_problem(specialists())
    made = []
    for n in sizes:
        counts = count_vectors(n // 2, problem.loss.shape[1])
        weight = np.exp(log_chances(counts, np.asarray(problem.chance)))
        learned = _learn(problem, jnp.asarray(counts, float), 1.0)
        risk, error = np.asarray(learned.risk), bound_rounding(problem, n, 1.0, [DELTA])
        # A test-set bound next to the risk may lie on either side of it.
        beside = (risk, np.maximum(risk - error, 0.0), np.minimum(risk + error, 1.0))
        failure, *others = (weight @ fresh_set_failure(r, n - n // 2, DELTA) for r in beside)
        share = accumulated(2 * chance_roundings(n, np.asarray(problem.chance)) + len(weight))
        off = max(abs(x - failure) for x in others) + share * failure
        made.append(_row(claim, "specialists", "Gibbs", n, "fresh tasks", failure, off))
    return made


def _episodes(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Two episodes per task and policy instead of the exact loss; tasks stay the unit."""
    instance = conflict()
    problem = episode_outcomes(instance.mdp, sampled_policies(instance.policy, 2, 1.0), 2)
    made = []
    for n in sizes:
        found = coverage(problem, n, 1.0, [DELTA])
        for cell in zip(BOUNDS, found.failure[:, 0], found.rounding[:, 0], strict=True):
            made.append(_row(claim, "conflict", "2 episodes", n, *cell))
    return made


def _split(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Priors learned from a tenth of the tasks."""
    made = []
    for n in sizes:
        found = split_coverage(build_problem(specialists()), n // 10, n - n // 10, 1.0, DELTA)
        for name, *cell in zip(NAMES[1:], found.failure[1:], found.rounding[1:], strict=True):
            made.append(_row(claim, "specialists", "Gibbs", n, f"{name} prior", *cell))
    return made


@jax.jit
def _trained(counts, source):  # type: ignore[no-untyped-def]
    """For each count vector of `conflict`: Q, its KL, Lhat(Q), L_S(Q), and the error of both.

    The rule's error falls exponentially: half of its nodes are off by more.
    """
    instance, delta = conflict(), jnp.asarray(DELTA)

    def one(count):  # type: ignore[no-untyped-def]
        q = train_posterior(instance.mdp, instance.policy, count, trapezoid(61), delta)
        losses, coarse = (
            expected_losses(instance.mdp, instance.policy, q, trapezoid(k)) for k in (241, 121)
        )
        off = jnp.abs(losses - coarse).max()
        return q, divergence(q, 2.0), losses @ count / count.sum(), losses @ source, off

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
        q, kl, empirical, risk, off = _trained(jnp.asarray(counts, float), source)
        bound, above = (
            np.asarray(_maurer(jnp.minimum(empirical + e, 1.0), kl, float(n), DELTA, xi(n)))
            for e in (0.0, off)
        )
        error = np.asarray(off) + above - bound + accumulated(1024)
        share = accumulated(chance_roundings(n, np.asarray(source)) + len(weight))
        found = failing(bound, np.asarray(risk), weight, error, share)
        extra = {"mean_bound": float(weight @ bound)}
        made.append(_row(claim, "conflict", "Gaussian", n, "kl-xi", *found, **extra))
    chosen = np.random.default_rng(n).choice(len(counts), REPEATS, p=weight / weight.sum())
    keys = jax.random.split(jax.random.key(n), REPEATS)
    pick = jax.tree.map(lambda x: x[chosen], (q, kl, jnp.asarray(counts, float)))
    certified = _certified(keys, *pick, xi(n), n=n)
    misses = int((np.asarray(certified) < np.asarray(risk)[chosen]).sum())
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
