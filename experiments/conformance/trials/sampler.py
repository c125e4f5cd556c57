"""A trainer's own sampler and its updates on what it drew, beside the exact law of episodes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import chdtrc, stdtrit

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.comparison import compare
from grpo_checks.experiments.conformance.episodes import Episodes, Floats, Ints
from grpo_checks.experiments.conformance.reference import Moments, closed_form, definition
from grpo_checks.experiments.conformance.report import Place
from grpo_checks.experiments.conformance.trainers import Job, run_trainer
from grpo_checks.theory.rules.rule import UpdateRule

LEAST = 5.0
"""Expected episodes below which cells of a chi-square are merged."""
ALARM = 1e-6
"""Chance of a true sampler, or of a true mean, to be called another one."""


class ChiSquare(NamedTuple):
    """Of the episodes drawn, given the prompts."""

    statistic: float
    freedom: int

    @property
    def chance(self) -> float:
        """Of a value as large where the law is the exact one."""
        return float(chdtrc(self.freedom, self.statistic))


def chi_square(episodes: Episodes, drawn: Ints) -> ChiSquare:
    """``drawn`` (...): indices of episodes. Members of a group share a prompt, and no more."""
    count = np.bincount(np.ravel(drawn), minlength=len(episodes.chance)).astype(float)
    statistic, freedom = 0.0, 0
    for prompt in np.unique(episodes.prompt):
        here = np.flatnonzero(episodes.prompt == prompt)
        seen = count[here]
        expected = seen.sum() * episodes.chance[here]
        rare = expected < LEAST
        cells = [(seen[~rare], expected[~rare]), (seen[rare].sum(), expected[rare].sum())]
        for observed, mean in cells:
            size = np.atleast_1d(mean)
            used = size > 0
            off = np.square(np.atleast_1d(observed) - size)[used] / size[used]
            statistic, freedom = statistic + float(off.sum()), freedom + int(used.sum())
        freedom -= 1
    return ChiSquare(statistic, freedom)


def largest_z(gradient: Floats, exact: Floats) -> tuple[float, int]:
    """Of the coordinates of a mean over (M, d) that vary, and how many they are: Student's t."""
    error = gradient.std(0, ddof=1) / np.sqrt(len(gradient))
    # A coordinate that never moves has rounding for its deviation.
    varied = error > 1e-6 * error.max()
    z = np.abs(gradient.mean(0) - exact)[varied] / error[varied]
    return float(z.max()), int(varied.sum())


def sampler_rows(
    python: Path, script: Path, where: Place, cases: Sequence[Case], steps: int
) -> Iterator[dict[str, Any]]:
    """One for every case: the law of its episodes, E[g] by its standard error, and each step.

    Raises ValueError where the trainer does not say what it drew.
    """
    jobs = [Job(where.episodes, where.batches, case, steps) for case in cases]
    known: dict[UpdateRule, Moments] = {}
    for case, answer in zip(cases, run_trainer(python, script, jobs), strict=True):
        rule, episodes = case.rule, where.episodes
        if rule not in known:
            known[rule] = closed_form(where.instance, where.group_size, rule, where.prompts)
        if answer.members is None:
            raise ValueError(f"{script.name}: {case.name}: no members: expected what was drawn")
        batches = Batches(answer.members, np.full(steps, 1 / steps), True)
        by, exact = definition(episodes, batches, rule), known[rule]
        result = compare(episodes, batches, rule, by, exact, answer)
        law = chi_square(episodes, answer.members)
        z, many = largest_z(answer.gradient, exact.mean)
        limit = float(-stdtrit(steps - 1, ALARM / 2 / many))
        differs = law.chance < ALARM or z > limit or result.batch_excess > 1
        yield {
            "rule": case.name, "instance": where.instance.name, "group_size": where.group_size,
            "groups": where.prompts, "steps": steps, "episodes": answer.members.size,
            "chi_square": law.statistic, "freedom": law.freedom, "chance": law.chance,
            "largest_z": z, "coordinates": many, "z_limit": limit,
            "batch_excess": result.batch_excess, "verdict": "differs" if differs else "conforms",
            "versions": ", ".join(f"{name} {x}" for name, x in answer.versions.items()),
        }  # fmt: skip
