"""The table of a trainer's rules on models: one row a rule, model and group size."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.batches import (
    Batches,
    all_batches,
    count_batches,
    sampled_batches,
)
from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.comparison import Comparison, compare
from grpo_checks.experiments.conformance.episodes import Episodes, list_tokens
from grpo_checks.experiments.conformance.job import Answer
from grpo_checks.experiments.conformance.models import model
from grpo_checks.experiments.conformance.reference import (
    Definition,
    Moments,
    closed_form,
    definition,
)
from grpo_checks.experiments.conformance.trainers import Job, run_trainer
from grpo_checks.theory.estimators.advantages import check_group_size
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.rules.rule import UpdateRule


class Place(NamedTuple):
    """A model, the batches of one group size, and how their prompts come about."""

    instance: Instance
    episodes: Episodes
    batches: Batches
    prompts: int | None
    """Drawn from rho; None: one group of every prompt."""

    @property
    def group_size(self) -> int:
        """G."""
        return self.batches.members.shape[2]


Questions = Sequence[tuple[Place, Case]]
SWEEP = 2000
"""Batches beyond which an update has one group of a drawn prompt, not one of every prompt."""


def place(name: str, group_size: int, prompts: int | None = None, sampled: int = 0) -> Place:
    """Of a model's name. ``prompts``: drawn from rho; None: all, or one where ``SWEEP`` says so.

    ``sampled``: so many drawn batches in place of all there are. Raises ValueError.
    """
    instance = model(name)
    episodes = list_tokens(instance)
    if sampled:
        batches = sampled_batches(episodes, group_size, prompts or 1, sampled)
        return Place(instance, episodes, batches, prompts or 1)
    if prompts is None and not _sweeps(episodes, group_size):
        prompts = 1
    return Place(instance, episodes, all_batches(episodes, group_size, prompts), prompts)


def sampled_place(name: str, group_size: int, prompts: int) -> Place:
    """Where a trainer draws ``prompts`` groups a step by itself: one batch, to say how large."""
    check_group_size(group_size)
    instance = model(name)
    batches = Batches(np.zeros((1, prompts, group_size), np.int64), np.ones(1))
    return Place(instance, list_tokens(instance), batches, prompts)


def _sweeps(episodes: Episodes, group_size: int) -> bool:
    check_group_size(group_size)
    alike = len({*episodes.rho[episodes.rho > 0].tolist()}) == 1
    return alike and count_batches(episodes, group_size, None) <= SWEEP


def at_size(where: Place, group_size: int) -> Place:
    """The same with groups of another size."""
    return where._replace(batches=all_batches(where.episodes, group_size, where.prompts))


class Exact:
    """What does not depend on the answer, once for all cases of one rule on one model."""

    def __init__(self) -> None:
        self.known: dict[Any, tuple[Definition, Moments]] = {}

    def of_rule(self, where: Place, rule: UpdateRule) -> tuple[Definition, Moments]:
        """Batches by definition, and E[g] and V in closed form."""
        key = (where.instance.name, where.group_size, where.prompts, rule)
        if key not in self.known:
            by = definition(where.episodes, where.batches, rule)
            exact = closed_form(where.instance, where.group_size, rule, where.prompts)
            self.known[key] = by, exact
        return self.known[key]


def judge(where: Place, case: Case, answer: Answer, known: Exact | None = None) -> Comparison:
    """What was answered for a rule beside the exact law. Raises ValueError for rules without."""
    by, exact = (known or Exact()).of_rule(where, case.rule)
    return compare(where.episodes, where.batches, case.rule, by, exact, answer)


def answers(python: Path, script: Path, questions: Questions) -> list[Answer]:
    """Of every rule on every model. Raises ValueError with the one line that says what is wrong."""
    jobs = [Job(where.episodes, where.batches, case) for where, case in questions]
    return run_trainer(python, script, jobs)


def rows(questions: Questions, given: Sequence[Answer]) -> Iterator[dict[str, Any]]:
    """Of the table, one for every question."""
    known = Exact()
    for (where, case), answer in zip(questions, given, strict=True):
        estimator, aggregation = case.rule
        versions = ", ".join(f"{name} {x}" for name, x in answer.versions.items())
        yield {
            "rule": case.name, "advantage": estimator.name, "aggregation": aggregation.name,
            "length_offset": aggregation.length_offset, "instance": where.instance.name,
            "group_size": where.group_size, "groups": where.batches.members.shape[1],
            "batches": len(where.batches.chance), "sampled": where.batches.sampled,
            **judge(where, case, answer, known)._asdict(),
            "precision": answer.versions["precision"], "versions": versions,
        }  # fmt: skip
