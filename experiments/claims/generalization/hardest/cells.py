"""Cells of T3.coverage that use each price up: the logarithm, and KL(Q‖P) by itself.

Rows carry the price in nats and the least that a bound of the form may have on the problem; the
latter is what the bound needs where the policy's law is at the limit of a fresh test set, or what
coins and panels ask for (T3.price).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.generalization.hardest import designs, prices
from grpo_checks.experiments.claims.generalization.hardest.designs import Law
from grpo_checks.experiments.claims.generalization.hardest.one_policy import (
    failure_row,
    inverse_kl,
    just_beyond,
)
from grpo_checks.experiments.points.generalization.coverage import BETS
from grpo_checks.experiments.protocol.cell_rows import Floats, inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.generalization.adversary import needed, own_prior, panels
from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned, Learning
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import FORMULAS, Setting, catoni, fresh_set, known
from grpo_checks.theory.generalization.split_prior import NAMES, split_coverage
from grpo_checks.theory.numbers.counts import chance_roundings, failing
from grpo_checks.theory.updates.rounding import accumulated

# Compiled apart, as inverses of kl take seconds; that of ``one_policy`` is met again.
QUADRATIC = ("McAllester", "lambda", "unexpected Bernstein")


@jax.jit
def _closed(sample: Learned, at: Setting, constant: Array) -> Float[Array, "B 2"]:
    """Of ``QUADRATIC``, and ``BETS`` last."""
    values = [FORMULAS[name](sample, at) for name in QUADRATIC]
    bets = [bound(*known(sample, at), constant) for bound in (catoni, betting_mixture)]
    return jnp.stack([*values, *bets])


def sample_of(law: Law, delta: float) -> tuple[Learned, Setting]:
    """What is seen at the errors of the law, and at one more; KL = 0."""
    losses = jnp.asarray(np.array([law.errors, law.errors + 1]) / law.n)
    at = (float(law.n), delta, xi(law.n), 0.0)
    return Learned(losses, losses, losses, jnp.zeros(2)), Setting(*map(jnp.asarray, at))


def limits_of(bound: str, law: Law, delta: float = designs.DELTA) -> Floats:
    """The bound at the errors of the law, and at one more; KL = 0."""
    seen = np.array([law.errors, law.errors + 1])
    if bound in ("kl-xi", "kl-2sqrt(n)"):
        price = float(np.exp(needed.log_constant(bound, law.n)))
        every = inverse_kl(np.arange(law.n + 1) / law.n, 0.0, float(law.n), delta, price)
        return np.asarray(every)[seen]
    every = _closed(*sample_of(law, delta), jnp.asarray(law.constant or 1.0))
    return np.asarray(every[[*QUADRATIC, *BETS].index(bound)])


def failing_law(law: Law, limits: Floats) -> tuple[float, float, float]:
    """A risk beyond the first of two limits: it, P(no more errors), and the rounding error.

    Bounds grow with the number of errors, so that these two decide of all.
    """
    risk = just_beyond(limits[0])
    law_of_errors = scipy.stats.binom.pmf(np.arange(law.errors + 1), law.n, risk)
    weight = np.array([law_of_errors.sum(), scipy.stats.binom.sf(law.errors, law.n, risk)])
    share = accumulated(chance_roundings(law.n, np.array([1 - risk, risk])) + law.n)
    error = accumulated(64 + 4 * law.n)
    return risk, *failing(limits, np.full(2, risk), weight, error, share)


def _least(bound: str, law: Law) -> float:
    """Nats needed at the risk where no more errors have chance delta."""
    seen, risk = law.errors / law.n, float(fresh_set(law.errors, law.n, designs.DELTA))
    return nats_of(bound, law.n, seen, risk, law.constant or 1.0)


def nats_of(bound: str, n: int, seen: float, risk: float, constant: float) -> float:
    """What a bound needs with n tasks, see ``needed``."""
    if bound == "betting mixture":
        return needed.betting_nats(seen, risk, n, constant)
    if bound == "Catoni":
        return n * needed.catoni_nats(seen, risk, constant)
    return n * needed.NEEDED[bound](seen, risk)


def laws(claim: str, proved: bool = False) -> list[Row]:
    """One policy at the law that uses the logarithm of its bound up.

    ``proved``: with the price that is enough on every problem, which takes seconds.
    """
    rows = []
    for bound, law in designs.LAWS.items():
        _, failure, off = failing_law(law, limits_of(bound, law))
        price = prices.price(bound, law.n, designs.DELTA)
        more: dict[str, Any] = {"price_nats": price, "least_nats": _least(bound, law)}
        if law.constant is not None:
            more["constant"] = law.constant
        if proved:
            more |= prices.proved(bound, law.n, designs.DELTA, 0.0) | prices.scanned(bound)
        labels = (claim, "one policy", "given", law.n, bound)
        rows.append(failure_row(*labels, failure, off, designs.DELTA, **more))
    return rows


def learned_priors(claim: str, proved: bool = False) -> list[Row]:
    """The same with a prior learned from one task more, by listing both samples."""
    law = designs.LAWS["kl-xi"]
    cases = {"split": (law.n, failing_law(law, limits_of("kl-xi", law))[0])}
    cases["recursive"] = designs.RECURSIVE
    rows = []
    for name, (n, risk) in cases.items():
        problem = Learning([[0.0, 1.0]], [1 - risk, risk])
        cell, at = split_coverage(problem, 1, n, 1.0, designs.DELTA), NAMES.index(name)
        labels = (claim, "one policy", "given", n + 1, f"{name} prior")
        more = _recursive_nats(proved) if name == "recursive" else {}
        sides = (cell.failure[at], cell.rounding[at], designs.DELTA)
        rows.append(failure_row(*labels, *sides, **more))
    return rows


def _recursive_nats(proved: bool) -> dict[str, Any]:
    """Price and need of the policy's excess where S_1 grows; enough where KL(Q ‖ P_1) = 0."""
    bound, (n, risk) = "recursive prior", designs.RECURSIVE
    price = prices.price(bound, n, designs.DELTA)
    seen = float(scipy.stats.binom.ppf(designs.DELTA, n, risk)) / n
    numbers = {"price_nats": price, "least_nats": own_prior.nats_needed(n, seen, risk)}
    if proved:
        numbers["enough_nats"] = prices.nats_of(bound, n, designs.DELTA, 0.0)
        numbers |= prices.scanned(bound)
    return numbers


