"""One policy at the law where its bound forgets most, and a class of policies that solve a few."""

from typing import Any, SupportsFloat

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from scipy.special import gammaln

from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.generalization.maurer_constant import plain, xi
from grpo_checks.theory.generalization.pac_bayes import fresh_set, maurer, mcallester
from grpo_checks.theory.numbers.counts import chance_roundings, failing
from grpo_checks.theory.updates.rounding import accumulated

DELTA = 0.05
MARGIN = 1e-9
"""Of 1 - bound: how far beyond its bound a risk is placed."""
inverse_kl = jax.jit(maurer)


def just_beyond(limit: Any) -> Any:
    """A risk that a limit in [0, 1) misses."""
    return limit + MARGIN * (1 - limit)


def failure_row(
    claim: str,
    instance: str,
    posterior: str,
    n: int,
    bound: str,
    failure: SupportsFloat,
    rounding: SupportsFloat,
    delta: float = DELTA,
    **extra: Any,
) -> Row:
    """P(the bound lies below the risk) against delta; a bound for one policy is marked so."""
    parameters = {"n_tasks": n, "delta": delta, "posterior": posterior, "bound_name": bound}
    if bound in ALONE:
        extra["relative"] = "for one policy chosen beforehand"
    sides = (float(failure), delta, float(rounding))
    return inequality(claim, instance, parameters, *sides, "", extra)


def one_policy(claim: str, sizes: tuple[int, ...]) -> list[Row]:
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
                limits = np.asarray(inverse_kl(hard / n, 0.0, float(n), DELTA, price))
            chance = just_beyond(limits[0])
            share = accumulated(chance_roundings(n, np.array([1 - chance, chance])) + n)
            weight, error = scipy.stats.binom.pmf(hard, n, chance), accumulated(64 + 4 * n)
            failure = failing(limits, np.full(n + 1, chance), weight, error, share)
            exact = (1 - limits[0]) ** n if bound == "McAllester" else DELTA / price
            closed = {"closed_form": float(exact)}
            rows.append(failure_row(claim, "one policy", "given", n, bound, *failure, **closed))
    return rows


def crowd_divergence(types: int, solved: int) -> float:
    """ln C(types, solved): KL of a Dirac to a uniform prior on all that solve so many."""
    return float(gammaln(types + 1) - gammaln(solved + 1) - gammaln(types - solved + 1))


def crowd(claim: str, types: int, solved: int, delta: float) -> list[Row]:
    """n = ``solved`` tasks of equally likely ``types``; the policies solve any n of them each.

    A posterior on a policy that fits the sample, which there always is: KL = ln C(types, n) for the
    uniform prior, Lhat = 0, L_S = 1 - n/types, in every sample. A bound with a price below what
    puts L_S at its edge fails with probability 1, so the price is at least that: both in nats, with
    the divergence in it (derived).
    """
    risk, n = 1 - solved / types, solved
    divergence = crowd_divergence(types, solved)
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
