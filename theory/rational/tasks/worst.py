"""Does any posterior at all break a kl or McAllester bound on a sample? Enclosed in balls.

A bound n g(Lhat(Q), L(Q)) <= KL(Q ‖ P) + nats, g convex, fails for no Q if ln E_P exp(n g) <= nats
(Jensen, then change of measure), and fails for some Q if it does for one that is exhibited. Here:
single policies, P tilted by exp(n g), and a few steps of ascent along tangents from there.
"""

from collections.abc import Callable, Iterator, Sequence

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.rational.tasks.bounds import nats, plain, xi
from grpo_checks.theory.rational.tasks.divergences import above, binary_kl
from grpo_checks.theory.rational.tasks.tasks import Tasks, dot, empirical, gibbs

STEPS = 4
INSIDE = fmpq(1, 10**9)
"""The tangent of kl is vertical at the ends; a posterior may be sought anywhere."""
Gap = Callable[[Number, Number], Number]


def one_sided_kl(a: Number, b: Number) -> Number:
    """kl(a ‖ b) where b > a, else 0."""
    return fmpq(0) if b <= a else binary_kl(a, b)


def squared(a: Number, b: Number) -> Number:
    """2 (b-a)^2 where b > a, else 0."""
    return fmpq(0) if b <= a else 2 * (b - a) * (b - a)


KINDS: dict[str, tuple[Gap, Callable[[int], Number]]] = {
    "kl-xi": (one_sided_kl, xi),
    "kl-2sqrt(n)": (one_sided_kl, plain),
    "McAllester": (squared, plain),
}
"""g and price of each bound."""


def _slopes(gap: Gap, a: Number, b: Number) -> tuple[Number, Number]:
    """Of g at a point moved inside; midpoints, since any direction will do."""
    a, b = (min(max(arb(x).mid(), arb(INSIDE)), arb(1 - INSIDE)) for x in (a, b))
    if not b > a:
        return fmpq(0), fmpq(0)
    if gap is squared:
        return 4 * (a - b), 4 * (b - a)
    return (a * (1 - b) / (b * (1 - a))).log(), (b - a) / (b * (1 - b))


def _candidates(
    tasks: Tasks, seen: Sequence[fmpq], gains: Sequence[Number], gap: Gap
) -> Iterator[tuple[Number, Number, Number]]:
    """(Lhat, L, KL) of posteriors worth a look; ``gains``: n g of every policy."""
    for a, b, p in zip(seen, tasks.risks, tasks.prior, strict=True):
        yield a, b, -arb(p).log()
    exponent = list(gains)
    for _ in range(STEPS):
        posterior, divergence = gibbs(tasks.prior, exponent)
        a, b = dot(seen, posterior), dot(tasks.risks, posterior)
        yield a, b, divergence
        first, second = _slopes(gap, a, b)
        exponent = [
            arb(tasks.n * (first * x + second * y)).mid()
            for x, y in zip(seen, tasks.risks, strict=True)
        ]


def breakable(tasks: Tasks, counts: Sequence[int], bound: str) -> bool | None:
    """Whether some posterior breaks ``bound`` on this sample. Raises ValueError for another one."""
    if bound not in KINDS:
        raise ValueError(f"bound = {bound!r}: expected one of {tuple(KINDS)}")
    gap, price = KINDS[bound]
    seen, needed = empirical(tasks, counts), nats(price(tasks.n), tasks.delta)
    gaps = [tasks.n * gap(a, b) for a, b in zip(seen, tasks.risks, strict=True)]
    moment = total(p * arb(x).exp() for p, x in zip(tasks.prior, gaps, strict=True))
    if arb(moment).log() <= needed:
        return False
    gains = (tasks.n * gap(a, b) - kl for a, b, kl in _candidates(tasks, seen, gaps, gap))
    return True if any(above(gain, needed) for gain in gains) else None
