"""T1.bias: is std-normalised GRPO stationary where J is? Decided in rational arithmetic alone.

True for G = 2 and 3 with one two-valued reward. False on `conflict` from G = 4 on, in one direction
(E[g] = 0 and grad J is not), and already at G = 2 with three reward values in the other (the
gamble: grad J = 0 and E[g] is not).
"""

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import prod

from experiments.assumptions import ENCLOSED, stated
from experiments.claim import Claim, Row, Scope, Verdict, judge
from experiments.runs import RunResult
from experiments.settings import RunSettings
from theory.binary import Enclosure, inverse_root, response_is_constant
from theory.instances.conflict import exact_gradient, normalized_update

GROUPS = (2, 3, 4, 8, 16, 64)
GAMBLE_GROUPS = (2, 3)
STEPS = 24
# One state, two actions of probability 1/2: the first pays 2/5, the second 1 with chance 2/5.
# Outcomes: (probability, reward, score of the first action's logit).
GAMBLE = (
    (Fraction(1, 2), Fraction(2, 5), Fraction(1, 2)),
    (Fraction(1, 5), Fraction(1), Fraction(-1, 2)),
    (Fraction(3, 10), Fraction(0), Fraction(-1, 2)),
)


def gamble_gradient() -> Fraction:
    """grad J of the gamble: E[R s], exactly."""
    return sum((p * r * s for p, r, s in GAMBLE), Fraction(0))


def gamble_update(group_size: int) -> Enclosure:
    """E[g] of the gamble (first action's logit) by listing all groups, enclosed."""
    total = Enclosure(Fraction(0), Fraction(0))
    for group in product(GAMBLE, repeat=group_size):
        mean = sum((r for _, r, _ in group), Fraction(0)) / group_size
        variance = sum(((r - mean) ** 2 for _, r, _ in group), Fraction(0)) / group_size
        if variance:
            # 1/sd = denominator/sqrt(numerator denominator).
            below = variance.denominator
            per_sd = inverse_root(variance.numerator * below).times(Fraction(below))
            score = sum(((r - mean) * s for _, r, s in group), Fraction(0)) / group_size
            total = total.plus(per_sd.times(score * prod(p for p, _, _ in group)))
    return total


def stationary_gradient(group_size: int) -> Enclosure:
    """|grad J|^2 at a zero of E[g] on `conflict`, enclosed.

    Bisection on z = exp(x) between certified signs of E[g], then |J'(x) - J'(x')| <= |x - x'|,
    since L = 1 there, and ln is steepest at the left end.
    """
    low, high = Fraction(1, 16), Fraction(1)
    if not (normalized_update(group_size, low).low > 0 > normalized_update(group_size, high).high):
        raise ArithmeticError(f"group_size = {group_size}: no change of sign was certified")
    for _ in range(STEPS):
        middle = (low + high) / 2
        update = normalized_update(group_size, middle)
        if update.low > 0:
            low = middle
        elif update.high < 0:
            high = middle
    size, reach = abs(exact_gradient(low)), (high - low) / low
    return Enclosure(max(size - reach, Fraction(0)) ** 2, (size + reach) ** 2)


def _conflict_row(group_size: int) -> Row:
    parameters = {"components": 1, "group_size": group_size, "estimator": "group_normalized"}
    if response_is_constant(group_size):
        note = "exact: c_G is constant, so E[g] is a multiple of grad J"
        return Row("T1.bias", "conflict", parameters, 0.0, 0.0, 0.0, 0.0, "holds", note)
    found = stationary_gradient(group_size)
    verdict = judge(float(found.high), float(found.low), 0.0)
    note = "|grad J|^2 at the zero of E[g]; rational enclosure"
    middle, low, high = (float(x) for x in (sum(found) / 2, *found))
    return Row("T1.bias", "conflict", parameters, middle, low, high, 0.0, verdict, note)


def _gamble_row(group_size: int) -> Row:
    gradient, update = gamble_gradient(), gamble_update(group_size)
    sure = update.low > 0 or update.high < 0
    # Were E[g] = 0 here, its enclosure would be a point: all variances then have rational roots.
    verdict: Verdict = "refuted" if gradient == 0 and sure else "holds"
    if verdict == "holds" and update.low != update.high:
        verdict = "inconclusive"
    shown = str(update.low) if update.low == update.high else f"{float(update.low):.6f}"
    note = f"grad J = {gradient}, E[g] = {shown} (first action's logit)"
    low, high = sorted(abs(float(x)) for x in update)
    parameters = {"components": 1, "group_size": group_size, "estimator": "group_normalized"}
    return Row("T1.bias", "gamble", parameters, (low + high) / 2, low, high, 0.0, verdict, note)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """`conflict` for several G, and the gamble; no sampling."""
    return [*map(_conflict_row, GROUPS), *map(_gamble_row, GAMBLE_GROUPS)]


CLAIM = Claim(
    name="T1.bias",
    statement="E[g] of `group_normalized` vanishes where grad J does, and only there",
    provenance="derived",
    expected="refuted",
    proof=("theory.binary",),
    figures=("t1_bias",),
    assumptions=(ENCLOSED, *stated("eps = 0, ddof = 0")),
    mutants={},
    runs=lambda scope: [],
    rows=rows,
)
