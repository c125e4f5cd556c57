"""Sums of logarithms of rationals, whose equality is decided: balls must leave it open.

Logarithms of primes are linearly independent over the rationals, so that two rational combinations
of logarithms of rationals are equal iff, in primes, their coefficients are (derived).
"""

from collections import defaultdict
from collections.abc import Sequence
from math import lcm, prod
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.theory.numbers.balls import Number, total

Law = Sequence[fmpq] | NDArray[np.object_]
"""Chances with sum 1, zeros allowed."""


class Logs(NamedTuple):
    """sum of c ln x over its (c, x), x > 0."""

    terms: tuple[tuple[fmpq, fmpq], ...] = ()

    @property
    def value(self) -> Number:
        """Enclosed; 0 exactly where it is 0."""
        value = total(c * arb(x).log() for c, x in self.terms)
        return fmpq(0) if 0 in arb(value) and self.vanishes() else value

    def vanishes(self) -> bool:
        """Whether it is 0, from the factors of its numbers."""
        primes: dict[int, fmpq] = defaultdict(fmpq)
        for c, x in self.terms:
            for factored, sign in ((x.p, 1), (x.q, -1)):
                for prime, power in factored.factor():
                    primes[int(prime)] += sign * int(power) * c
        return not any(primes.values())

    def plus(self, other: "Logs", factor: fmpq = fmpq(1)) -> "Logs":  # noqa: B008
        """self + factor · other."""
        return Logs(self.terms + tuple((factor * c, x) for c, x in other.terms))

    def power(self, exponent: int) -> fmpq | None:
        """exp(exponent · self), or None unless that makes all coefficients whole."""
        scaled = [(c * exponent, x) for c, x in self.terms]
        if any(c.q != 1 for c, _ in scaled):
            return None
        return prod((x ** int(c.p) for c, x in scaled), start=fmpq(1))

    @property
    def denominator(self) -> int:
        """Of all coefficients."""
        return lcm(*(int(c.q) for c, _ in self.terms))


def divergence(p: Law, q: Law) -> Logs | None:
    """KL(p ‖ q) in nats; None for infinity."""
    if not covered(p, q):
        return None
    return Logs(tuple((a, a / b) for a, b in zip(p, q, strict=True) if a > 0))


def covered(p: Law, q: Law) -> bool:
    """Whether q allows all that p allows."""
    return all(a == 0 or b > 0 for a, b in zip(p, q, strict=True))


def binary_divergence(q: fmpq, p: fmpq) -> Logs | None:
    """kl(q ‖ p) of two rationals."""
    return divergence((q, 1 - q), (p, 1 - p))


READABLE = 100
"""Powers up to this are shown."""


def as_powers(left: Logs | None, right: Logs | None) -> str:
    """Both as rational numbers, where they are short: powers of their exponentials."""
    if left is None or right is None:
        return ""
    power = left.plus(right, fmpq(1)).denominator
    if power > READABLE:
        return ""
    return f"exact, to the power {power}: {left.power(power)} and {right.power(power)}"
