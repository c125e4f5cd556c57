"""T1.cycle: runs of std-normalised GRPO at G = 2 stay on a ring around the zero of E[g].

Statement: three actions that beat one another in a circle, by S_12, S_23, S_31 > 0. Along expected
updates with eta = c/sqrt(T), 0 <= ln(Phi_T/Phi_0) <= c^2 kappa exp(c M)/2, for every T and start.
Proof: ``theory.convergence.cycles.rank_cycles``, points 2 and 3.
Source: derived.
Units: none; Phi is a sum of inverse odds.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.constraints import fraction, inside, integer, real
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.cell_rows import inequality, nearest, stored_only
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.theory.convergence.cycles.rank_cycles import (
    circle,
    circle_weights,
    growth_limit,
    potential,
    run,
)
from grpo_checks.theory.numbers.fields import POSITIVE
from grpo_checks.theory.updates.rounding import accumulated

NAME = "T1.cycle"
LENGTHS = {"quick": (1, 16), "paper": (1, 4, 16, 64, 256, 1024)}
RUNS = 4096


def growth(w: Any, wins: Any, logits: Any, step: Any, steps: int) -> Any:
    """ln(Phi_T/Phi_0)."""
    start = logits - logits.mean()
    end = run(circle(wins), start, step, steps)
    return jnp.log(potential(w, end)) - jnp.log(potential(w, start))


def sides(wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    """How much ln Phi grows, and how far it falls; at most the limit, and 0."""
    return _against_limits(circle_weights(wins), wins, logits, reach, steps)


def _against_limits(w: Any, wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    step = reach / jnp.sqrt(jnp.asarray(steps, float))
    grown = growth(w, wins, logits, step, steps)
    return jnp.stack([grown, -grown]), jnp.stack([growth_limit(w, reach), 0.0 * reach])


def _fixed_step(wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    w = circle_weights(wins)
    return growth(w, wins, logits, reach, steps), growth_limit(w, reach)


def _without_weights(wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    return _against_limits(jnp.ones(3), wins, logits, reach, steps)


def _reversed(wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    observed, bound = sides(wins, logits, reach, steps)
    return observed[0], bound[1]


STATEMENT = Statement(
    sides,
    Domain(
        {"wins": inside("pairs"), "logits": real("actions")},
        {"steps": integer(1, 64), "reach": fraction(POSITIVE, default=1)},
        [{"pairs": 3, "actions": 3, "steps": n} for n in (1, 2, 8)],
        least={"pairs": 3, "actions": 3},
        most={"pairs": 3, "actions": 3},
    ),
    mutants={
        "fixed step": ("the step stays c, whatever T", _fixed_step),
        "without the weights": (
            "Phi = sum exp(-theta_a) also where the wins differ",
            _without_weights,
        ),
        "reversed": ("Phi never rises", _reversed),
    },
)


@jax.jit
def _all(wins: Any, logits: Any, reach: Any, steps: int) -> tuple[Any, Any]:
    return jax.vmap(lambda w, x, c: sides(w, x, c, steps))(wins, logits, reach)


def _row(steps: int) -> Row:
    """The tightest of random runs: wins, starts and c."""
    rng = np.random.default_rng(steps)
    wins, logits = rng.uniform(0.05, 1, (RUNS, 3)), rng.normal(size=(RUNS, 3))
    reach = 4.0 ** rng.uniform(-1, 1, RUNS)
    observed, bound = map(np.asarray, _all(wins, logits, reach, steps))
    # A difference of two logarithms of size 10 at most, each of sums that T steps led to.
    off = np.full(RUNS, 20 * accumulated(16 * steps + 32))
    fell = observed[:, 1].max()
    where = nearest(observed[:, 0], bound[:, 0], off)
    extra = {"cells": RUNS, "largest_fall": float(fell)}
    sides_there = (float(observed[where, 0]), float(bound[where, 0]), float(off[where]))
    if fell > off[0]:
        sides_there = (float(fell), 0.0, float(off[0]))
    return inequality(NAME, "random circles", {"n_steps": steps}, *sides_there, "", extra)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random circles, of each length of a run the tightest; mutants on stored ones."""
    if scope.instance is not None or scope.mutant is not None:
        return stored_only(NAME, scope)
    return [_row(steps) for steps in LENGTHS[scope.profile]]


CLAIM = Claim(
    name=NAME,
    statement="three actions that beat one another in a circle, G = 2: with eta = c/sqrt(T) the "
    "expected updates of `group_normalized` stay on a ring around the zero of E[g], every T",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.convergence.cycles.rank_cycles",),
    figures=("t1_own",),
    assumptions=(
        *stated("G = 2; one decision, the same policy for all prompts"),
        not_on_models("a statement about fields: T1.own is about models"),
    ),
    rows=rows,
    exact=STATEMENT.exact(),
)
