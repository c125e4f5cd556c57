"""T1.K: "the variance of an update is proportional to K/G" (Assumption 2, as reported).

On `bits` the policy does not grow with K and every answer has the same |s|^2, so the exact variance
is proportional to Var(R): to K for uncorrelated components, to K^2 for perfectly correlated ones.
"""

from collections.abc import Mapping
from fractions import Fraction

import jax
import numpy as np
from scipy import stats

from experiments.claim import Claim, Row, Scope, Verdict
from experiments.instances import build, named
from experiments.runs import UNBIASED, RunResult, RunSettings
from theory.update import update_moments

CORRELATIONS = (0.0, 0.25, 0.5, 1.0)
COMPONENTS = tuple(range(1, 7))
GROUP_SIZE = 8
TOLERANCE = 0.05
_moments = jax.jit(update_moments, static_argnames=("group_size", "estimator"))


def composite_variance(components: int, shared: bool) -> Fraction:
    """Var(R) over 2^6 equally likely answers, exactly: independent bits, or one bit K times."""
    counts = [bin(y % 2**components).count("1") for y in range(64)]
    values = [components * (y % 2) for y in range(64)] if shared else counts
    mean = Fraction(sum(values), 64)
    return sum(((v - mean) ** 2 for v in values), Fraction(0)) / 64


def variances(correlation: float) -> np.ndarray:
    """Exact V of `leave_one_out` at the uniform policy for each number of components."""
    found = []
    for k in COMPONENTS:
        instance = build(named("bits", components=k, correlation=correlation))
        model = (instance.mdp, instance.policy, instance.theta)
        found.append(float(_moments(*model, GROUP_SIZE, UNBIASED).variance))
    return np.array(found)


def _certificate(correlation: float) -> str:
    """At the ends of the dial the growth is decided by whole numbers alone."""
    if correlation not in (0.0, 1.0):
        return "float64"
    one, two = (composite_variance(k, correlation == 1.0) for k in (1, 2))
    return f"exact: V(K=2)/V(K=1) = {two / one}"


def _row(correlation: float) -> Row:
    found = variances(correlation)
    exponent = float(stats.linregress(np.log(COMPONENTS), np.log(found)).slope)
    verdict: Verdict = "holds" if abs(exponent - 1) <= TOLERANCE else "refuted"
    parameters = {"components": COMPONENTS[-1], "group_size": GROUP_SIZE}
    extra = {"correlation": correlation, "estimator": UNBIASED.name}
    limits = (exponent, exponent, exponent)
    note = _certificate(correlation)
    return Row("T1.K", "bits", parameters, *limits, 1 + TOLERANCE, verdict, note, extra)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The fitted exponent of V in K, for each correlation of the components."""
    if scope.instance is not None and (scope.instance.file or scope.instance.name != "bits"):
        note = "needs a dial for the number of components and their correlation: `bits`"
        name = scope.instance.name
        return [Row("T1.K", name, {}, None, None, None, None, "assumption unmet", note)]
    return [_row(c) for c in CORRELATIONS]


CLAIM = Claim(
    name="T1.K",
    statement="V is proportional to K: fitted exponent in K within 1 +- 0.05, any correlation",
    provenance="reported",
    expected="refuted",
    assumptions=("unit weights", "a policy that does not change with K"),
    mutants={},
    runs=lambda scope: [],
    rows=rows,
)
