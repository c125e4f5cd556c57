"""Which estimator some advantages are of."""

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.candidates import Candidate, candidates
from grpo_checks.theory.identification.earned import Earned, Numbers, earned
from grpo_checks.theory.identification.fitting import Curve, Precision
from grpo_checks.theory.identification.predicted import Predicted, by_eps
from grpo_checks.theory.identification.residues import constraints
from grpo_checks.theory.identification.rules import FLOAT32, Identification, Trial, best
from grpo_checks.theory.numbers.validation import check_entries, check_shape

GREEDY = Candidate(Estimator("greedy_baseline"), ())


def identify_advantages(
    rewards: NDArray,
    weights: NDArray,
    group: NDArray,
    advantages: NDArray,
    *,
    batch: NDArray | None = None,
    lengths: NDArray | None = None,
    precision: Precision = FLOAT32,
) -> Identification:
    """The estimators that explain the ``advantages`` (N,) of N episodes.

    ``rewards`` (N, K) in any units, NaN where one is missing; ``weights`` (K,) of the composite;
    ``group`` (N,) labels of groups, of any sizes and in any order; ``batch`` (N,) labels of the
    updates that groups belong to, one by default; ``lengths`` (N,) in tokens: without them rules
    that ask for lengths are left out. ``precision``: float32 by default; give the resolution of a
    log whose numbers were rounded. eps are fitted, as numbers that are not negative. Where no rule
    explains the data with an eps that trainers use, a factor of everything is fitted too; where
    none does, ``greedy_baseline`` is named
    if advantages are rewards less a number for each group, which the data cannot check.

    Raises ValueError for arrays that do not match, numbers that are not finite, rows without a
    reward, lengths below 1, and a group in two batches.
    """
    data = earned(rewards, weights, group, batch, lengths)
    observed = np.asarray(advantages, float)
    check_shape("advantages", observed, (len(data.rewards),), "N")
    check_entries("advantages", observed, np.isfinite(observed), "a finite number")
    trials = [
        Trial(c, _curve(data, c), constraints=constraints(data, c, observed))
        for c in candidates(len(data.weights), lengths is not None)
    ]
    answer = best(trials, observed, precision)
    if answer.rules:
        return answer
    greedy = best([Trial(GREEDY, _greedy(data, observed))], observed, precision)
    return greedy if greedy.rules and greedy.nearest.scale == 1 else answer


def _curve(data: Earned, candidate: Candidate) -> Curve:
    predicted = by_eps(data, candidate.estimator)
    return lambda free: predicted(**dict(zip(candidate.free, free, strict=True)))


def _greedy(data: Earned, observed: Numbers) -> Curve:
    """R - b, with the b of each group that is nearest."""
    groups = data.groups
    baseline = groups.total(data.composites - observed) / groups.sizes
    values = data.composites - baseline[groups.member]
    return lambda free: Predicted(values, data.size + np.abs(baseline[groups.member]))
