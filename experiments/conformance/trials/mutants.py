"""Faults planted into a trainer: whether the harness sees each, by how much, and its own floor."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.report import Exact, Place, judge
from grpo_checks.experiments.conformance.trainers import Job, run_jobs


def mutant_rows(
    python: Path, script: Path, places: Sequence[Place], cases: Sequence[Case]
) -> Iterator[dict[str, Any]]:
    """One for every fault on every model; ``cases[0]`` has none, and its error is the floor.

    An answer that is refused, as a gradient that is 0, is seen too.
    """
    jobs = [Job(where.episodes, where.batches, case) for where in places for case in cases]
    answers = iter(run_jobs(python, script, jobs))
    known = Exact()
    for where in places:
        floor = float("nan")
        for case in cases:
            answer = next(answers)
            labels = {
                "fault": case.name, "instance": where.instance.name, "group_size": where.group_size,
                "groups": where.batches.members.shape[1], "batches": len(where.batches.chance),
            }  # fmt: skip
            if isinstance(answer, ValueError):
                yield {**labels, "floor": floor, "seen": True, "note": str(answer)}
                continue
            result = judge(where, case, answer, known)
            floor = result.mean_error if case is cases[0] else floor
            yield {
                **labels, "mean_error": result.mean_error, "variance_error": result.variance_error,
                "batch_excess": result.batch_excess, "mean_tolerance": result.mean_tolerance,
                "floor": floor, "seen": result.verdict == "differs", "note": "",
            }  # fmt: skip
