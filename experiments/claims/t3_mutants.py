"""False versions of the kl-xi bound, each on an instance where it is false.

One policy that fails on the hard task alone, whose chance is placed just above what the bound says
when no hard task was seen: it then fails with probability P(no hard task), exactly. For the
divergence: 15 policies that solve two of six task types each; a sample of four tasks often fits
two types.
"""

from collections.abc import Callable
from itertools import combinations
from types import MappingProxyType

import jax.numpy as jnp
import numpy as np

from experiments.claim import Row, judge
from theory import coverage as exact
from theory.coverage import Setting
from theory.learning import Learned, Learning, gibbs, learn
from theory.pac_bayes import maurer

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
DELTA, EPISODES = 0.05, 4
# Low: the posterior sits on what fits the sample.
COLD = 0.05


def _kl(learned: Learned, divergence, n, delta, price):  # type: ignore[no-untyped-def]
    return maurer(learned.empirical, divergence, n, delta, price)[None]


def true_rule(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    """The kl-xi bound itself: the check must not refute it on the same instances."""
    return _kl(learned, learned.divergence, at.n, at.delta, at.xi)


def _halved(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    return _kl(learned, learned.divergence, 2 * at.n, at.delta, at.xi)


def _log10(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    price = jnp.log10(at.xi / at.delta)
    return _kl(learned, learned.divergence + price, at.n, 1.0, 1.0)


def _no_kl(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    return _kl(learned, 0 * learned.divergence, at.n, at.delta, at.xi)


def _episodes(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    more = EPISODES * at.n
    return _kl(learned, learned.divergence, more, at.delta, at.xi)


def _doubled(learned: Learned, at: Setting):  # type: ignore[no-untyped-def]
    # The bound is fed 2 l; in units of l it promises half of what it says, which is at most 1/2.
    twice = learned._replace(empirical=jnp.minimum(2 * learned.empirical, 1.0))
    return true_rule(twice, at) / 2


def _own_prior(problem, counts, temperature):  # type: ignore[no-untyped-def]
    """KL to the posterior of the same tasks at twice the temperature."""
    fit = -problem.loss @ counts / (2 * temperature)
    own, _ = gibbs(problem.prior, fit)
    _, divergence = gibbs(own, fit)
    return learn(problem, counts, temperature)._replace(divergence=divergence)


RULES: dict[str, Callable] = {
    "halved exponent": _halved,
    "log10 for ln": _log10,
    "KL dropped": _no_kl,
    "episodes as tasks": _episodes,
    "losses in {0,2}": _doubled,
}


def hardest(rule: Callable, n: int, delta: float) -> Learning:
    """One policy that fails on the hard task only, at the chance where no hard task misleads."""
    zero = Learned(*(jnp.zeros(1) for _ in range(4)))
    at = Setting(*(jnp.asarray(x) for x in (float(n), delta, exact.xi(n), 0.0)))
    limit = float(rule(zero, at)[0, 0])
    hard = limit + 1e-9 * (1 - limit)
    return Learning([[0.0, 1.0]], [1 - hard, hard])


def pairs() -> Learning:
    """15 policies, each of which solves two of six equally likely task types."""
    solved = list(combinations(range(6), 2))
    losses = np.array([[float(q not in pair) for q in range(6)] for pair in solved])
    return Learning(losses, np.full(6, 1 / 6))


def cells(mutant: str | None, delta: float = DELTA) -> list[tuple[str, int, float]]:
    """(instance, n, failure probability) of a mutant, or of the bound itself, on its instances."""
    rule = RULES.get(mutant or "", true_rule)
    learner = _own_prior if mutant == "posterior as prior" else learn
    crowd = mutant in (None, "KL dropped", "posterior as prior")
    alone = mutant not in ("KL dropped", "posterior as prior")
    found = [("one policy", n, hardest(rule, n, delta), 1.0) for n in (5, 25) if alone]
    found += [("pairs", n, pairs(), COLD) for n in (4, 5) if crowd]
    return [
        (name, n, float(exact.coverage(q, n, t, [delta], rule, learner=learner).failure[0, 0]))
        for name, n, q, t in found
    ]


def rows(claim: str, mutant: str) -> list[Row]:
    """The exact failure probability of a mutant against delta."""
    made = []
    for name, n, failure in cells(mutant):
        parameters = {"n_tasks": n, "delta": DELTA, "bound_name": "kl-xi"}
        verdict = judge(failure, failure, DELTA)
        made.append(Row(claim, name, parameters, failure, failure, failure, DELTA, verdict))
    return made
