"""T3.coverage at rational points: the failure probability as a finite sum over samples.

A document is a learning problem with ``bound``, by its name, and ``posterior`` "Gibbs" or "worst":
whatever posterior the sample leads to; Catoni's bound and bets have their ``constant``. The mutants
are false versions of one bound each with a Gibbs posterior, whatever bound the document names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import product
from math import log1p
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.constraints import above_zero, integer, one_of
from grpo_checks.experiments.falsifier.domain import Domain, Place
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.generalization import worst
from grpo_checks.experiments.points.generalization.false_bounds import (
    FALSE,
    OTHERS,
    posterior_prior,
)
from grpo_checks.experiments.points.generalization.samples import (
    ARRAYS,
    failure,
    informative,
    samples,
    setting,
)
from grpo_checks.experiments.protocol.forms import by_name, joined
from grpo_checks.experiments.protocol.points import Document, Search
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned, learned, sample_law
from grpo_checks.theory.generalization.pac_bayes import (
    BOUNDS,
    FORMULAS,
    RATES,
    Formula,
    catoni,
    known,
    maurer,
)
from grpo_checks.theory.numbers.counts import MAX_TASKS

ALONE = ("Chernoff", "fresh tasks")
BETS = ("Catoni", "betting mixture")
"""Bounds with a constant that is fixed beforehand."""


def _tail(sample: Learned, n: int, delta: Any) -> tuple[Any, Any]:
    """Of one policy: P(no more errors) at its risk, cut at delta, and delta; with the bound below
    the risk it is below delta. Where all tasks failed nothing is excluded."""
    errors, seen = np.arange(n + 1), n * sample.empirical[:, None] + 0.5
    law = sample_law(
        np.stack([errors, n - errors], 1), jnp.stack([sample.risk[0], 1 - sample.risk[0]])
    )
    tail = jnp.where(errors[None] < seen, 1.0, 0.0) @ law
    return jnp.where(n < seen[:, 0], 1.0, jnp.minimum(tail, delta)), delta


def _bounds(
    bound: str, n: int, delta: Any, constant: Any, formula: Formula | None = None, **problem: Any
) -> tuple[Any, Any, Any]:
    """Chances, bounds and risks of the Gibbs posterior of every sample."""
    if formula is None and bound == "fresh tasks":
        problem["losses"] = jnp.where(problem["losses"] > 0.5, 1.0, 0.0)
    chance, sample = samples(n, **problem)
    if formula is None and bound == "fresh tasks":
        return chance, *_tail(sample, n, delta)
    formulas: Mapping[str, Formula] = {
        **FORMULAS,
        "Catoni": lambda x, at: catoni(*known(x, at), constant),
        "betting mixture": lambda x, at: betting_mixture(*known(x, at), constant),
        "Chernoff": lambda x, at: maurer(*known(x, at), 1.0),
    }
    return chance, (formula or formulas[bound])(sample, setting(n, delta)), sample.risk


def _outside(bound: str, losses: Any, **others: Any) -> Decision | None:
    """The assumption that a problem breaks, if any."""
    if bound in ALONE and len(losses) > 1:
        return unmet("the bound holds for one policy, chosen beforehand")
    if bound == "fresh tasks" and not all(x in (0, 1) for x in losses.flat):
        return unmet("the binomial tail needs losses of 0 or 1")
    return None


def _constants() -> Iterator[tuple[float, Any]]:
    """Of the unexpected Bernstein bound: its rates, and what they cost."""
    for j, rate in enumerate(RATES, 1):
        exact_rate = partial(_rate, j)
        yield rate, exact_rate
        yield -log1p(-rate) - rate, lambda r=exact_rate: -(1 - r()).log() - r()


def _rate(j: int) -> arb:
    return arb(fmpq(1, 2**j)).sqrt()


_PLACES = [
    {"bound": b, "n": n, "policies": m, "types": z, "constant": b in BETS}
    for b, n, (m, z) in product(BOUNDS, (1, 2, 8), ((1, 2), (3, 3)))
]


@dataclass(frozen=True)
class _Problems(Domain):
    """The binomial tail is searched at losses of 0 and 1."""

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        rounded = super().document(x, place, largest)
        if rounded["bound"] != "fresh tasks":
            return rounded
        losses = [[int(Fraction(x) > Fraction(1, 2)) for x in row] for row in rounded["losses"]]
        return {**rounded, "losses": losses}


DOMAIN = _Problems(
    {**ARRAYS, "constant": above_zero(default=1)},
    {"bound": one_of(*BOUNDS, *ALONE), "n": integer(1, MAX_TASKS)},
    [
        *_PLACES,
        *(
            {"bound": b, "n": n, "policies": 1, "types": 2, "constant": False}
            for b, n in product(ALONE, (1, 4))
        ),
    ],
)


def statement(soft: bool = False) -> Statement:
    """Of Gibbs posteriors; a mutant is a false version of one bound, whatever bound is named."""

    # A false version of the Bernstein bound has its rates too.
    shared: dict[str, Any] = {"constants": dict(_constants())}

    def bounded(bounds: Any, **more: Any) -> Statement:
        both = {**shared, **more}
        return Statement(failure(bounds, soft), DOMAIN, trivial=informative(bounds), **both)

    learners = {"posterior as prior": posterior_prior}
    false = {
        name: bounded(partial(_bounds, formula=formula, learner=learners.get(name, learned)))
        for name, formula in {**FALSE, **OTHERS}.items()
    }
    return bounded(_bounds, exception=_outside, mutants=false)


STATEMENT, _CLIMBED = statement(), statement(soft=True).exact()


def _of_kl(search: Search) -> Search:
    """Where a mutant is looked for, to which all bounds are one."""
    choices = [c for c in search.choices if dict(c)["bound"] == "kl-xi"]
    return joined([replace(search, choices=choices)])


EXACT = replace(
    by_name(
        "posterior",
        (["Gibbs"], replace(_CLIMBED, decide=STATEMENT.decide)),
        (["worst"], worst.EXACT),
        default="Gibbs",
    ),
    mutants={name: _of_kl(search) for name, search in _CLIMBED.mutants.items()},
)