def _priced_row(
    claim: str,
    instance: str,
    parameters: dict[str, Any],
    sides: tuple[float, float],
    divergence: float,
    **more: float,
) -> Row:
    """What is needed against the price; ``parameters`` has the bound, of which KL is a part."""
    least, price = sides
    # By the name of the bound alone, it would be a failure probability.
    name = f"KL(Q‖P) of {parameters['bound_name']}"
    extra = {"price_divergence": divergence, "price_nats": price, "least_nats": least} | more
    # Logarithms of ratios, times n.
    off = accumulated(64 * parameters["n_tasks"])
    parameters = parameters | {"bound_name": name}
    return inequality(claim, instance, parameters, least, price, off, "nats needed, price", extra)


def coin_rows(claim: str, proved: bool = False) -> list[Row]:
    """Policies that err by coins: every sample fails at a price below what is needed.

    ``proved``: with KL and the logarithm that is enough on every problem, which takes seconds.
    """
    rows, delta = [], designs.COIN_DELTA
    for bound, crowd in designs.COINS.items():
        seen, risk = crowd.seen, crowd.risk
        best = float(np.log(risk * (1 - seen) / (seen * (1 - risk))))
        least = nats_of(bound, crowd.n, seen, risk, best)
        price = crowd.divergence + prices.price(bound, crowd.n, delta)
        more = {}
        if proved:
            more = prices.proved(bound, crowd.n, delta, crowd.divergence)
            more |= prices.scanned(f"KL(Q‖P) of {bound}")
        parameters = {"n_tasks": crowd.n, "level": delta, "posterior": "coins"}
        parameters |= {"bound_name": bound}
        sides = (least, price)
        rows.append(_priced_row(claim, "coins", parameters, sides, crowd.divergence, **more))
    return rows


def recursive_panels(claim: str) -> list[Row]:
    """Of the recursive bound: it fails with ``lowered_failure`` at any price below what is needed.

    Raises ValueError unless that is more than the level.
    """
    delta, crowd = designs.PANEL_DELTA, designs.PANELS
    price = crowd.divergence + prices.price("recursive prior", crowd.n, delta)
    least, failure = panels.panel_nats(crowd, delta), panels.lucky(crowd)
    parameters = {"n_tasks": crowd.n, "level": delta, "posterior": "without an error"}
    parameters |= {"bound_name": "recursive prior"}
    more = {"lowered_failure": failure}
    return [_priced_row(claim, "panels", parameters, (least, price), crowd.divergence, **more)]
