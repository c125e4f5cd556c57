"""L.convergence: does the amplification recurrence converge to a fixed point?

The abstract of arXiv:2503.06639 says that it does. True from p_ref >= 1/2; not in general: hard
prompts give cycles, each cell with a certificate (``theory.rational.menus.trap``), and no penalty
is safe (derived): take eps > 0 and logit p_ref = -1/(beta sqrt eps) + c. A policy that nearly
always fails goes to log-odds of about c; from there the gain is smaller by a multiple of 1/beta,
and for small beta it nearly always fails again.

One cycle {1/10, 1/2} is exact in whole numbers: with p_ref = 1/244, beta = 2/(3 ln 3), eps = 0 all
gains are powers of 3. It attracts sequences that start near it, but the one from p_ref itself rises
to certain success: no counterexample, and a warning that the start matters.
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import isqrt, log

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import expit, logit

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature.convergence import EXACT, fate
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.cell_rows import certified, exact, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope, Verdict
from grpo_checks.experiments.runs.words import Table, having, table
from grpo_checks.theory.evaluation.amplification import orbit, slope
from grpo_checks.theory.numbers.balls import ends, fmpq
from grpo_checks.theory.rational.menus.trap import Recurrence

NAME = "L.convergence"
REFERENCES = ("1/1000", "1/100", "1/10", "1/2", "9/10")
PENALTIES = ("1/25", "1/2", "1", "3", "10")
EPS = ("0", "1/100000", "1/100")
HARD = (("1/10000", "1/2"), ("1e-18", "1/10"), ("1e-48", "1/25"))
"""p_ref and penalties below those of the grid that cycle, at eps = 1/20."""
STEPS = 4000
SHOWN = 12
"""Iterates stored for the figure."""
CYCLE = (Fraction(1, 10), Fraction(1, 2))
CYCLE_REFERENCE = Fraction(1, 244)
GAIN_IN_LOG_3 = Fraction(3, 2)
"""1/beta as a multiple of ln 3."""
_slope = jax.jit(slope)


def image_in_whole_numbers(p: Fraction) -> Fraction:
    """h(p) at p_ref = 1/244, 1/beta = (3/2) ln 3, eps = 0, for p(1-p) a square: odds · 3^(c/s).

    Raises ArithmeticError where the result is not rational.
    """
    v = p * (1 - p)
    root = Fraction(isqrt(v.numerator), isqrt(v.denominator))
    power = GAIN_IN_LOG_3 / root
    if root * root != v or power.denominator != 1:
        raise ArithmeticError(f"p = {p}: expected a square p(1-p) and a whole power of 3")
    odds = CYCLE_REFERENCE / (1 - CYCLE_REFERENCE) * Fraction(3) ** int(power)
    return odds / (1 + odds)


def _cycle_row() -> Row:
    low, high = CYCLE
    exact_cycle = image_in_whole_numbers(low) == high and image_in_whole_numbers(high) == low
    distance = float(high - low)
    note = f"exact: h({low}) = {high}, h({high}) = {low}; from p_ref itself the sequence rises"
    parameters = {
        "reference": float(CYCLE_REFERENCE),
        "beta": 1 / (float(GAIN_IN_LOG_3) * log(3)),
        "eps": 0.0,
    }
    verdict: Verdict = "assumption unmet" if exact_cycle else "inconclusive"
    extra = {"cycle_low": str(low), "cycle_high": str(high)}
    return certified(exact(NAME, "recurrence", parameters, distance, 0.0, verdict, note, extra))


def _scan(cells: list[tuple[Fraction, Fraction, Fraction]]) -> np.ndarray:
    """(n, cells): log-odds of the orbit that starts at p_ref."""
    columns = np.array([[float(x) for x in cell] for cell in cells]).T
    start, beta, eps = (jnp.asarray(x) for x in (logit(columns[0]), *columns[1:]))
    return np.asarray(orbit(start, start, beta, eps, STEPS))


def _cell_row(cell: tuple[Fraction, Fraction, Fraction], log_odds: np.ndarray) -> Row:
    """The fate of a sequence, certified; its numbers in float64."""
    reference, beta, eps = map(float, cell)
    p = expit(log_odds)
    parameters = {"reference": reference, "beta": beta, "eps": eps}
    shown = {f"p after {n}": float(x) for n, x in enumerate([reference, *p[: SHOWN - 1]])}
    steep = float(_slope(log_odds[-1], logit(reference), beta, eps))
    extra = {**shown, "map_slope": steep if np.isfinite(steep) else 0.0, "n_steps": STEPS}
    sequence = Recurrence(*(fmpq(x.numerator, x.denominator) for x in cell))
    decision = fate(sequence, sequence.reference)
    # What is certified where it stays apart, else what is left of the movement.
    distance = float(ends(decision.observed)[0]) or float(abs(p[-1] - p[-2]))
    labels = (NAME, "recurrence", parameters, distance, 0.0)
    return certified(exact(*labels, decision.verdict, decision.note, extra))


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A grid of recurrences from p_0 = p_ref, and the cycle in whole numbers."""
    if scope.instance is not None:
        why = "about the recurrence alone, whatever the model"
        return [unmet(NAME, scope.instance.name, {}, why)]
    grid = [*product(REFERENCES, PENALTIES, EPS), *((r, b, "1/20") for r, b in HARD)]
    cells = [(Fraction(r), Fraction(b), Fraction(e)) for r, b, e in grid]
    log_odds = _scan(cells)
    return [_cycle_row(), *(_cell_row(c, x) for c, x in zip(cells, log_odds.T, strict=True))]


def facts(data: Table) -> Facts:
    """Of L.convergence: what settled, what cycles, and the cycle in whole numbers."""
    exact = data["cycle_low"].notna()
    settled, cycles = having(data, "holds"), having(data, "refuted").sort_values("beta")
    lattice = data[exact].iloc[0]
    headings = "reference: p_ref | beta | eps | observed: distance"
    return {
        "settled": len(settled),
        "cells": len(data[~exact]),
        "slope": settled["map_slope"].abs().max(),
        "cycles": f"{len(cycles)} cells" if len(cycles) != 1 else "cell",
        "table": table(cycles.sort_index(), headings, digits=5),
        "start": lattice["reference"],
        "penalty": lattice["beta"],
        "low": lattice["cycle_low"],
        "high": lattice["cycle_high"],
        "least": cycles["beta"].min(),
        "most": cycles["beta"].max(),
        "easiest": cycles["reference"].max(),
        "smallest": cycles["beta"].iloc[0],
        "hardest": cycles["reference"].iloc[0],
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2503.06639: p_n = h(p_{n-1}) from p_0 = p_ref converges to a fixed point",
    provenance="literature",
    expected="refuted",
    proof=("grpo_checks.theory.rational.menus.trap",),
    figures=("l_convergence",),
    facts={NAME: facts},
    assumptions=(
        not_on_models("about the recurrence alone, whatever the model"),
        *stated("none in the abstract; locally |h'| < 1 at the fixed point suffices"),
    ),
    rows=rows,
    exact=EXACT,
)
