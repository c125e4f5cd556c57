"""What explains some numbers within their precision: all such rules, or none, and the nearest."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.candidates import KNOWN_EPS, Candidate
from grpo_checks.theory.identification.earned import Numbers
from grpo_checks.theory.identification.fitting import (
    Curve,
    Fit,
    Precision,
    evaluated,
    fitted,
    ranges,
)
from grpo_checks.theory.identification.predicted import Predicted
from grpo_checks.theory.identification.residues import Constraints
from grpo_checks.theory.rules.aggregation import Aggregation

Range = tuple[float, float]
FLOAT32 = Precision()
START = 1e-6
"""Of an eps that is fitted."""
WORTH = 0.5
"""A factor of its own must halve what is left, or the nearest rule goes without."""


class Trial(NamedTuple):
    """A rule that is compared with the data."""

    candidate: Candidate
    curve: Curve
    aggregation: Aggregation | None = None
    constraints: Constraints | None = None
    """What it must explain beside the data."""


class RuleFit(NamedTuple):
    """One rule, with the numbers that bring it nearest to the data."""

    estimator: Estimator
    """eps and whiten as fitted, or a known constant where the data allow it."""
    aggregation: Aggregation | None
    """None: of advantages alone."""
    scale: float
    """A factor of everything: 1 unless only another one explains the data."""
    ranges: dict[str, Range]
    """Of ``eps``, ``whiten`` and ``scale`` where fitted: what the data leave, to first order.

    Of a rule that does not explain the data: the fitted number twice.
    """
    excess: float
    """Largest error in units of what rounding may do, of data and constraints: at most 1 where
    the data are explained."""
    error: float
    """Largest error."""
    unexplained: float
    """Root mean square of the errors over that of the data, 0 where both are 0."""
    usual: bool
    """Whether eps that trainers use explain the data, without a factor: then these are named."""

    @property
    def explains(self) -> bool:
        """Whether nothing is left but rounding."""
        return self.excess <= 1


class Identification(NamedTuple):
    """Rules that explain the data: more than one where these cannot tell them apart."""

    rules: tuple[RuleFit, ...]
    """The usual ones first; empty: none of the suite's."""
    nearest: RuleFit

    @property
    def usual(self) -> tuple[RuleFit, ...]:
        """Those with constants that trainers use."""
        return tuple(rule for rule in self.rules if rule.usual)


def known(ends: Range) -> list[float]:
    """The constants of trainers in a range; its ends are known to some rounding."""
    low, high = ends
    return [x for x in KNOWN_EPS if low * (1 - 1e-3) <= x <= high * (1 + 1e-3)]


def best(trials: Sequence[Trial], observed: Numbers, precision: Precision) -> Identification:
    """All rules that explain ``observed``; with a factor only where no usual one does without."""
    plain = [_explanation(trial, observed, precision, False) for trial in trials]
    if any(rule.usual for rule in plain):
        return _sorted([rule for rule in plain if rule.explains])
    scaled = [_explanation(trial, observed, precision, True) for trial in trials]
    chosen = [a if a.explains else b for a, b in zip(plain, scaled, strict=True)]
    if explaining := [rule for rule in chosen if rule.explains]:
        return _sorted(explaining)
    nearest, other = (min(rules, key=lambda r: r.unexplained) for rules in (plain, scaled))
    nearest = other if other.unexplained < WORTH * nearest.unexplained else nearest
    return Identification((), nearest)


def _sorted(rules: list[RuleFit]) -> Identification:
    ordered = sorted(rules, key=lambda rule: (not rule.usual, len(rule.ranges)))
    return Identification(tuple(ordered), ordered[0])


def _explanation(trial: Trial, observed: Numbers, precision: Precision, scaled: bool) -> RuleFit:
    names = list(trial.candidate.free)
    start = [START] * len(names)
    if scaled:
        names.append("scale")
        values = np.real(trial.curve([complex(x) for x in start]).values)
        start.append(nearest_factor(values, observed))
    curve = _curve(trial, scaled)
    if trial.constraints is not None:
        observed = np.concatenate([observed, trial.constraints.observed])
    fit = fitted(curve, start, observed, precision)
    return _rule_fit(trial, names, fit, observed, precision, curve)


def nearest_factor(values: Numbers, observed: Numbers) -> float:
    """Of the predictions, not below 0, that brings them nearest."""
    norm = values @ values
    return max(float(values @ observed / norm), 0.0) if norm > 0 else 1.0


def _curve(trial: Trial, scaled: bool) -> Curve:
    """Of the data, and then of the constraints; the last number is a factor if ``scaled``."""
    return partial(_joined, trial, scaled)


def _joined(trial: Trial, scaled: bool, free: list[complex]) -> Predicted:
    numbers, scale = (free[:-1], free[-1]) if scaled else (free, 1.0 + 0j)
    values, gain = trial.curve(numbers)
    answer = Predicted(scale * values, scale.real * gain)
    if trial.constraints is None:
        return answer
    parts = zip(answer, trial.constraints.predicted(numbers, scale), strict=True)
    return Predicted(*(np.concatenate(pair) for pair in parts))


def _rule_fit(
    trial: Trial, names: list[str], fit: Fit, observed: Numbers, precision: Precision, curve: Curve
) -> RuleFit:
    free = [float(x) for x in fit.free]
    ends = ranges(fit, observed) if fit.excess(observed) <= 1 else [(x, x) for x in free]
    usual = _with_known(fit, ends, observed, precision, curve) if "scale" not in names else None
    numbers = dict(zip(names, map(float, (usual or fit).free), strict=True))
    scale = numbers.pop("scale", 1.0)
    count = len(observed) - (len(trial.constraints.observed) if trial.constraints else 0)
    error = (observed - fit.values)[:count]
    size, distance = (float(np.sqrt((x**2).sum())) for x in (observed[:count], error))
    return RuleFit(
        _estimator(trial.candidate.estimator, numbers),
        trial.aggregation,
        scale,
        dict(zip(names, ends, strict=True)),
        fit.excess(observed),
        float(np.abs(error).max()),
        distance / size if size > 0 else float(distance > 0),
        usual is not None,
    )


def _estimator(estimator: Estimator, numbers: dict[str, float]) -> Estimator:
    eps, whiten = (numbers.get(name, getattr(estimator, name)) for name in ("eps", "whiten"))
    return replace(estimator, eps=eps, whiten=whiten)


def _with_known(
    fit: Fit, ends: list[Range], observed: Numbers, precision: Precision, curve: Curve
) -> Fit | None:
    """With constants that trainers use in all places at once, where these explain the data."""
    choices = product(*(known(pair) for pair in ends))
    fits = [evaluated(curve, np.array(free), observed, precision) for free in choices]
    nearest = min(fits, key=lambda fit: fit.excess(observed), default=fit)
    return nearest if nearest.excess(observed) <= 1 and fits else None
