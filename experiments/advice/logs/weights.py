"""Steps of a log that rules are fitted to, and the weights that its advantages tell."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from grpo_checks.experiments.advice.logs.grouping import Window
from grpo_checks.theory.estimators.advantages import Estimator, EstimatorName
from grpo_checks.theory.identification.advantages import identify_advantages
from grpo_checks.theory.identification.earned import earned
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.identification.rules import Identification

ROWS = 1_000
"""Rows of whole steps that rules are fitted to."""
DENOMINATOR = 100
"""Weights that a log tells are read as fractions of the largest."""
NAMES: tuple[EstimatorName, ...] = ("group_normalized", "mean_baseline", "componentwise_normalized")
"""Rules whose weights are fitted where they are not told."""
Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """Some whole steps whose advantages are all known."""

    rewards: Floats
    group: NDArray[np.int64]
    batch: NDArray[np.int64]
    length: Floats | None
    advantage: Floats
    place: NDArray[np.int64]
    """Of each row in the files."""


def sample_of(window: Window) -> Sample | None:
    groups = window.groups
    batch = np.repeat(window.step, groups.sizes)
    known = np.isfinite(window.advantage)
    good = np.ones(batch.size, bool)
    for step in np.unique(batch[~known]):
        good &= batch != step
    steps = np.unique(batch[good])
    if not steps.size:
        return None
    sizes = np.array([(batch == step).sum() for step in steps])
    taken = steps[np.cumsum(sizes) <= max(ROWS, sizes[0])]
    rows = np.isin(batch, taken)
    length = window.length[rows]
    counted = np.isfinite(length).all() and (length >= 1).all()
    return Sample(
        groups.rewards[rows], groups.member[rows], batch[rows], length if counted else None,
        window.advantage[rows], window.place[rows],
    )  # fmt: skip


def identified(sample: Sample, weights: Floats) -> Identification:
    """Of the sample, with these weights."""
    return identify_advantages(
        sample.rewards, weights, sample.group, sample.advantage, batch=sample.batch,
        lengths=sample.length,
    )  # fmt: skip


def _fitted_weights(sample: Sample, name: EstimatorName) -> Floats:
    """Relative to the largest: those whose advantages come nearest."""
    estimator = Estimator(name, 1, 1e-4)

    def off(logs: Floats) -> Floats:
        data = earned(sample.rewards, np.exp(logs), sample.group)
        return np.real(advantages(data, estimator, 1e-4).values) - sample.advantage

    fit = least_squares(off, np.zeros(sample.rewards.shape[1]), diff_step=1e-6)
    weights = np.exp(fit.x)
    top = weights.max()
    parts = [Fraction(float(w / top)).limit_denominator(DENOMINATOR) for w in weights]
    scale = top if name == "mean_baseline" else 1.0
    return np.array([float(x) for x in parts]) * float(Fraction(scale).limit_denominator(100))


def with_weights(sample: Sample) -> tuple[Floats, Identification]:
    """Unit weights where they explain the advantages, else those that do, else unit ones."""
    unit = np.ones(sample.rewards.shape[1])
    first = identified(sample, unit)
    if first.rules or unit.size == 1:
        return unit, first
    for name in NAMES:
        weights = _fitted_weights(sample, name)
        if (weights > 0).all() and (answer := identified(sample, weights)).rules:
            return weights, answer
    return unit, first
