"""Training runs of decomposed and joint GRPO, and the cells of Theorem 2 along them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from grpo_checks.experiments.claims.decomposition.cases import (
    CONFIRMED,
    DECOMPOSED,
    JOINT,
    SMALL,
    TRAINED_AT,
)
from grpo_checks.experiments.claims.decomposition.cells import Case, Cells, Option, check
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.theory.mdp.padding import shape_of
from grpo_checks.theory.updates.correlation import is_binary


def _trained_specs(scope: Scope) -> list[InstanceSpec]:
    if scope.mutant is not None:
        return []
    if scope.instance is not None:
        return [scope.instance] if is_binary(build(scope.instance).mdp) else []
    others = ("search", "coding", "bits") if scope.profile == "paper" else ()
    return [CONFIRMED, *(named(name, components=3) for name in others)]


def training_runs(scope: Scope) -> list[RunSettings]:
    """Decomposed GRPO, and in the paper profile joint GRPO from the same start, same episodes."""
    paper, runs = scope.profile == "paper", []
    for spec in _trained_specs(scope):
        steps, step, seeds = 400, 0.2, 128
        if spec == CONFIRMED:
            steps, step, seeds = (1500, 0.02, 512) if paper else (600, 0.05, 128)
        marks = tuple(steps * i // 20 for i in range(1, 20))
        run = RunSettings(
            spec,
            TRAINED_AT,
            steps,
            max(seeds, scope.seeds),
            DECOMPOSED,
            step=step,
            objective="potential",
            checkpoints=marks,
            stream="theorem 2",
        )
        runs.append(run)
        if paper:
            runs.append(replace(run, estimator=JOINT, objective="reward"))
    return runs


def training_cells(
    runs: Sequence[RunSettings],
    results: Mapping[RunSettings, RunResult],
    only_ends: bool = False,
) -> Cells:
    """Certificates along runs and at their ends, of 16 seeds each."""
    shape = shape_of([build(run.instance).mdp for run in runs])
    if all(run.instance == CONFIRMED for run in runs):
        shape = SMALL
    cases = []
    for run in runs:
        if results[run]["diverged"]:
            continue
        success = np.asarray(results[run]["success"])[:16]
        kind, mdp = run.estimator.name, build(run.instance).mdp
        option = [Option(run.group_size)]
        along = success[:, :-1].reshape(-1, *success.shape[2:])
        if not only_ends:
            cases.append(Case(run.instance.name, mdp, along, option, f"along training, {kind}"))
        cases.append(Case(run.instance.name, mdp, success[:, -1], option, f"trained, {kind}"))
    return check(cases, shape)
