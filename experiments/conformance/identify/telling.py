"""Which small model would tell rules that some gradients cannot."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.identify.fed import fed
from grpo_checks.experiments.conformance.report import Place
from grpo_checks.theory.identification.candidates import Candidate
from grpo_checks.theory.identification.gradients import curve, weighed
from grpo_checks.theory.identification.rules import RuleFit


class Telling(NamedTuple):
    """A model, and how far apart the closest two rules are there."""

    place: Place
    difference: float
    """Largest difference of a batch beside the largest gradient."""


def telling_place(rules: Sequence[RuleFit], places: Sequence[Place]) -> Telling:
    """Of the ``places`` the one on which the closest two of the rules differ most."""
    answers = [Telling(where, _difference(rules, where)) for where in places]
    return max(answers, key=lambda telling: telling.difference)


def _difference(rules: Sequence[RuleFit], where: Place) -> float:
    values = [_gradients(rule, where) for rule in rules]
    size = max(float(np.abs(x).max()) for x in values)
    pairs = combinations(values, 2)
    return min(float(np.abs(a - b).max()) for a, b in pairs) / size if size > 0 else 0.0


def _gradients(rule: RuleFit, where: Place) -> np.ndarray:
    free = tuple(field for field in ("eps", "whiten") if field in rule.ranges)
    assert rule.aggregation is not None
    predict = curve([weighed(fed(where), rule.aggregation)], Candidate(rule.estimator, free))
    numbers = [complex(getattr(rule.estimator, field)) for field in free]
    return rule.scale * np.real(predict(numbers).values)
