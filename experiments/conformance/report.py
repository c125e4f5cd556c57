"""The table of a trainer's rules on models: one row a rule, model and group size."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grpo_checks.experiments.conformance.batches import Batches, all_batches, sampled_batches
from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.comparison import Comparison, compare
from grpo_checks.experiments.conformance.episodes import Episodes, list_tokens
from grpo_checks.experiments.conformance.job import Answer
from grpo_checks.experiments.conformance.models import model
from grpo_checks.experiments.conformance.reference import closed_form, definition
from grpo_checks.experiments.conformance.trainers import Job, run_trainer
from grpo_checks.theory.instances.instance import Instance


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


def place(name: str, group_size: int, prompts: int | None, sampled: int = 0) -> Place:
    """Of a model's name. ``sampled``: so many drawn batches in place of all. Raises ValueError."""
    instance = model(name)
    episodes = list_tokens(instance)
    if sampled:
        batches = sampled_batches(episodes, group_size, prompts or 1, sampled)
        return Place(instance, episodes, batches, prompts or 1)
    return Place(instance, episodes, all_batches(episodes, group_size, prompts), prompts)


def judge(where: Place, case: Case, answer: Answer) -> Comparison:
    """What was answered for a rule beside the exact law. Raises ValueError for rules without."""
    by = definition(where.episodes, where.batches, case.rule)
    exact = closed_form(where.instance, where.group_size, case.rule, where.prompts)
    return compare(where.episodes, where.batches, case.rule, by, exact, answer)


def row(where: Place, case: Case, answer: Answer) -> dict[str, Any]:
    """Of the table."""
    groups = where.batches.members.shape[1]
    estimator, aggregation = case.rule
    return {
        "rule": case.name, "advantage": estimator.name, "aggregation": aggregation.name,
        "instance": where.instance.name, "group_size": where.group_size, "groups": groups,
        "batches": len(where.batches.chance), "sampled": where.batches.sampled,
        **judge(where, case, answer)._asdict(), "precision": answer.versions["precision"],
    }  # fmt: skip


def rows(
    python: Path, script: Path, questions: Sequence[tuple[Place, Case]]
) -> Iterator[tuple[dict[str, Any], Answer]]:
    """Of every rule on every model, as the trainer answers."""
    jobs = [Job(where.episodes, where.batches, case) for where, case in questions]
    answers = run_trainer(python, script, jobs)
    for (where, case), answer in zip(questions, answers, strict=True):
        yield row(where, case, answer), answer
