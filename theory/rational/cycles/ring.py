"""The least value of a function on a ring of policies over three actions, enclosed.

theta lies in the plane sum theta = 0, on the ring low <= Phi <= high, with Phi = sum_a w_a
exp(-theta_a). Phi <= high bounds every theta_a from below, so the ring lies in a rectangle of
(theta_1, theta_2). Boxes are cut in two, the one with the least lower bound first; those that miss
the ring are dropped. What is lowest among the rest is a lower bound, certified however early the
cutting ends. Thousands of boxes: softmax and Phi are written for balls here, not enclosed.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from math import inf, nextafter
from typing import NamedTuple

from flint import arb

from grpo_checks.theory.numbers.balls import Number, total

BOXES = 2000
"""Cut, at most: by then lower bounds are right to some per cent."""
Policy = Sequence[arb]


class Ring(NamedTuple):
    """Weights w > 0, and between which values Phi lies; ``low`` 0: all policies up to ``high``."""

    weights: Sequence[Number]
    low: Number
    high: Number

    def potential(self, theta: Sequence[arb]) -> arb:
        """Phi."""
        return arb(total(w * (-t).exp() for w, t in zip(self.weights, theta, strict=True)))

    @property
    def rectangle(self) -> tuple[float, float, float, float]:
        """It contains (theta_1, theta_2) on the whole ring."""
        first, second, third = ((arb(w) / self.high).log().lower() for w in self.weights)
        return float(first), -float(second + third), float(second), -float(first + third)


def policy(theta: Sequence[arb]) -> list[arb]:
    """softmax, from differences: tight on a box."""
    return [
        1 / arb(1 + total((other - t).exp() for j, other in enumerate(theta) if j != i))
        for i, t in enumerate(theta)
    ]


def least_on(ring: Ring, function: Callable[[Policy], arb], boxes: int = BOXES) -> arb:
    """A number that ``function`` of the policy is nowhere below on the ring.

    Infinite where the ring is empty.
    """
    heap = [(-inf, _widened(ring.rectangle))]
    for _ in range(boxes):
        if not heap:
            return arb.pos_inf()
        _, box = heappop(heap)
        for half in _halves(box):
            below = _lower(ring, function, half)
            if below is not None:
                heappush(heap, (below, half))
    return arb(heap[0][0]) if heap else arb.pos_inf()


Box = tuple[float, float, float, float]


def _widened(box: Box) -> Box:
    """Its ends were rounded to floats."""
    low, high, left, right = box
    margin = 2.0**-40 * max(1.0, *map(abs, box))
    return low - margin, high + margin, left - margin, right + margin


def _halves(box: Box) -> tuple[Box, Box]:
    a, b, c, d = box
    if b - a > d - c:
        middle = (a + b) / 2
        return (a, middle, c, d), (middle, b, c, d)
    middle = (c + d) / 2
    return (a, b, c, middle), (a, b, middle, d)


def _lower(ring: Ring, function: Callable[[Policy], arb], box: Box) -> float | None:
    """A lower bound on a box, as a float; None where it certainly misses the ring."""
    first, second = (arb(low).union(arb(high)) for low, high in (box[:2], box[2:]))
    theta = (first, second, -first - second)
    phi = ring.potential(theta)
    if phi < ring.low or phi > ring.high:
        return None
    below = function(policy(theta))
    # Of a box too wide to tell, nothing is known.
    return nextafter(float(below.lower()), -inf) if below.is_finite() else -inf
