"""Cells of T3.coverage beyond Gibbs posteriors on exact losses; see there."""

from typing import Any, SupportsFloat

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import gammaln
from scipy.stats import binom

from grpo_checks.experiments.claims.generalization.gaussian_posterior import (
    DELTA,
    draws_certified,
    trained,
)
from grpo_checks.experiments.claims.generalization.problems import build_problem, specialists
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import STATISTICAL, Row, Scope, judge
from grpo_checks.theory.generalization.coverage import bound_rounding, coverage
from grpo_checks.theory.generalization.learning import learn, sampled_policies
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import (
    BOUNDS,
    fresh_set,
    fresh_set_failure,
    maurer,
    mcallester,
)
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.generalization.task_outcomes import episode_outcomes
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.numbers.counts import chance_roundings, count_vectors, failing, log_chances
from grpo_checks.theory.updates.rounding import accumulated

_maurer = jax.jit(maurer)
_learn = jax.jit(jax.vmap(learn, (None, 0, None)))
REPEATS = 2000


def _row(
    claim: str,
    instance: str,
    posterior: str,
    n: int,
    bound: str,
    failure: SupportsFloat,
    rounding: SupportsFloat,
    **extra: Any,
) -> Row:
    parameters = {"n_tasks": n, "delta": DELTA, "posterior": posterior, "bound_name": bound}
    if bound in ALONE:
        extra["relative"] = "for one policy chosen beforehand"
    sides = (float(failure), DELTA, float(rounding))
    return inequality(claim, instance, parameters, *sides, "", extra)


