"""Points of T1.rate, T1.path and T1.surrogate: a run on a log-odds line, all its paths summed.

A document is a line model with ``odds``, where the run starts, a ``group_size`` and ``steps`` = T.
T1.path takes any ``estimator`` within groups and ``step_share`` = eta L in (0, 1] besides, and
``bound``, one of its terms, where all others are taken to the left: what is lowered is then that
term alone. The step of the other two is the one that they name.
"""

from collections.abc import Mapping
from typing import NamedTuple

from flint import fmpq

from grpo_checks.experiments.falsifier.reading import between, estimator_of, group_size_of
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, least, root, square, total
from grpo_checks.theory.numbers.fields import Range, entry, integer, number, one_of
from grpo_checks.theory.rational.lines.chain import Averages, Chain, steepest_of, top_of
from grpo_checks.theory.rational.lines.line import (
    J,
    Line,
    Objective,
    parse_line,
    parse_odds,
    potential,
    slope,
    value,
)
from grpo_checks.theory.rational.lines.optimum import change_of_sign, optimum
from grpo_checks.theory.rational.lines.update import moves

MAX_STEPS, HALVINGS = 1000, 20
SHARE = Range("a number in (0, 1]", lambda x: 0 < x <= 1)
DECOMPOSED = Estimator("componentwise_normalized")
Lowered = tuple[str, str, fmpq]
"""A false version: what is changed, in words, a term, and what is left of it."""
OPTIMISATION, BIAS, VARIANCE = TERMS = ("optimisation term", "bias term", "variance term")
LOWERED: Mapping[str, Lowered] = {
    "no variance term": ("the term L eta (1/T) sum E V_t dropped", VARIANCE, fmpq(0)),
    "no optimisation term": (
        "the term 2 (E J(theta_T) - J(theta_0))/(eta T) dropped",
        OPTIMISATION,
        fmpq(0),
    ),
    "no bias term": ("the term (1/T) sum E|m_t - grad J|^2 dropped", BIAS, fmpq(0)),
    "9/5 for 2": ("1.8 (E J(theta_T) - J(theta_0))/(eta T)", OPTIMISATION, fmpq(9, 10)),
    "9/10 of the bias": ("0.9 (1/T) sum E|m_t - grad J|^2", BIAS, fmpq(9, 10)),
    "L/6": ("L/6 for L in the term of the variance", VARIANCE, fmpq(1, 6)),
}
"""Mutants of T1.path."""


def changes(mutants: Mapping[str, Lowered]) -> dict[str, str]:
    """What each changes, in words."""
    return {name: change for name, (change, *_) in mutants.items()}


def averages(
    line: Line,
    odds: fmpq,
    step: Number,
    n_steps: int,
    group_size: int,
    estimator: Estimator,
    objective: Objective = J,
) -> Averages:
    """Of all runs with a constant step."""
    every = [moves(line, q, group_size, estimator) for q in range(len(line.prompts))]
    return Chain(line, odds, step, group_size, every, objective).run(n_steps)


def decide_path(document: Document, mutant: str | None) -> Decision:
    """T1.path: its left side against the sum of its three terms, or one of them by itself."""
    line, odds, size = parse_line(document), parse_odds(document), group_size_of(document)
    n_steps, share = integer(document, "steps", 1, MAX_STEPS), _step_share(document)
    step = share / line.smoothness
    path = averages(line, odds, step, n_steps, size, estimator_of(document))
    terms = {
        OPTIMISATION: 2 * path.gain / (step * n_steps),
        BIAS: path.squared_bias,
        VARIANCE: share * path.variance,
    }
    return compare_terms(document, path.squared_gradient, terms, LOWERED.get(mutant or ""))


