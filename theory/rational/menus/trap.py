"""The fate of an amplification recurrence, certified in ball arithmetic.

The map is that of ``theory.evaluation.amplification``, here of log-odds: L(l) = logit p_ref +
1/(beta s(l)), s = sqrt(p(1-p) + eps), p(1-p) = 1/(4 cosh(l/2)^2). From p_0 = p_ref, all derived:

- if L(L(A)) lies in A, L(A) is disjoint from A and the orbit enters A, then the sequence never
  converges: consecutive iterates stay a positive distance apart (a *trap*);
- if L(I) lies in I, |L'| < 1 on I and the orbit enters I, it converges;
- L rises on [0, inf), so once l_{n+1} >= l_n >= 0 the sequence of chances rises for ever.

A fixed point p repels only if 1/(beta s) > 2/(1-2p), which needs
logit p_ref < -(2 sqrt 2 + ln(3 + 2 sqrt 2)): a chance of success below .01005.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number

STEPS = 400
HISTORY = 32
"""Iterates at the end, of which a trap is made."""
MARGINS = tuple(fmpq(1, 10**k) for k in (20, 15, 12, 9, 7, 5, 3, 2, 1))


class Recurrence(NamedTuple):
    """Its three parameters: 0 < p_ref < 1, beta > 0, eps >= 0."""

    reference: Number
    beta: Number
    eps: Number


def check_recurrence(recurrence: Recurrence) -> None:
    """The ranges of the parameters; raises ValueError, naming the one that is wrong."""
    if not 0 < recurrence.reference < 1:
        raise ValueError(f"reference = {recurrence.reference}: expected a probability in (0, 1)")
    if not recurrence.beta > 0:
        raise ValueError(f"beta = {recurrence.beta}: expected a number > 0")
    if not recurrence.eps >= 0:
        raise ValueError(f"eps = {recurrence.eps}: expected a number >= 0")


def log_odds(p: Number) -> arb:
    """logit p, 0 < p < 1."""
    return arb(p / (1 - p)).log()


def chance(log_odds: arb) -> arb:
    """p; for a ball of log-odds no wider than it must be."""
    return 1 / (1 + (-log_odds).exp())


class Trap(NamedTuple):
    """Two disjoint balls of log-odds, each mapped into the other; the orbit alternates."""

    first: arb
    second: arb
    entered: int
    """The step at which the orbit is in ``first``."""

    @property
    def distance(self) -> arb:
        """What consecutive chances of success differ by, at least, for ever."""
        return (chance(self.first) - chance(self.second)).abs_lower()


def _variance(at: arb) -> arb:
    """p(1-p), without cancellation near certain success."""
    cosh = (at / 2).cosh()
    return 1 / (4 * cosh * cosh)


def image(recurrence: Recurrence, at: arb) -> arb:
    """L of a number, or of all numbers in a ball."""
    return log_odds(recurrence.reference) + 1 / (
        recurrence.beta * (_variance(at) + recurrence.eps).sqrt()
    )


def slope(recurrence: Recurrence, at: arb) -> arb:
    """L'(l) = p(1-p) tanh(l/2) / (2 beta (p(1-p)+eps)^(3/2))."""
    square = _variance(at) + recurrence.eps
    return _variance(at) * (at / 2).tanh() / (2 * recurrence.beta * square * square.sqrt())


def orbit(recurrence: Recurrence, start: Number | None = None, steps: int = STEPS) -> list[arb]:
    """Log-odds of p_0, p_1, ... from p_ref or another start, while they are finite.

    Raises ValueError for bad parameters.
    """
    check_recurrence(recurrence)
    if start is not None and not 0 < start < 1:
        raise ValueError(f"start = {start}: expected a probability in (0, 1)")
    path = [log_odds(recurrence.reference if start is None else start)]
    while len(path) <= steps and (after := image(recurrence, path[-1])).is_finite():
        path.append(after)
    return path


def trap(recurrence: Recurrence, path: Sequence[arb]) -> Trap | None:
    """A trap that the orbit has entered; None if none is certified."""
    hull = path[-1]
    for at in path[-1:-HISTORY:-2]:
        hull = hull.union(at)
    for margin in MARGINS:
        first = hull + arb(0, margin)
        second = image(recurrence, first)
        if not second.overlaps(first) and image(recurrence, second) in first:
            return Trap(first, second, len(path) - 1)
    return None


def rises(path: Sequence[arb]) -> bool:
    """Whether the orbit certainly rises from some step on."""
    return any(before >= 0 and after >= before for before, after in pairwise(path))


def settles(recurrence: Recurrence, path: Sequence[arb]) -> bool:
    """Whether the orbit certainly ends in a ball in which all sequences have one limit."""
    around = (path[-1] + arb(0, margin) for margin in MARGINS)
    return any(
        image(recurrence, ball) in ball and slope(recurrence, ball).abs_upper() < 1
        for ball in around
    )