def _one_policy(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """At the law where no hard task is seen with the probability that the bound forgets.

    The failure probability is then delta/price: delta itself for the Chernoff and the binomial-tail
    bound (price 1), which are valid for one policy chosen beforehand. Of McAllester's it is the
    n-th power of what it leaves to 1.
    """
    rows = []
    for n in sizes:
        prices = {"kl-xi": xi(n), "kl-2sqrt(n)": plain(n), "Chernoff": 1.0, "fresh tasks": 1.0}
        prices |= {"McAllester": plain(n)}
        for bound, price in prices.items():
            hard, limits = np.arange(n + 1), None
            if bound == "fresh tasks":
                limits = fresh_set(hard, n, DELTA)
            elif bound == "McAllester":
                limits = np.asarray(mcallester(jnp.asarray(hard / n), 0.0, float(n), DELTA))
            else:
                limits = np.asarray(_maurer(hard / n, 0.0, float(n), DELTA, price))
            chance = limits[0] + 1e-9 * (1 - limits[0])
            share = accumulated(chance_roundings(n, np.array([1 - chance, chance])) + n)
            weight, error = binom.pmf(hard, n, chance), accumulated(64 + 4 * n)
            failure = failing(limits, np.full(n + 1, chance), weight, error, share)
            exact = (1 - limits[0]) ** n if bound == "McAllester" else DELTA / price
            closed = {"closed_form": float(exact)}
            rows.append(_row(claim, "one policy", "given", n, bound, *failure, **closed))
    return rows


def crowd(claim: str, types: int, solved: int, delta: float) -> list[Row]:
    """n = ``solved`` tasks of equally likely ``types``; the policies solve any n of them each.

    A posterior on a policy that fits the sample, which there always is: KL = ln C(types, n) for the
    uniform prior, Lhat = 0, L_S = 1 - n/types, in every sample. A bound with a price below what
    puts L_S at its edge fails with probability 1, so the price is at least that: both in nats, with
    the divergence in it (derived).
    """
    risk, n = 1 - solved / types, solved
    divergence = float(gammaln(types + 1) - gammaln(n + 1) - gammaln(types - n + 1))
    logarithm = {"kl-xi": xi(n), "kl-2sqrt(n)": plain(n), "McAllester": plain(n)}
    rows = []
    for bound, constant in logarithm.items():
        needed = 2 * n * risk**2 if bound == "McAllester" else -n * np.log1p(-risk)
        nats = divergence + np.log(constant / delta)
        # Three log-gammas of at most ln(types!), each with its own error.
        off = accumulated(64) * 3 * float(gammaln(types + 1))
        parameters = {"n_tasks": n, "level": delta, "types": types, "posterior": "fits the sample"}
        # A part of its price: by the name of the bound alone, it would be a failure probability.
        parameters |= {"bound_name": f"KL(Q‖P) of {bound}"}
        extra = {"price_divergence": divergence}
        sides = (float(needed), float(nats), off)
        rows.append(inequality(claim, "crowd", parameters, *sides, "nats needed, price", extra))
    return rows


def _fresh_tasks(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Learn from half of the tasks, test on the other half: the practical limit."""
    problem = build_problem(specialists())
    rows = []
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
        rows.append(_row(claim, "specialists", "Gibbs", n, "fresh tasks", failure, off))
    return rows


def _episodes(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Two episodes per task and policy instead of the exact loss; tasks stay the unit."""
    instance = conflict()
    problem = episode_outcomes(instance.mdp, sampled_policies(instance.policy, 2, 1.0), 2)
    rows = []
    for n in sizes:
        cells = coverage(problem, n, 1.0, [DELTA])
        for cell in zip(BOUNDS, cells.failure[:, 0], cells.rounding[:, 0], strict=True):
            rows.append(_row(claim, "conflict", "2 episodes", n, *cell))
    return rows


def _split(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Priors learned from a tenth of the tasks."""
    rows = []
    for n in sizes:
        split = split_coverage(build_problem(specialists()), n // 10, n - n // 10, 1.0, DELTA)
        for name, *cell in zip(NAMES[1:], split.failure[1:], split.rounding[1:], strict=True):
            rows.append(_row(claim, "specialists", "Gibbs", n, f"{name} prior", *cell))
    return rows


def _gaussian(claim: str, sizes: tuple[int, ...], error: float) -> list[Row]:
    """A trained Gaussian posterior, with exact losses and with losses of 64 draws."""
    rows = []
    source = conflict().mdp.prompt_distribution
    for n in sizes:
        counts = count_vectors(n, 2)
        weight = np.exp(log_chances(counts, np.asarray(source)))
        q, kl, empirical, risk, off = trained(jnp.asarray(counts, float), source)
        bound, above = (
            np.asarray(_maurer(jnp.minimum(empirical + e, 1.0), kl, float(n), DELTA, xi(n)))
            for e in (0.0, off)
        )
        error = np.asarray(off) + above - bound + accumulated(1024)
        share = accumulated(chance_roundings(n, np.asarray(source)) + len(weight))
        failure = failing(bound, np.asarray(risk), weight, error, share)
        extra = {"mean_bound": float(weight @ bound)}
        rows.append(_row(claim, "conflict", "Gaussian", n, "kl-xi", *failure, **extra))
    chosen = np.random.default_rng(n).choice(len(counts), REPEATS, p=weight / weight.sum())
    keys = jax.random.split(jax.random.key(n), REPEATS)
    pick = jax.tree.map(lambda x: x[chosen], (q, kl, jnp.asarray(counts, float)))
    certified = draws_certified(keys, *pick, xi(n), n=n)
    misses = int((np.asarray(certified) < np.asarray(risk)[chosen]).sum())
    return [*rows, _sampled_row(claim, n, misses, error)]


def _sampled_row(claim: str, n: int, misses: int, error: float) -> Row:
    """Exact binomial limits at the level of the claim: this is the claim's one sampled cell."""
    above = float(fresh_set(misses, REPEATS, error))
    below = 1 - float(fresh_set(REPEATS - misses, REPEATS, error))
    parameters = {"n_tasks": n, "delta": DELTA, "posterior": "Gaussian, 64 draws"}
    note = f"{STATISTICAL}; {REPEATS} repetitions see a failure probability of 0.075 (power 0.94)"
    values = (misses / REPEATS, below, above, DELTA, judge(above, below, DELTA))
    columns = {**parameters, "bound_name": "kl-xi"}
    return Row(claim, "conflict", columns, *values, note, evidence="statistical")


def rows(claim: str, scope: Scope) -> list[Row]:
    """All of them."""
    if scope.profile == "quick":
        return _one_policy(claim, (25,)) + _fresh_tasks(claim, (50,))
    table = _one_policy(claim, (5, 25, 100)) + _fresh_tasks(claim, (20, 50, 200))
    table += _episodes(claim, (4, 8)) + _split(claim, (20, 50))
    table += crowd(claim, 300, 5, DELTA)
    return table + _gaussian(claim, (10, 20, 50), scope.error)
