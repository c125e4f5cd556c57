"""A false version of every bound of T3.coverage, on a problem where it is false, exactly.

One policy at the law where the false bound forgets most, as in ``cells``; coins, and a class that
solves five of 300 types, of which every sample leaves the same numbers: there a false bound fails
always or never; panels of policies, one of which is lucky.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
import scipy

from grpo_checks.experiments.claims.generalization.hardest import designs
from grpo_checks.experiments.claims.generalization.hardest.cells import failing_law, sample_of
from grpo_checks.experiments.claims.generalization.hardest.designs import Law
from grpo_checks.experiments.claims.generalization.hardest.one_policy import (
    DELTA,
    crowd_divergence,
    inverse_kl,
)
from grpo_checks.experiments.points.generalization.false_bounds import OTHERS
from grpo_checks.experiments.protocol.cell_rows import inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.generalization.adversary import coins, panels
from grpo_checks.theory.generalization.learning import Learned
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import Setting
from grpo_checks.theory.updates.rounding import accumulated

MUTANTS = MappingProxyType(
    {
        "half of KL": "KL(Q‖P)/2 for KL(Q‖P) in kl-xi",
        "2n in kl-2sqrt(n)": "(KL + ln(2 sqrt n/delta))/(2n), as below McAllester's root",
        "McAllester with 4n": "(KL + ln(2 sqrt n/delta))/(4n) below the root",
        "linear Catoni": "Lhat + (KL + ln(1/delta))/(nC), C = 1, without C/(1 - exp(-C))",
        "half of lambda's nats": "(KL + ln(2 sqrt n/delta))/2 in the lambda bound",
        "half of psi": "psi/2 for psi = -ln(1-g) - g of the unexpected Bernstein bound",
        "bets without weights": "the sum of the wealth of all bets at C = 8 for their mean",
        "split prior on all n": "a prior from half of the tasks, kl-xi on all of them",
        "half of the recursive nats": "half of KL(Q‖P_1) + ln(6 xi(n)/delta) for the excess",
        "one draw of a Gaussian": "Lhat of one draw in Chernoff's bound, KL and xi dropped",
    }
)
LAWS = MappingProxyType(
    {
        "2n in kl-2sqrt(n)": (Law(5, 0), DELTA),
        "McAllester with 4n": (Law(20, 3), designs.DELTA),
        "linear Catoni": (Law(20, 7), DELTA),
        "half of lambda's nats": (Law(10_000, 60), designs.DELTA),
        "half of psi": (Law(10_000, 47), designs.DELTA),
        "bets without weights": (Law(5, 0), DELTA),
    }
)
"""Of one policy, with delta; found by the search of ``designs``."""
UNCERTIFIED = ("split prior on all n", "half of the recursive nats", "one draw of a Gaussian")
"""Of two samples, or of a policy drawn: no document of a stored case speaks of these."""
TYPES, SOLVED = 300, 5
HALF, COIN = 50, 0.5
LOGIT, DRAWN = 4.0, 20
"""How far Q moves the logits of the types that were seen, and how many tasks are."""
Cell = tuple[str, str, int, float, float, float]
"""Instance, bound, n, delta, P(the bound lies below the risk), rounding error."""


def _one_policy(mutant: str) -> Cell:
    law, delta = LAWS[mutant]
    limits = np.asarray(jax.jit(OTHERS[mutant])(*sample_of(law, delta)))
    _, failure, off = failing_law(law, limits)
    return "one policy", mutant, law.n, delta, failure, off


def _always(bound: float, risk: float, n: int) -> tuple[float, float]:
    """1 where the bound is below the risk, else 0; all of it is rounding where they are close."""
    return float(bound < risk), float(abs(bound - risk) <= accumulated(64 + 4 * n))


def half_of_divergence() -> Cell:
    """Of the policies that solve five types the posterior takes one that fits."""
    numbers = (0.0, 0.0, 1 - SOLVED / TYPES, crowd_divergence(TYPES, SOLVED))
    at = Setting(*map(jnp.asarray, (float(SOLVED), DELTA, xi(SOLVED), 0.0)))
    bound = float(jax.jit(OTHERS["half of KL"])(Learned(*map(jnp.asarray, numbers)), at))
    return "crowd", "kl-xi", SOLVED, DELTA, *_always(bound, numbers[2], SOLVED)


def split_on_all() -> Cell:
    """Coins that S_1 has set right: on S_2 they are as before, yet Lhat is of S_1 too, KL = 0."""
    n, risk = 2 * HALF, COIN * (1 - HALF / coins.TYPES)
    bound = float(inverse_kl(COIN / 2, 0.0, float(n), DELTA, xi(n)))
    return "coins", "split prior", n, DELTA, *_always(bound, risk, n)


def half_of_recursive() -> Cell:
    """The panels of the bound's own cell; now a policy with a few errors is lucky enough."""
    crowd, delta = designs.PANELS, designs.PANEL_DELTA
    nats = (crowd.divergence + panels.recursive_log(crowd.n, delta)) / 2
    failure = panels.lucky_at_least(crowd, panels.most_errors(crowd, delta, nats))
    return "panels", "recursive prior", crowd.n, delta, failure, accumulated(64 + 4 * crowd.n)


def one_draw() -> Cell:
    """A policy errs on a type where its logit is below 0; P = N(0, I), Q moves those seen.

    The draw errs on none of the n types with chance at least Phi(4)^n; half of the others are lost.
    """
    right, risk = scipy.stats.norm.cdf(LOGIT) ** DRAWN, 0.5 * (1 - DRAWN / coins.TYPES)
    bound = -np.expm1(np.log(DELTA) / DRAWN)
    below, near = _always(float(bound), risk, DRAWN)
    return "coins", "Gaussian", DRAWN, DELTA, below * float(right), near


OWN: Mapping[str, Callable[[], Cell]] = MappingProxyType(
    {
        "half of KL": half_of_divergence,
        "split prior on all n": split_on_all,
        "half of the recursive nats": half_of_recursive,
        "one draw of a Gaussian": one_draw,
    }
)


def rows(claim: str, mutant: str) -> list[Row]:
    """The failure probability of a mutant against delta."""
    cell = OWN[mutant]() if mutant in OWN else _one_policy(mutant)
    instance, bound, n, delta, failure, off = cell
    parameters = {"n_tasks": n, "delta": delta, "bound_name": bound}
    return [inequality(claim, instance, parameters, failure, delta, off)]
