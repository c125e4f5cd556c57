"""The sampled rows of T2.benefit: training races, with limits valid at any number of seeds."""

import numpy as np

from grpo_checks.experiments.claims.benefit.map import options
from grpo_checks.experiments.claims.benefit.races import Race, race
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.protocol.claim import STATISTICAL, Levels, Row, Scope, judge
from grpo_checks.theory.convergence.confidence import lower_limit, upper_limit
from grpo_checks.theory.convergence.error_levels import lower_level, upper_level

GROUP_SIZE = 8
N_STEPS = 16
SEEDS = {"quick": 4096, "paper": 8192}
"""Of a race: differences of J are small against what they could be, so that few decide nothing."""


def start(components: int, success: float, ratio: float, coupling: float) -> InstanceSpec:
    """Two or more components with these dials, on `outcomes`."""
    dials = {"success": success, "ratio": ratio, "coupling": coupling}
    return named("outcomes", components=components, **dials)


def races(scope: Scope) -> list[tuple[InstanceSpec, int]]:
    """Starts and group sizes."""
    if scope.profile != "paper":
        return [(start(2, 0.8, r, c), GROUP_SIZE) for r, c in ((1.0, 0.9), (1.0, 0.3))]
    grid = [(r, c) for r in (1.0, 0.5, 0.2, 0.1) for c in (-0.9, -0.3, 0.3, 0.9)]
    return [(start(2, 0.8, r, c), g) for g in (4, GROUP_SIZE) for r, c in grid]


def race_row(spec: InstanceSpec, group_size: int, run: Race, level: float) -> Row:
    """J of the run that is behind by e, minus J of the other, against 0.

    The assumption is looked at first, however the race went: one in which e turned says nothing.
    """
    lead = float(run.lead[0, 0])
    sample = -np.sign(lead) * run.difference
    shared = {
        "components": build(spec).mdp.weights.size,
        "group_size": group_size,
        "n_steps": N_STEPS,
        "seeds": sample.size,
        "step": run.step,
    }
    extra = {
        "where": "training",
        **options(spec),
        "lead_at_start": lead,
        "turns_at": run.turns_at,
        "J_decomposed": float(run.value[0]),
        "J_joint": float(run.value[1]),
    }
    ends = (-run.reach, run.reach)
    lower, upper = lower_limit(sample, level, *ends), upper_limit(sample, level, *ends)
    labels = ("T2.benefit", spec.name, shared, float(sample.mean()), lower, upper, 0.0)
    if lead == 0 or run.turns_at is not None:
        why = "e ranks neither first" if lead == 0 else _turned(run)
        return Row(*labels, "assumption unmet", why, extra, "statistical", Levels(1.0, 1.0))
    verdict = judge(upper, lower, 0.0)
    note = STATISTICAL if verdict == "refuted" else ""
    levels = Levels(upper_level(sample, 0.0, *ends), lower_level(sample, 0.0, *ends))
    return Row(*labels, verdict, note, extra, "statistical", levels)


def _turned(run: Race) -> str:
    return f"e ranks them otherwise from step {run.turns_at} of {N_STEPS} on, on average over seeds"


def race_rows(scope: Scope) -> list[Row]:
    """A row per race; their limits hold simultaneously."""
    cells, seeds = races(scope), max(SEEDS[scope.profile], scope.seeds)
    level = scope.error / len(cells)
    return [race_row(spec, g, race(spec, g, N_STEPS, seeds), level) for spec, g in cells]
