"""Points of T1.slope and T1.floor: how an average falls between two run lengths, and where it ends.

Exact expectations over all runs of both lengths, with theta_0 = 0 and eta = min(1, sqrt(G/T)); or,
for T1.floor, ``between`` two odds on a log-odds line, |grad J|^2 where E[g] vanishes.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from flint import arb, fmpq

from grpo_checks.experiments.falsifier.building import conflict
from grpo_checks.experiments.falsifier.reading import between, group_size_of
from grpo_checks.experiments.falsifier.search import certified_ratio
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.points.stationarity.bias import NORMALIZED
from grpo_checks.experiments.points.stationarity.paths import averages
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, Verdict, compare, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import is_constant
from grpo_checks.theory.numbers.balls import Number, least, root
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.line import Line, at, parse_line, parse_odds, slope
from grpo_checks.theory.rational.lines.optimum import change_of_sign

TOLERANCE = fmpq(1, 20)
SHORTEST, LONGEST = 100, 1000
HALVINGS = 20
CENTRES = {"exponent -1/3": fmpq(-1, 3)}


def local_slope(
    line: Line, odds: fmpq, lengths: tuple[int, int], size: int, estimator: Estimator
) -> arb:
    """d ln(average of |grad J|^2)/d ln T between two lengths."""
    means = []
    for n in lengths:
        step = least((fmpq(1), root(fmpq(size, n))))
        means.append(averages(line, odds, step, n, size, estimator).squared_gradient)
    return arb(means[1] / means[0]).log() / arb(fmpq(lengths[1], lengths[0])).log()


def _lengths(document: Document) -> tuple[int, int]:
    match document.get("lengths"):
        case [int(first), int(second)] if SHORTEST <= first < second <= LONGEST:
            return first, second
    raise ValueError(
        f"lengths = {document.get('lengths')}: expected two in {SHORTEST}..{LONGEST}, in order"
    )


def _fall(document: Document, centre: fmpq, estimator: Estimator) -> Decision:
    line, size = parse_line(document), group_size_of(document)
    slope = local_slope(line, parse_odds(document), _lengths(document), size, estimator)
    off = slope - centre
    return compare(abs(off), TOLERANCE, f"slope {slope.str(8, radius=False)}")


def decide_slope(document: Document, mutant: str | None) -> Decision:
    """|slope + 1/2| against 1/20, on `conflict` from x = 0.

    ``group_normalized`` on any model: where prompts pay unequal rewards it is false at G = 2 too.
    """
    if mutant == "group_normalized":
        return _fall(document, fmpq(-1, 2), NORMALIZED)
    if parse_line(document) != conflict_line() or parse_odds(document) != 1:
        return unmet("stated for `conflict` from x = 0")
    return _fall(document, CENTRES.get(mutant or "", fmpq(-1, 2)), UNBIASED)


def decide_floor(document: Document, mutant: str | None) -> Decision:
    """G = 2 and 3: as T1.slope. Else 0 < |grad J|^2 where E[g] vanishes, at least ``bound``."""
    size = group_size_of(document)
    if parse_line(document) != conflict_line():
        return unmet("stated for `conflict`")
    if is_constant(size):
        return _fall(document, fmpq(-1, 2), NORMALIZED)
    floor = _floor(document, size)
    if mutant == "no floor":
        return compare(floor, fmpq(0), "|grad J|^2 where E[g] vanishes")
    verdict: Verdict = "holds" if floor > 0 else "inconclusive"
    return Decision(fmpq(0), floor, verdict, "bound: |grad J|^2 where E[g] vanishes")


def _floor(document: Document, size: int) -> Number:
    """Enclosure of |grad J|^2 at a zero of E[g], found by listing groups."""
    line = parse_line(document)
    low, high = between(document)
    field = partial(_mean, line, size)
    try:
        steep = slope(line, change_of_sign(field, low, high, HALVINGS))
    except ArithmeticError as error:
        raise ValueError(f"between = {document['between']}: {error}") from None
    return steep * steep


def _mean(line: Line, size: int, odds: fmpq) -> Number:
    return update(at(line, odds), size, NORMALIZED).mean[0]


def _fixed(decide: Any, points: tuple[Document, ...]) -> Search:
    """A search among finitely many points."""
    return Search(
        choices=tuple(range(len(points))),
        dimension=lambda choice: 0,
        ratio=lambda x, choice: certified_ratio(decide(points[choice], None)),
        document=lambda x, choice, n: points[choice],
    )


def _stretch(size: int) -> Document:
    fields: dict[str, Any] = {**conflict(1), "group_size": size, "between": ["1/16", 1]}
    del fields["odds"]
    return fields


def _runs(sizes: tuple[int, ...]) -> Iterator[Document]:
    for size in sizes:
        for lengths in ([100, 200], [100, 400], [200, 400]):
            yield {**conflict(1), "group_size": size, "lengths": lengths}


SLOPE = Exact(decide_slope, _fixed(decide_slope, tuple(_runs((2, 3)))))
FLOOR = Exact(
    decide_floor,
    _fixed(decide_floor, (*_runs((2, 3)), *(_stretch(size) for size in (4, 5, 8, 16)))),
)
