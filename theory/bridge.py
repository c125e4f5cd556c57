"""Joint and decomposed surrogates on one group: an identity, a false bridge and a true one.

For samples i = 1..G with rewards r_ik, weights w_k and ratios rho_i (no clipping, eps = 0) let
A_i = (R_i - m)/sd be the joint advantages, and A_i^(k) = (r_ik - m_k)/sd_k those of a component,
0 where sd_k = 0:

- joint surrogate 1/G sum_i rho_i A_i, decomposed surrogate 1/G sum_i rho_i sum_k w_k A_i^(k);
- misalignment Delta_i = A_i - sum_k (w_k sd_k/sd) A_i^(k), which is 0 (T2.identity: the deviations
  add up, and the scales cancel);
- T2.bridge, as reported of arXiv:2604.19857 (Eq. 46), bounds the difference of the surrogates by
  Delta, hence by 0: false;
- **T2.bridge' (derived)**: |joint - decomposed| <= (max rho - min rho)/2 sum_k w_k |sd_k/sd - 1|
  over k with sd_k > 0, for sd > 0, ddof 0 or 1. The difference is 1/G sum_i rho_i sum_k
  w_k (sd_k/sd - 1) A_i^(k); sum_i A_i^(k) = 0 allows taking the midrange off rho, and
  1/G sum_i |A_i^(k)| <= 1. Reached where all |A_i^(k)| are 1 and the terms have one sign.

The functions take numbers of any kind: fractions give exact answers.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import isqrt
from typing import NamedTuple


class Group(NamedTuple):
    """G samples of one prompt; rationals."""

    rewards: Sequence[Sequence[Fraction]]
    """(G, K)."""
    weights: Sequence[Fraction]
    """(K,), > 0."""
    ratios: Sequence[Fraction]
    """(G,): importance ratios."""


def deviations(values: Sequence[Fraction]) -> list[Fraction]:
    """x_i minus their mean."""
    mean = sum(values, Fraction(0)) / len(values)
    return [x - mean for x in values]


def rational_root(square: Fraction) -> Fraction:
    """sqrt of a rational that is a square. Raises ValueError otherwise."""
    if square < 0:
        raise ValueError(f"variance = {square}: expected the square of a rational")
    parts = isqrt(square.numerator), isqrt(square.denominator)
    if Fraction(*parts) ** 2 != square:
        raise ValueError(f"variance = {square}: expected the square of a rational")
    return Fraction(*parts)


def deviation_scale(values: Sequence[Fraction], ddof: int = 0) -> Fraction:
    """sd, exactly. Raises ValueError where it is irrational."""
    spread = sum((x * x for x in deviations(values)), Fraction(0))
    return rational_root(spread / (len(values) - ddof))


def composites(group: Group) -> list[Fraction]:
    """R_i."""
    return [
        sum((w * r for w, r in zip(group.weights, row, strict=True)), Fraction(0))
        for row in group.rewards
    ]


def scaled_misalignment(group: Group) -> list[Fraction]:
    """sd Delta_i = (R_i - m) - sum_k w_k (r_ik - m_k) over k with sd_k > 0: no root is needed."""
    columns = [deviations(column) for column in zip(*group.rewards, strict=True)]
    # A component with sd_k = 0 has deviations 0: leaving it out changes nothing.
    shares = [
        sum((w * c[i] for w, c in zip(group.weights, columns, strict=True)), Fraction(0))
        for i in range(len(group.rewards))
    ]
    return [a - b for a, b in zip(deviations(composites(group)), shares, strict=True)]


class Surrogates(NamedTuple):
    """Both surrogates of one group, and what is said to bound their difference."""

    joint: Fraction
    decomposed: Fraction
    misalignment: Fraction
    """1/G sum_i |Delta_i|."""
    bridge: Fraction
    """Right-hand side of T2.bridge'."""

    @property
    def difference(self) -> Fraction:
        """|joint - decomposed|."""
        return abs(self.joint - self.decomposed)


def surrogates(group: Group, eps: Fraction = Fraction(0), ddof: int = 0) -> Surrogates:
    """Exactly. Raises ValueError where a standard deviation is irrational, or that of R is 0."""
    size, mean_of = len(group.rewards), lambda x: sum(x, Fraction(0)) / len(group.rewards)
    total = composites(group)
    scale = deviation_scale(total, ddof)
    if scale == 0:
        raise ValueError("rewards: all composites equal, expected sd > 0")
    columns = list(zip(*group.rewards, strict=True))
    scales = [deviation_scale(column, ddof) for column in columns]
    joint = [a / (scale + eps) for a in deviations(total)]
    each = [
        [a / (s + eps) if s else Fraction(0) for a in deviations(column)]
        for column, s in zip(columns, scales, strict=True)
    ]
    parts = list(zip(group.weights, scales, each, strict=True))
    plain = [sum((w * a[i] for w, _, a in parts), Fraction(0)) for i in range(size)]
    matched = [sum((w * s / scale * a[i] for w, s, a in parts), Fraction(0)) for i in range(size)]
    spread = (max(group.ratios) - min(group.ratios)) / 2
    return Surrogates(
        mean_of([rho * a for rho, a in zip(group.ratios, joint, strict=True)]),
        mean_of([rho * a for rho, a in zip(group.ratios, plain, strict=True)]),
        mean_of([abs(a - b) for a, b in zip(joint, matched, strict=True)]),
        spread * sum((w * abs(s / scale - 1) for w, s, _ in parts if s), Fraction(0)),
    )
