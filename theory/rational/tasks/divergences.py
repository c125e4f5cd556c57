"""Distances between laws in rational numbers: TV and chi-square exactly, KL as a sum of logarithms.

Logarithms of primes are linearly independent over the rationals, so that two rational combinations
of logarithms of rationals are equal iff, in primes, their coefficients are: what balls must leave
open, equality, is decided as well (derived).
"""

from collections import defaultdict
from collections.abc import Sequence
from math import lcm, prod
from typing import NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, hull, total

Law = Sequence[fmpq]
"""Chances with sum 1, zeros allowed."""


class Logs(NamedTuple):
    """sum of c ln x over its (c, x), x > 0."""

    terms: tuple[tuple[fmpq, fmpq], ...] = ()

    @property
    def value(self) -> Number:
        """Enclosed; 0 exactly where it is 0."""
        found = total(c * arb(x).log() for c, x in self.terms)
        return fmpq(0) if 0 in arb(found) and self.vanishes() else found

    def vanishes(self) -> bool:
        """Whether it is 0, from the factors of its numbers."""
        primes: dict[int, fmpq] = defaultdict(fmpq)
        for c, x in self.terms:
            for whole, sign in ((x.p, 1), (x.q, -1)):
                for prime, power in whole.factor():
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


def variation(p: Law, q: Law) -> fmpq:
    """TV(p, q)."""
    return total(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def chi_square(p: Law, q: Law) -> fmpq | None:
    """chi^2(p ‖ q); None for infinity."""
    if not _covered(p, q):
        return None
    return total((a - b) ** 2 / b for a, b in zip(p, q, strict=True) if b > 0)


def divergence(p: Law, q: Law) -> Logs | None:
    """KL(p ‖ q) in nats; None for infinity."""
    if not _covered(p, q):
        return None
    return Logs(tuple((a, a / b) for a, b in zip(p, q, strict=True) if a > 0))


def _covered(p: Law, q: Law) -> bool:
    return all(a == 0 or b > 0 for a, b in zip(p, q, strict=True))


def binary_divergence(q: fmpq, p: fmpq) -> Logs | None:
    """kl(q ‖ p) of two rationals."""
    return divergence((q, 1 - q), (p, 1 - p))


def binary_kl(q: Number, p: Number) -> Number:
    """kl(q ‖ p) of balls in [0, 1]; +inf where p excludes what q allows.

    Not a number, which compares with nothing, where a ball reaches an end of [0, 1] by rounding.
    """

    def part(a: Number, b: Number) -> Number:
        if a == 0:
            return fmpq(0)
        return arb.pos_inf() if b == 0 else a * (arb(a) / arb(b)).log()

    return part(q, p) + part(1 - q, 1 - p)


def above(x: Number, y: Number) -> bool | None:
    """Whether x > y; None where the balls leave it open."""
    return True if x > y else False if x <= y else None


def kl_exceeds(q: Number, p: Number, nats: Number) -> bool | None:
    """Whether p > q and kl(q ‖ p) > nats, for nats > 0: whether p lies above the inverse of kl."""
    upwards = above(p, q)
    if upwards is None:
        # Next to each other: kl is at most chi-square, (p-q)^2/(p(1-p)).
        return False if (p - q) * (p - q) / (p * (1 - p)) <= nats else None
    return upwards and above(binary_kl(q, p), nats)


STEPS = 60


def kl_inverse(q: Number, nats: Number) -> Number:
    """max{p in [0,1]: kl(q ‖ p) <= nats} for nats > 0, enclosed by bisection to 2^-60."""
    if q == 1:
        return fmpq(1)
    low, high = arb(q).upper(), arb(1)
    for _ in range(STEPS):
        middle = ((low + high) / 2).mid()
        over = kl_exceeds(q, middle, nats)
        if over is None:
            break
        low, high = (low, middle) if over else (middle, high)
    return hull(low, high)