def compare_terms(
    document: Document,
    observed: Number,
    terms: Mapping[str, Number],
    lowered: Lowered | None,
) -> Decision:
    """An average of |grad J|^2 against a sum, one of whose terms a mutant has lowered.

    With a field ``bound`` against that term alone: all others are taken to the left.
    """
    _, term, left = lowered or ("", "", fmpq(1))
    kept = {name: left * x if name == term else x for name, x in terms.items()}
    speaks = tuple(kept)
    note = f"average of |grad J|^2 over {document['steps']} steps"
    if "bound" in document:
        speaks = (one_of(document, "bound", speaks),)
        note += ", less all other terms"
    others = total(x for name, x in kept.items() if name not in speaks)
    bound = total(x for name, x in kept.items() if name in speaks)
    return compare(observed - others, bound, note)


def _step_share(document: Document) -> fmpq:
    return number("step_share", entry(document, "step_share"), SHARE)


class Rate(NamedTuple):
    """What T1.rate speaks of, for J or for Jtilde."""

    objective: Objective
    estimator: Estimator
    smoothness: Number
    gap: Number
    variance: Number
    """V_sup."""

    def step(self, n_steps: int) -> Number:
        """min(1/L, sqrt(2 gap/(L V_sup T)))."""
        best = root(2 * self.gap / (self.smoothness * self.variance * n_steps))
        return least((1 / self.smoothness, best))

    def bound(self, n_steps: int, mutant: str | None) -> Number:
        """2 L gap/T + sqrt(8 L gap V_sup/T)."""
        first = 2 * self.smoothness * self.gap / n_steps
        second = root(8 * self.smoothness * self.gap * self.variance / n_steps)
        if mutant == "exponent":
            second = second / root(fmpq(n_steps))
        return first if mutant == "no variance term" else first + second


def _decide(document: Document, mutant: str | None, line: Line, rate: Rate) -> Decision:
    n_steps, odds = integer(document, "steps", 1, MAX_STEPS), parse_odds(document)
    if not rate.gap > 0:
        return unmet("the start is optimal")
    bound = rate.bound(n_steps, mutant)
    options = (group_size_of(document), rate.estimator, rate.objective)
    square = averages(line, odds, rate.step(n_steps), n_steps, *options).squared_gradient
    trivial = steepest_of(line, rate.objective)
    decision = compare(square, bound, f"average over {n_steps} steps")
    if decision.verdict == "holds" and bound >= trivial * trivial:
        return decision._replace(note="no better than the trivial bound on |grad|^2")
    return decision


def decide_rate(document: Document, mutant: str | None) -> Decision:
    """T1.rate: `leave_one_out`, with J* of the model's own policy class."""
    line, size = parse_line(document), group_size_of(document)
    return _decide(document, mutant, line, of_reward(line, parse_odds(document), size))


def of_reward(line: Line, odds: fmpq, group_size: int) -> Rate:
    """For J, of a run of `leave_one_out` from ``odds``."""
    gap = optimum(line) - value(line, odds)
    return Rate(J, UNBIASED, line.smoothness, gap, line.variance_bound(group_size))


def _zero(document: Document, line: Line, objective: Objective) -> Number:
    """Encloses odds at which the objective is stationary; ``between``: where its slope changes."""
    low, high = between(document)
    try:
        return change_of_sign(lambda z: slope(line, z, objective), low, high, HALVINGS)
    except ArithmeticError as error:
        raise ValueError(f"between = {document['between']}: {error}") from None


def decide_surrogate(document: Document, mutant: str | None) -> Decision:
    """T1.surrogate: the same with Jtilde, sqrt(G-1) L-smooth and at most R_max F_G(1).

    ``of J``: that runs end where J is stationary, at a stationary point of Jtilde.
    """
    line, size = parse_line(document), group_size_of(document)
    if any(r not in (0, 1) for p in line.prompts for a in p.actions for _, row in a for r in row):
        return unmet("needs binary components")
    climbed = potential(size)
    if mutant == "of J":
        note = "|grad J|^2 where grad Jtilde vanishes"
        return compare(square(slope(line, _zero(document, line, climbed))), fmpq(0), note)
    gap = top_of(line, climbed) - value(line, parse_odds(document), climbed)
    smoothness = root(fmpq(size - 1)) * line.smoothness
    rate = Rate(climbed, DECOMPOSED, smoothness, gap, line.variance_bound(1))
    return _decide(document, mutant, line, rate)
