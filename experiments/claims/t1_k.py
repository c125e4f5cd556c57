"""T1.K: "the variance of an update is proportional to K/G" (Assumption 2, as reported).

On `bits` the policy does not grow with K and every answer has the same |s|^2, so the exact variance
grows as Var(R): as K for uncorrelated components, as K^2 for perfectly correlated ones. The
exponent is fitted in ball arithmetic.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from flint import arb, fmpq

from experiments.assumptions import DIAL, stated
from experiments.claim import Claim, Row, Scope
from experiments.points.components import EXACT, TOLERANCE
from experiments.runs import RunResult
from experiments.settings import UNBIASED, RunSettings
from experiments.verdict import compare
from theory.balls import magnitude, square, total

CORRELATIONS = (0.0, 0.25, 0.5, 1.0)
COMPONENTS = tuple(range(1, 7))
GROUP_SIZE = 8


def _spread(values: list[Fraction], chances: list[Fraction]) -> Fraction:
    mean = sum((p * v for p, v in zip(chances, values, strict=True)), Fraction(0))
    return sum((p * (v - mean) ** 2 for p, v in zip(chances, values, strict=True)), Fraction(0))


def exact_variance(components: int, correlation: Fraction) -> Fraction:
    """V at the uniform policy over 64 answers, in whole numbers.

    V = a/G + (2b-a)/(G(G-1)) with |s|^2 = 63/64, a = |s|^2 Var(R) - |grad J|^2,
    2b - a = |s|^2 Var(R) + |grad J|^2 and |grad J|^2 = Var(E[R|answer])/64.
    """
    chance = Fraction(1, 64)
    own = [Fraction(bin(y % 2**components).count("1")) for y in range(64)]
    shared = [Fraction(components * (y % 2)) for y in range(64)]
    chances = [chance * (1 - correlation)] * 64 + [chance * correlation] * 64
    whole = (1 - chance) * _spread(own + shared, chances)
    mixed = [(1 - correlation) * u + correlation * v for u, v in zip(own, shared, strict=True)]
    slope = _spread(mixed, [chance] * 64) * chance
    return (whole - slope + (whole + slope) / (GROUP_SIZE - 1)) / GROUP_SIZE


def fitted_exponent(variances: Sequence[Fraction]) -> arb:
    """Least squares slope of ln V against ln K, enclosed."""
    logs = [arb(k).log() for k in COMPONENTS]
    mean = total(logs) / len(logs)
    heights = [arb(fmpq(v.numerator, v.denominator)).log() for v in variances]
    rise = total((x - mean) * y for x, y in zip(logs, heights, strict=True))
    return arb(rise / total(square(x - mean) for x in logs))


def _row(correlation: float) -> Row:
    found = [exact_variance(k, Fraction(correlation)) for k in COMPONENTS]
    fitted = fitted_exponent(found)
    off = fitted - 1
    verdict = compare(magnitude(off), TOLERANCE).verdict
    exponent = float(fitted)
    parameters = {"components": COMPONENTS[-1], "group_size": GROUP_SIZE}
    curve = {f"V at K={k}": float(v) for k, v in zip(COMPONENTS, found, strict=True)}
    extra = {"correlation": correlation, "estimator": UNBIASED.name, **curve}
    limits = (exponent, exponent, exponent)
    note = f"exact: V(K=2)/V(K=1) = {found[1] / found[0]}"
    bound = 1 + float(TOLERANCE)
    return Row(
        "T1.K", "bits", parameters, *limits, bound, verdict, note, extra, evidence="certified"
    )


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The fitted exponent of V in K, for each correlation of the components."""
    return [_row(c) for c in CORRELATIONS]


CLAIM = Claim(
    name="T1.K",
    statement="V is proportional to K: fitted exponent in K within 1 +- 0.05, any correlation",
    provenance="reported",
    expected="refuted",
    proof=("theory.ustatistic",),
    figures=("t1_k",),
    assumptions=(DIAL, *stated("unit weights", "a policy that does not change with K")),
    mutants={},
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
