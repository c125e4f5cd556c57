"""False alarms: a sampled claim that is true, run again and again with other seeds.

Twice: as it is, at its family-wise level, where its slack makes alarms rarer still; and at its
sharp boundary, with the bound replaced by the expectation itself (the mean over all the runs
together) at a level where alarms are expected, in either direction. Limits that are valid at any
number of seeds alarm less often than their level; those of fitted slopes are put to the same test.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
from scipy import stats
from tqdm import tqdm

from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.computing.work import BAR
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.protocol.claim import Claim, Levels, Scope
from grpo_checks.experiments.runs import slopes
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.judging import settled
from grpo_checks.theory.convergence.error_levels import holm

SHARP_LEVEL = 0.05
CONFIDENCE = 0.001
"""How unlikely a count above ``allowed`` is at the stated level."""
Results = Mapping[RunSettings, RunResult]


@dataclass(frozen=True)
class Alarms:
    """Counts of runs with at least one alarm in any cell."""

    claim: str
    instance: str
    runs: int
    cells: int
    seeds: int
    level: float
    alarms: int
    """Runs in which the claim came out refuted."""
    sharp_level: float
    sharp_refuted: int
    """At the boundary, in how many runs Holm's test refutes some cell; likewise the next."""
    sharp_holds: int
    slope_alarms: int
    """In how many runs the limits of the slope on `conflict` exclude the slope of all runs."""
    allowed: int
    """The most alarms that the sharp level explains."""

    @property
    def within_level(self) -> bool:
        """Whether neither level is contradicted by its count."""
        most = stats.binom.isf(CONFIDENCE, self.runs, self.level)
        sharp = max(self.sharp_refuted, self.sharp_holds, self.slope_alarms)
        return bool(self.alarms <= most and sharp <= self.allowed)

    def as_json(self) -> dict[str, object]:
        """As stored."""
        return {"format": "alarms/1", **asdict(self), "within_level": self.within_level}


def sharp_alarms(every: list[list[Levels]], level: float) -> tuple[int, int]:
    """In how many runs some cell is refuted, and held, by Holm's test at a family-wise level."""
    refuted = sum(any(holm([x.refuted for x in cells], level)) for cells in every)
    return refuted, sum(any(holm([x.holds for x in cells], level)) for cells in every)


def boundary_levels(results: list[Results]) -> list[list[Levels]]:
    """Of T1.rate, for every run and cell, with the mean over all runs in place of the bound."""
    levels_of_runs = []
    truth = {
        run: float(np.mean([np.mean(r[run]["squared_gradient"]) for r in results]))
        for run in results[0]
    }
    for one in results:
        limits = [t1_rate.limits(run, one[run], SHARP_LEVEL, truth[run]) for run in one]
        levels_of_runs.append([levels for _, _, levels in limits])
    return levels_of_runs


def slope_alarms(repeats: int) -> int:
    """T1.slope's limits on its two shortest lengths at G = 2, at the sharp level."""
    cell = slopes.cell(2, Scope("quick"), UNBIASED)[:2]
    weights = slopes.fit_weights(np.array([run.n_steps for run in cell]))
    every = []
    for seed in range(1, repeats + 1):
        fresh = [replace(run, seed=seed) for run in cell]
        every.append(slopes.fall(weights, fresh, {run: runs.computed(run) for run in fresh}))
    truth = weights @ np.log(np.mean([[a.mean for a in f.averages] for f in every], axis=0))
    ends = [fitted.limits(SHARP_LEVEL) for fitted in every]
    return sum(not low <= truth <= high for low, high in ends)


def count_alarms(claim: Claim, scope: Scope, repeats: int, level: float) -> Alarms:
    """Of ``claim``, whose runs must be those of T1.rate. Raises ValueError for others."""
    wanted = claim.runs(scope)
    if not wanted or wanted != t1_rate.runs(scope):
        raise ValueError(f"claim = {claim.name!r}: expected one on the runs of T1.rate alone")
    results: list[Results] = []
    refuted = 0
    bar = tqdm(
        range(1, repeats + 1), "reseeded", leave=False, delay=2, bar_format=BAR, disable=None
    )
    for seed in bar:
        outcomes = {run: runs.computed(replace(run, seed=seed)) for run in wanted}
        rows = settled(claim.rows(scope, outcomes))
        refuted += any(row.verdict == "refuted" for row in rows)
        kept = ("squared_gradient", "first_order_gain")
        results.append({run: {k: np.asarray(r[k]) for k in kept} for run, r in outcomes.items()})
    sharp = sharp_alarms(boundary_levels(results), SHARP_LEVEL)
    name = scope.instance.name if scope.instance else "quick profile"
    seeds = min(run.seeds for run in wanted)
    allowed = int(stats.binom.isf(CONFIDENCE, repeats, SHARP_LEVEL))
    counted = (claim.name, name, repeats, len(wanted), seeds, level, refuted)
    return Alarms(*counted, SHARP_LEVEL, *sharp, slope_alarms(repeats), allowed)
