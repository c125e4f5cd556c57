"""Which small model would tell rules that some gradients cannot."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.identify.fed import fed
from grpo_checks.experiments.conformance.report import Place
from grpo_checks.theory.identification.candidates import Candidate
from grpo_checks.theory.identification.fitting import Precision, tolerances
from grpo_checks.theory.identification.gradients import curve, weighed
from grpo_checks.theory.identification.predicted import Predicted
from grpo_checks.theory.identification.rules import RuleFit


class Telling(NamedTuple):
    """A model, and how far apart the closest two rules are there."""

    place: Place
    difference: float
    """Largest difference of a batch beside the largest gradient."""
    excess: float
    """Largest difference in units of what rounding may do to both gradients: where it is above 1,
    no gradients of one rule are explained by the other."""


def telling_place(
    rules: Sequence[RuleFit], places: Sequence[Place], precision: Precision
) -> Telling:
    """Of the ``places`` the one on which the closest two of the rules differ most, if it tells them
    to a trainer's ``precision``."""
    answers = [_told(rules, where, precision) for where in places]
    return max(answers, key=lambda telling: (telling.excess > 1, telling.difference))


def _told(rules: Sequence[RuleFit], where: Place, precision: Precision) -> Telling:
    gradients = [_gradients(rule, where) for rule in rules]
    size = max(float(np.abs(x.values).max()) for x in gradients)
    noise = [tolerances(x, float(np.abs(x.values).max()), precision) for x in gradients]
    pairs = list(combinations(zip(gradients, noise, strict=True), 2))
    off = [np.abs(a.values - b.values) for (a, _), (b, _) in pairs]
    excess = min(float((x / (m + n)).max()) for x, ((_, m), (_, n)) in zip(off, pairs, strict=True))
    return Telling(where, min(float(x.max()) for x in off) / size if size > 0 else 0.0, excess)


def _gradients(rule: RuleFit, where: Place) -> Predicted:
    free = tuple(field for field in ("eps", "whiten") if field in rule.ranges)
    assert rule.aggregation is not None
    predict = curve([weighed(fed(where), rule.aggregation)], Candidate(rule.estimator, free))
    values, gain = predict([complex(getattr(rule.estimator, field)) for field in free])
    return Predicted(rule.scale * np.real(values), rule.scale * gain)
