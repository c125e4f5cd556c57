"""Points of T1.descent and T1.rate.sharp: runs of `leave_one_out` on a log-odds line.

A document is as for T1.path, with ``bound`` for one of two terms. T1.descent takes ``step_share`` =
eta L up to 8; T1.rate.sharp, where there is one, up to 1, else the step of T1.rate. The L of both
bounds is the line's own kappa (``theory.rational.lines.curvature``), which is smaller.
"""

from collections.abc import Mapping

from flint import fmpq

from grpo_checks.experiments.falsifier.reading import group_size_of
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.points.stationarity.paths import (
    MAX_STEPS,
    SHARE,
    Lowered,
    averages,
    compare_terms,
    of_reward,
)
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.numbers.fields import Range, entry, integer, number
from grpo_checks.theory.rational.lines.curvature import largest_curvature
from grpo_checks.theory.rational.lines.line import parse_line, parse_odds

LONG = Range("a number in (0, 8]", lambda x: 0 < x <= 8)
GAIN, CURVATURE = ("gain term", "curvature term")
GAP, VARIANCE = ("gap term", "variance term")
LESS_DESCENT: Mapping[str, Lowered] = {
    "no gain": ("the term (E J(theta_T) - J(theta_0))/(eta T) dropped", GAIN, fmpq(0)),
    "no curvature": ("the term with L dropped", CURVATURE, fmpq(0)),
    "9/10 of the gain": ("0.9 (E J(theta_T) - J(theta_0))/(eta T)", GAIN, fmpq(9, 10)),
    "9/10 of the curvature": ("0.9 L for L", CURVATURE, fmpq(9, 10)),
}
"""Mutants of T1.descent."""
LESS_RATE: Mapping[str, Lowered] = {
    "no gap": ("the term 2 (J* - J_0)/(eta T) dropped", GAP, fmpq(0)),
    "no variance": ("the term L eta (1/T) sum E V_t dropped", VARIANCE, fmpq(0)),
    "19/10 for 2": ("1.9 (J* - J_0)/(eta T)", GAP, fmpq(19, 20)),
    "half of the variance": ("(L eta/2) (1/T) sum E V_t", VARIANCE, fmpq(1, 2)),
}
"""Mutants of T1.rate.sharp."""


def decide_descent(document: Document, mutant: str | None) -> Decision:
    """The average of |grad J|^2 against its two terms, or one of them by itself."""
    line, odds, size = parse_line(document), parse_odds(document), group_size_of(document)
    n_steps = integer(document, "steps", 1, MAX_STEPS)
    step = number("step_share", entry(document, "step_share"), LONG) / line.smoothness
    path = averages(line, odds, step, n_steps, size, UNBIASED)
    bend = largest_curvature(line) * step / 2
    terms = {
        GAIN: path.gain / (step * n_steps),
        CURVATURE: bend * (path.squared_gradient + path.variance),
    }
    return compare_terms(document, path.squared_gradient, terms, LESS_DESCENT.get(mutant or ""))


def decide_sharp_rate(document: Document, mutant: str | None) -> Decision:
    """The average of |grad J|^2 against the rate with V along the path."""
    line, odds, size = parse_line(document), parse_odds(document), group_size_of(document)
    n_steps, rate = integer(document, "steps", 1, MAX_STEPS), of_reward(line, odds, size)
    if not rate.gap > 0:
        return unmet("the start is optimal")
    step = rate.step(n_steps)
    if "step_share" in document:
        step = number("step_share", document["step_share"], SHARE) / rate.smoothness
    path = averages(line, odds, step, n_steps, size, UNBIASED)
    share = largest_curvature(line) * step
    terms = {
        GAP: 2 * rate.gap / (step * n_steps) / (2 - share),
        VARIANCE: share * path.variance / (2 - share),
    }
    return compare_terms(document, path.squared_gradient, terms, LESS_RATE.get(mutant or ""))
