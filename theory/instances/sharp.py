"""`sharp`: two calls on which the decomposition gap equals its bound, for every group size.

The better call succeeds with chances (1/2 + d, 0), the other with (1/2 - d, 2d), 0 < d <= 1/6.
With x the probability of the better one, p_1 = 1/2 - d + 2dx rises and p_2 = 2d(1-x) falls, and
Jtilde' / (2d) = w_1 c_G(p_1) - w_2 c_G(p_2). Let it vanish at some x <= 1/2, write
kappa = c_G(p_2)/c_G(p_1) > 1.

**Proof that gap = bound (derived).** All policies are mixtures, so the gradient of Jtilde vanishes
on the whole simplex: phi = 0. From w_2 = w_1/kappa the gap is J(1) - J(x) = (1-x) 2d (w_1 - w_2) =
(1-x) 2d w_1 (1 - 1/kappa) > 0. Since x <= 1/2, u_k = 2d(1-x) for both components, and the bound is
(kappa-1)/(kappa+1) (1-x) 2d (w_1 + w_2) = (kappa-1)/(kappa+1) (1-x) 2d w_1 (1 + 1/kappa): the same.

As d falls p tends to (1/2, 0), where c_G is least and largest, so kappa tends to kappa_G. There
c_G' is about 0 and negative: the point is a maximum of Jtilde, and training stays there. With
``high`` the second component succeeds with chances (1 - 2d, 1), p tends to (1/2, 1) and the same
holds, but the point is a minimum of Jtilde along the segment: first-order, and left by training.
"""

from fractions import Fraction
from typing import NamedTuple

from scipy.interpolate import BPoly
from scipy.optimize import brentq

from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.menu import menu

CLOSENESS = Fraction(1, 1000)
AIM = 0.25
"""The x for which the weights are chosen; theirs being rational moves it a little."""
MAX_DENOMINATOR = 10**6


class SharpPoint(NamedTuple):
    """The first-order point, and what the closed form says of it."""

    instance: Instance
    mixture: float
    """x, the probability of the better call, at most 1/2."""
    success: tuple[float, float]
    """p_1, p_2."""
    kappa: float
    gap: float
    """J* - J(x) = (1-x) 2d (w_1 - w_2), equal to the bound of T2.kappa."""


def _successes(x: float, d: float, high: bool) -> tuple[float, float]:
    return 0.5 - d + 2 * d * x, 1 - 2 * d * x if high else 2 * d * (1 - x)


def _responses(x: float, d: float, high: bool, group_size: int) -> tuple[float, float]:
    c = BPoly(coefficients(group_size)[:, None], [0, 1])
    first, second = c(_successes(x, d, high))
    return float(first), float(second)


def sharp_point(group_size: int, closeness: Fraction = CLOSENESS, high: bool = False) -> SharpPoint:
    """The family's member for a group size >= 4; ``closeness`` = d.

    Raises ValueError for groups of 2 and 3, where c_G is constant and the gap is 0, and for a d
    outside [1/100000, 1/6].
    """
    if group_size < 4:
        raise ValueError(f"group_size = {group_size}: expected at least 4, c_G is constant below")
    if not Fraction(1, 10**5) <= closeness <= Fraction(1, 6):
        raise ValueError(f"closeness = {closeness}: expected a number in [1/100000, 1/6]")
    d, distance = Fraction(closeness), float(closeness)
    least, largest = _responses(AIM, distance, high, group_size)
    weight = Fraction(least / largest).limit_denominator(MAX_DENOMINATOR)

    def slope(x: float) -> float:
        first, second = _responses(x, distance, high, group_size)
        return first - float(weight) * second

    x = float(brentq(slope, 0.0, 0.5, xtol=1e-16, rtol=1e-15))
    second = ((1 - 2 * d), Fraction(1)) if high else (Fraction(0), 2 * d)
    half = Fraction(1, 2)
    instance = menu(2, ((half + d, second[0]), (half - d, second[1])), (1, weight))
    first, other = _responses(x, distance, high, group_size)
    gap = (1 - x) * 2 * distance * (1 - float(weight))
    success = _successes(x, distance, high)
    return SharpPoint(instance._replace(name="sharp"), x, success, other / first, gap)
