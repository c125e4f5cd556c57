"""The sampled rows of T2.benefit: training races, and what batch normalisation changes.

Which differences are significant is decided by Holm's test over all of them; the limits shown are
simultaneous ones.
"""

import numpy as np

from experiments.benefit_map import options
from experiments.benefit_runs import BatchEffect, Race, batch_effect, race, student, student_sign
from experiments.claim import FAMILY_WISE_ERROR, STATISTICAL, Row, Scope, Verdict, settled_by
from experiments.instances import InstanceSpec, build, named
from theory.levels import holm

GROUP_SIZE, BATCH_PROMPTS = 8, 4
N_STEPS = 16


def start(components: int, success: float, ratio: float, coupling: float) -> InstanceSpec:
    """Two or more components with these dials, on `outcomes`."""
    dials = {"success": success, "ratio": ratio, "coupling": coupling}
    return named("outcomes", components=components, **dials)


def races(scope: Scope) -> list[tuple[InstanceSpec, int]]:
    if scope.instance is not None:
        return [(scope.instance, GROUP_SIZE)]
    if scope.profile != "paper":
        return [(start(2, 0.8, r, c), GROUP_SIZE) for r, c in ((0.2, 0.6), (0.5, -0.9), (1.0, 0.6))]
    grid = [(r, c) for r in (1.0, 0.5, 0.2, 0.1) for c in (-0.9, -0.3, 0.3, 0.9)]
    return [(start(2, 0.8, r, c), g) for g in (4, GROUP_SIZE) for r, c in grid]


def _race_row(
    spec: InstanceSpec, group_size: int, run: Race, level: float, significant: bool
) -> Row:
    mean, lower, upper = run.interval(level)
    lead = float(run.lead[0, 0])
    agrees = np.sign(mean) == np.sign(lead)
    verdict: Verdict = "holds" if agrees else "refuted"
    note = "exact e at the start; Student limits (asymptotic)"
    if not significant:
        spread = (upper - lower) / 2
        seeds = run.difference.size * (spread / max(abs(mean), 1e-300)) ** 2
        verdict, note = "assumption unmet", f"not significant: {settled_by(seeds)}"
    elif not agrees and run.turns_at is not None:
        note = f"disagrees; e ranks them otherwise from step {run.turns_at} of {N_STEPS} on"
        verdict = "assumption unmet"
    elif verdict == "refuted":
        note = STATISTICAL
    extra = {
        "where": "training",
        **options(spec),
        "lead_at_start": lead,
        "agrees": str(bool(agrees)),
        "turns_at": run.turns_at,
        "J_decomposed": float(run.value[0]),
        "J_joint": float(run.value[1]),
    }
    shared = {
        "components": build(spec).mdp.weights.size,
        "group_size": group_size,
        "n_steps": N_STEPS,
        "seeds": run.difference.size,
    }
    head = ("T2.benefit", spec.name, shared, mean, lower, upper, None)
    return Row(*head, verdict, note, extra, evidence="statistical")


def _batch_row(spec: InstanceSpec, found: BatchEffect, level: float, significant: bool) -> Row:
    """Does e of the batch-normalised update, sampled, rank it against the joint one?"""
    (value, error), (mean, lower, upper) = found.whitened, student(found.gain, level)
    lead = value - found.joint
    clear = abs(lead) > 4 * error and significant
    verdict: Verdict = "holds" if np.sign(lead) == np.sign(mean) else "refuted"
    note = "one best step: whitened minus joint gain, Student limits; e sampled"
    if not clear:
        verdict, note = "assumption unmet", "one of the two signs is within its sampling error"
    extra = {
        "where": "batch normalisation",
        **options(spec),
        "e_whitened": value,
        "e_whitened_error": error,
        "e_decomposed": found.decomposed,
        "e_joint": found.joint,
    }
    shared = {
        "components": 2,
        "group_size": GROUP_SIZE,
        "prompts": BATCH_PROMPTS,
        "seeds": found.gain.size,
    }
    head = ("T2.benefit", spec.name, shared, mean, lower, upper, None)
    return Row(*head, verdict, note, extra, evidence="statistical")


def sampled_rows(scope: Scope) -> list[Row]:
    """A row per race, and in the paper profile per batch."""
    raced, seeds = races(scope), max(1024 if scope.profile == "paper" else 256, scope.seeds)
    batches = []
    if scope.profile == "paper" and scope.instance is None:
        batches = [start(2, 0.8, r, c) for r in (1.0, 0.5, 0.2) for c in (-0.9, 0.0, 0.9)]
    run = [race(spec, g, N_STEPS, seeds) for spec, g in raced]
    drawn = [batch_effect(spec, GROUP_SIZE, BATCH_PROMPTS, 20_000) for spec in batches]
    samples = [*(r.difference for r in run), *(d.gain for d in drawn)]
    level = FAMILY_WISE_ERROR / len(samples)
    significant = iter(holm([student_sign(x) for x in samples], FAMILY_WISE_ERROR))
    found = [
        _race_row(*cell, r, level, next(significant)) for cell, r in zip(raced, run, strict=True)
    ]
    return found + [
        _batch_row(s, d, level, next(significant)) for s, d in zip(batches, drawn, strict=True)
    ]
