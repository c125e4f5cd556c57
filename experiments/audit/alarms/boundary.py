"""At their sharp boundary: how often limits of each kind exclude the truth, at a level given.

The truth of a mean, slope or race is taken from all repetitions together; that of a frequency is a
binomial law, summed exactly. Limits that are valid at any number of seeds exclude it less often
than their level.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import scipy
from numpy.typing import NDArray

from grpo_checks.experiments.claims.benefit.races import race
from grpo_checks.experiments.claims.benefit.rows import GROUP_SIZE, N_STEPS, start
from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.protocol.claim import Levels, Scope
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs import training as runs
from grpo_checks.theory.convergence.confidence import lower_limit, upper_limit
from grpo_checks.theory.convergence.error_levels import holm
from grpo_checks.theory.generalization.pac_bayes import fresh_set

Results = Mapping[RunSettings, RunResult]
Floats = NDArray[np.float64]
RACE_SEEDS = 512
"""Of a repetition of a race; their limits are valid at any number."""


def sharp_alarms(every: list[list[Levels]], level: float) -> tuple[int, int]:
    """In how many runs some cell is refuted, and held, by Holm's test at a family-wise level."""
    refuted = sum(any(holm([x.refuted for x in cells], level)) for cells in every)
    return refuted, sum(any(holm([x.holds for x in cells], level)) for cells in every)


def boundary_levels(results: list[Results], level: float) -> list[list[Levels]]:
    """Of T1.rate, for every run and cell, with the mean over all runs in place of the bound."""
    levels_of_runs = []
    truth = {
        run: float(np.mean([np.mean(r[run]["squared_gradient"]) for r in results]))
        for run in results[0]
    }
    for one in results:
        limits = [t1_rate.limits(run, one[run], level, truth[run]) for run in one]
        levels_of_runs.append([levels for _, _, levels in limits])
    return levels_of_runs


def slope_alarms(repeats: int, sharp: float, inside: float) -> tuple[int, int]:
    """T1.slope's limits on its two shortest lengths at G = 2, at either level."""
    cell = slopes.cell(2, Scope("quick"), UNBIASED)[:2]
    weights = slopes.fit_weights(np.array([run.n_steps for run in cell]))
    every = []
    for seed in range(1, repeats + 1):
        fresh = [replace(run, seed=seed) for run in cell]
        every.append(slopes.fall(weights, fresh, {run: runs.computed(run) for run in fresh}))
    truth = float(weights @ np.log(np.mean([[a.mean for a in f.averages] for f in every], axis=0)))
    count = lambda level: excluding(truth, [f.limits(level) for f in every])  # noqa: E731
    return count(sharp), count(inside)


def race_alarms(repeats: int, sharp: float, inside: float) -> tuple[int, int]:
    """T2.benefit's limits on independent parts of one long race, each end with half of a level."""
    run = race(start(2, 0.8, 1.0, 0.3), GROUP_SIZE, N_STEPS, repeats * RACE_SEEDS)
    parts, truth = run.difference.reshape(repeats, RACE_SEEDS), float(run.difference.mean())
    count = lambda level: excluding(truth, mean_limits(parts, level, run.reach))  # noqa: E731
    return count(sharp), count(inside)


def mean_limits(parts: Floats, level: float, reach: float) -> list[tuple[float, float]]:
    """Of each part (repeats, seeds) of numbers in [-reach, reach], wrong with chance ``level``."""
    arguments = (level / 2, -reach, reach)
    return [(lower_limit(part, *arguments), upper_limit(part, *arguments)) for part in parts]


def excluding(truth: float, limits: Sequence[tuple[float, float]]) -> int:
    """How many limits do not contain the truth."""
    return sum(not low <= truth <= high for low, high in limits)


def frequency_alarms(repeats: int, chance: float, level: float) -> tuple[float, float]:
    """The chances that binomial limits of ``repeats`` draws refute, and hold, P <= ``chance``.

    At P = ``chance``, where either is largest: exact sums over the counts whose limits do.
    """
    count = np.arange(repeats + 1)
    law = scipy.stats.binom.pmf(count, repeats, chance)
    above = np.asarray(fresh_set(count, repeats, level))
    below = 1 - np.asarray(fresh_set(repeats - count, repeats, level))
    return float(law[below > chance].sum()), float(law[above < chance].sum())
