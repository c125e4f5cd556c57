"""Sums of rational multiples of square roots, told apart exactly.

The steps of a training run on a log-odds line are such sums; states that are reached in several
ways are merged only where they are equal.
"""

from collections.abc import Mapping
from typing import NamedTuple

from flint import fmpq, fmpz

from grpo_checks.theory.numbers.balls import Number, root, total

MAX_SUMMANDS = 2**20


class Surd(NamedTuple):
    """sum_n c_n sqrt(n), n square-free: sorted pairs (n, c_n), c_n != 0."""

    terms: tuple[tuple[int, fmpq], ...]

    def number(self) -> Number:
        """A rational if it is one, else a ball."""
        return total(c * root(fmpq(n)) for n, c in self.terms)


ZERO, ONE = Surd(()), Surd(((1, fmpq(1)),))


def surd(terms: Mapping[int, fmpq]) -> Surd:
    """From coefficients by square-free number."""
    return Surd(tuple(sorted((n, c) for n, c in terms.items() if c != 0)))


def added(*numbers: Surd) -> Surd:
    """Their sum."""
    terms: dict[int, fmpq] = {}
    for number in numbers:
        for n, c in number.terms:
            terms[n] = terms.get(n, fmpq(0)) + c
    return surd(terms)


def scaled(number: Surd, factor: fmpq) -> Surd:
    """A rational multiple."""
    return surd({n: c * factor for n, c in number.terms})


def root_of(square: fmpq) -> Surd:
    """sqrt(a/b) = sqrt(a b)/b = s sqrt(n)/b, a b = s^2 n. Raises ValueError for square < 0."""
    if square < 0:
        raise ValueError(f"square = {square}: expected a number >= 0")
    outside, inside = fmpz(1), fmpz(1)
    if square == 0:
        return ZERO
    for prime, power in (square.p * square.q).factor():
        outside *= prime ** (power // 2)
        inside *= prime ** (power % 2)
    return surd({int(inside): fmpq(outside) / square.q})


class Packing:
    """Sums of up to ``MAX_SUMMANDS`` given numbers as whole numbers: one coordinate per root."""

    def __init__(self, pulls: set[Surd]) -> None:
        self.radicals = sorted({n for pull in pulls for n, _ in pull.terms})
        self.denominator = fmpz(1)
        for pull in pulls:
            for _, c in pull.terms:
                self.denominator = self.denominator.lcm(c.q)
        largest = max((abs(c) for pull in pulls for _, c in pull.terms), default=fmpq(0))
        # Coordinates of either sign side by side: no sum may reach into its neighbour.
        self._room = 2 * MAX_SUMMANDS * int((largest * self.denominator).p) + 1

    def packed(self, pull: Surd) -> int:
        """The whole number; sums of pulls have sums of numbers."""
        terms = dict(pull.terms)
        digits = (terms.get(n, fmpq(0)) * self.denominator for n in self.radicals)
        return sum(int(digit.p) * self._room**i for i, digit in enumerate(digits))

    def unpacked(self, state: int) -> Number:
        """The sum that it stands for."""
        parts = []
        for n in self.radicals:
            half = self._room // 2
            digit = (state + half) % self._room - half
            state = (state - digit) // self._room
            parts.append(digit * root(fmpq(n)) / self.denominator)
        return total(parts)
