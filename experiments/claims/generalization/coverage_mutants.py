"""False versions of the kl-xi bound, each on an instance where it is false.

One policy that fails on the hard task alone, whose chance is placed just above what the bound says
when no hard task was seen: it then fails with probability P(no hard task), exactly. For the
divergence: 15 policies that solve two of six task types each; a sample of four tasks often fits
two types.
"""

from itertools import combinations
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.points.generalization.false_bounds import FALSE, posterior_prior
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.generalization import coverage as exact
from grpo_checks.theory.generalization.learning import Learned, Learning, learn
from grpo_checks.theory.generalization.pac_bayes import FORMULAS, Setting

MUTANTS = MappingProxyType(
    {
        "halved exponent": "(KL + ln(xi/delta))/(2n) for (KL + ln(xi/delta))/n",
        "log10 for ln": "log10(xi/delta) for ln(xi/delta)",
        "KL dropped": "ln(xi/delta)/n alone",
        "posterior as prior": "KL to a posterior of the same tasks, instead of to a prior",
        "episodes as tasks": "4 episodes of each task counted as 4 n independent tasks",
        "losses in {0,2}": "losses twice as large as the bound allows",
    }
)
DELTA = 0.05
# Low: the posterior sits on what fits the sample.
COLD = 0.05


ORDER = ("true bound", *FALSE)


@jax.jit
def every_rule(learned: Learned, at: Setting) -> Float[Array, "7 ..."]:
    """The kl-xi bound and its mutants, as in ``ORDER``: one compilation serves them all."""
    formulas = (FORMULAS["kl-xi"], *FALSE.values())
    return jnp.stack([formula(learned, at) for formula in formulas])


def _posterior_prior(
    problem: Learning, counts: Float[Array, " Z"], temperature: Float[Array, ""]
) -> Learned:
    return posterior_prior(problem.loss, problem.risk, problem.prior, counts, temperature)


def hardest(place: int, n: int, delta: float) -> Learning:
    """One policy that fails on the hard task only, at the chance where no hard task misleads."""
    zero = Learned(*(jnp.zeros(1) for _ in range(4)))
    at = Setting(*(jnp.asarray(x) for x in (float(n), delta, exact.xi(n), 0.0)))
    limit = float(every_rule(zero, at)[place, 0])
    hard = limit + 1e-9 * (1 - limit)
    return Learning([[0.0, 1.0]], [1 - hard, hard])


def pairs() -> Learning:
    """15 policies, each of which solves two of six equally likely task types."""
    solved = list(combinations(range(6), 2))
    losses = np.array([[float(q not in pair) for q in range(6)] for pair in solved])
    return Learning(losses, np.full(6, 1 / 6))


def cells(mutant: str | None, delta: float = DELTA) -> list[tuple[str, int, float, float]]:
    """(instance, n, failure probability, its rounding error) of a mutant, or of the bound itself,
    on its instances."""
    place = ORDER.index(mutant) if mutant in ORDER else 0
    learner = _posterior_prior if mutant == "posterior as prior" else learn
    crowd = mutant in (None, "KL dropped", "posterior as prior")
    alone = mutant not in ("KL dropped", "posterior as prior")
    cases = [("one policy", n, hardest(place, n, delta), 1.0) for n in (5, 25) if alone]
    cases += [("pairs", n, pairs(), COLD) for n in (4, 5) if crowd]
    failures = []
    for name, n, problem, temperature in cases:
        cell = exact.coverage(problem, n, temperature, [delta], every_rule, learner=learner)
        failures.append((name, n, float(cell.failure[place, 0]), float(cell.rounding[place, 0])))
    return failures


def rows(claim: str, mutant: str) -> list[Row]:
    """The exact failure probability of a mutant against delta."""
    table = []
    for name, n, failure, rounding in cells(mutant):
        parameters = {"n_tasks": n, "delta": DELTA, "bound_name": "kl-xi"}
        table.append(inequality(claim, name, parameters, failure, DELTA, rounding))
    return table
