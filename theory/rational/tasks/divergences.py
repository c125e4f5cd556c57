"""Distances between laws in rational numbers: TV exactly, kl in balls."""

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.numbers.logs import Law


def variation(p: Law, q: Law) -> fmpq:
    """TV(p, q)."""
    return total(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


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
