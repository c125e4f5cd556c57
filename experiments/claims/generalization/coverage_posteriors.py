"""Cells of T3.coverage beyond Gibbs posteriors on exact losses; see there."""

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.claims.generalization.gaussian_posterior import (
    DELTA,
    draws_certified,
    trained,
)
from grpo_checks.experiments.claims.generalization.hardest.cells import (
    coin_rows,
    laws,
    learned_priors,
    recursive_panels,
)
from grpo_checks.experiments.claims.generalization.hardest.one_policy import (
    crowd,
    failure_row,
    inverse_kl,
    one_policy,
)
from grpo_checks.experiments.claims.generalization.problems import build_problem, specialists
from grpo_checks.experiments.protocol.claim import STATISTICAL, Row, Scope, judge
from grpo_checks.theory.generalization.coverage import bound_rounding, coverage
from grpo_checks.theory.generalization.learning import learn, sampled_policies
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import BOUNDS, fresh_set, fresh_set_failure
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.generalization.task_outcomes import episode_outcomes
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.numbers.counts import chance_roundings, count_vectors, failing, log_chances
from grpo_checks.theory.updates.rounding import accumulated

_learn = jax.jit(jax.vmap(learn, (None, 0, None)))
REPEATS = 2000


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
        rows.append(failure_row(claim, "specialists", "Gibbs", n, "fresh tasks", failure, off))
    return rows


def _episodes(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Two episodes per task and policy instead of the exact loss; tasks stay the unit."""
    instance = conflict()
    problem = episode_outcomes(instance.mdp, sampled_policies(instance.policy, 2, 1.0), 2)
    rows = []
    for n in sizes:
        cells = coverage(problem, n, 1.0, [DELTA])
        for cell in zip(BOUNDS, cells.failure[:, 0], cells.rounding[:, 0], strict=True):
            rows.append(failure_row(claim, "conflict", "2 episodes", n, *cell))
    return rows


def _split(claim: str, sizes: tuple[int, ...]) -> list[Row]:
    """Priors learned from a tenth of the tasks."""
    rows = []
    for n in sizes:
        split = split_coverage(build_problem(specialists()), n // 10, n - n // 10, 1.0, DELTA)
        for name, *cell in zip(NAMES[1:], split.failure[1:], split.rounding[1:], strict=True):
            rows.append(failure_row(claim, "specialists", "Gibbs", n, f"{name} prior", *cell))
    return rows


def _gaussian(claim: str, sizes: tuple[int, ...], level: float) -> list[Row]:
    """A trained Gaussian posterior, with exact losses and with losses of 64 draws."""
    rows = []
    source = conflict().mdp.prompt_distribution
    for n in sizes:
        counts = count_vectors(n, 2)
        weight = np.exp(log_chances(counts, np.asarray(source)))
        q, kl, empirical, risk, off = trained(jnp.asarray(counts, float), source)
        bound, above = (
            np.asarray(inverse_kl(jnp.minimum(empirical + e, 1.0), kl, float(n), DELTA, xi(n)))
            for e in (0.0, off)
        )
        error = np.asarray(off) + above - bound + accumulated(1024)
        share = accumulated(chance_roundings(n, np.asarray(source)) + len(weight))
        failure = failing(bound, np.asarray(risk), weight, error, share)
        extra = {"mean_bound": float(weight @ bound)}
        rows.append(failure_row(claim, "conflict", "Gaussian", n, "kl-xi", *failure, **extra))
    chosen = np.random.default_rng(n).choice(len(counts), REPEATS, p=weight / weight.sum())
    keys = jax.random.split(jax.random.key(n), REPEATS)
    pick = jax.tree.map(lambda x: x[chosen], (q, kl, jnp.asarray(counts, float)))
    certified = draws_certified(keys, *pick, xi(n), n=n)
    misses = int((np.asarray(certified) < np.asarray(risk)[chosen]).sum())
    return [*rows, _sampled_row(claim, n, misses, level)]


def _sampled_row(claim: str, n: int, misses: int, level: float) -> Row:
    """Exact binomial limits at the level of the claim: this is the claim's one sampled cell."""
    above = float(fresh_set(misses, REPEATS, level))
    below = 1 - float(fresh_set(REPEATS - misses, REPEATS, level))
    parameters = {"n_tasks": n, "delta": DELTA, "posterior": "Gaussian, 64 draws"}
    note = f"{STATISTICAL}; {REPEATS} repetitions see a failure probability of 0.075 (power 0.94)"
    values = (misses / REPEATS, below, above, DELTA, judge(above, below, DELTA))
    columns = {**parameters, "bound_name": "kl-xi"}
    return Row(claim, "conflict", columns, *values, note, evidence="statistical")


def rows(claim: str, scope: Scope) -> list[Row]:
    """All of them."""
    if scope.profile == "quick":
        hardest = laws(claim) + coin_rows(claim) + recursive_panels(claim)
        return one_policy(claim, (25,)) + hardest + _fresh_tasks(claim, (50,))
    table = one_policy(claim, (5, 25, 100)) + _fresh_tasks(claim, (20, 50, 200))
    table += _episodes(claim, (4, 8)) + _split(claim, (20, 50))
    table += crowd(claim, 300, 5, DELTA) + laws(claim, proved=True)
    table += coin_rows(claim, proved=True)
    table += learned_priors(claim, proved=True) + recursive_panels(claim)
    return table + _gaussian(claim, (10, 20, 50), scope.error)
