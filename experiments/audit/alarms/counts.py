"""False alarms: a sampled claim that is true, run again and again with other seeds.

Twice: as it is, at the level of a claim, where its slack makes alarms rarer still; and at its sharp
boundary, with the bound replaced by the expectation itself (the mean over all the runs together) at
a level where alarms are expected, in either direction. The other kinds of sampled verdicts are put
to the same test (``boundary``): fitted slopes, races, and frequencies, whose alarms are exact sums.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import scipy
from tqdm import tqdm

from grpo_checks.experiments.audit.alarms.boundary import (
    Results,
    boundary_levels,
    frequency_alarms,
    race_alarms,
    sharp_alarms,
    slope_alarms,
)
from grpo_checks.experiments.claims.generalization.coverage_posteriors import REPEATS
from grpo_checks.experiments.claims.generalization.gaussian_posterior import DELTA
from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.computing.work import BAR
from grpo_checks.experiments.protocol.claim import Claim, Scope
from grpo_checks.experiments.runs import training as runs
from grpo_checks.experiments.runs.judging import settled

SHARP_LEVEL = 0.05
CONFIDENCE = 0.001
"""How unlikely a count above ``allowed`` is at the stated level."""


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
    """Of as many slopes on `conflict`, whose limits at the sharp level exclude the slope of all."""
    slopes_refuted: int
    """Likewise at the level of the claim."""
    race_alarms: int
    """Of as many races, whose limits exclude the mean difference of all; likewise the next."""
    races_refuted: int
    frequency_refuted: float
    """The chance that a frequency refutes a failure probability of just its level; exact."""
    frequency_holds: float
    allowed: int
    """The most alarms that the sharp level explains."""

    @property
    def within_level(self) -> bool:
        """Whether neither level is contradicted by its count."""
        most = scipy.stats.binom.isf(CONFIDENCE, self.runs, self.level)
        inside = max(self.alarms, self.slopes_refuted, self.races_refuted)
        sharp = max(self.sharp_refuted, self.sharp_holds, self.slope_alarms, self.race_alarms)
        exact = max(self.frequency_refuted, self.frequency_holds)
        return bool(inside <= most and sharp <= self.allowed and exact <= self.sharp_level)

    def as_json(self) -> dict[str, object]:
        """As stored."""
        return {"format": "alarms/1", **asdict(self), "within_level": self.within_level}


def count_alarms(claim: Claim, scope: Scope, repeats: int) -> Alarms:
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
        rows = settled(claim.rows(scope, outcomes), scope.error)
        refuted += any(row.verdict == "refuted" for row in rows)
        kept = ("squared_gradient", "first_order_gain")
        results.append({run: {k: np.asarray(r[k]) for k in kept} for run, r in outcomes.items()})
    sharp = sharp_alarms(boundary_levels(results, SHARP_LEVEL), SHARP_LEVEL)
    name = scope.instance.name if scope.instance else "quick profile"
    seeds = min(run.seeds for run in wanted)
    levels = SHARP_LEVEL, scope.error
    counted = (repeats, len(wanted), seeds, scope.error, refuted, SHARP_LEVEL, *sharp)
    return Alarms(
        claim.name,
        name,
        *counted,
        *slope_alarms(repeats, *levels),
        *race_alarms(repeats, *levels),
        *frequency_alarms(REPEATS, DELTA, SHARP_LEVEL),
        int(scipy.stats.binom.isf(CONFIDENCE, repeats, SHARP_LEVEL)),
    )
