"""identify: which update rule stored gradients, or a table of advantages, are of."""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.logs.columns import parse_map
from grpo_checks.experiments.advice.logs.reading import Log, read_log
from grpo_checks.experiments.conformance.episodes import Floats
from grpo_checks.experiments.conformance.identify.fed import fed
from grpo_checks.experiments.conformance.identify.sentences import NONE, row, sentences
from grpo_checks.experiments.conformance.identify.telling import telling_place
from grpo_checks.experiments.conformance.recorded import Question, read_gradients
from grpo_checks.experiments.conformance.report import Place, at_size, place
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say
from grpo_checks.theory.identification.advantages import identify_advantages
from grpo_checks.theory.identification.fitting import Precision
from grpo_checks.theory.identification.gradients import identify_gradients
from grpo_checks.theory.identification.rules import Identification
from grpo_checks.theory.identification.telling import telling_batch

TELLING = ("faint", "steps", "conflict")
"""Models that are tried where rules cannot be told apart."""


def run(arguments: argparse.Namespace) -> int:
    """Print what was identified; 1 where no rule explains something."""
    path = arguments.file
    if arguments.out is not None:
        check_target(arguments.out)
    rows: list[dict[str, Any]] = []
    for label, answer in _answers(arguments):
        rows.append({"file": path.name, "label": label, **row(answer)})
        if arguments.out is not None:
            write_table(arguments.out, pd.DataFrame(rows))
    if arguments.out is not None:
        say(f"table: {arguments.out}")
    return int(any(line["identified"] == NONE for line in rows))


def _answers(arguments: argparse.Namespace) -> Iterator[tuple[str, Identification]]:
    if arguments.file.suffix == ".npz":
        yield from _of_gradients(arguments)
    else:
        rewards = arguments.rewards.split(",") if arguments.rewards else None
        log = read_log([arguments.file], parse_map(arguments.columns), rewards)
        if "advantage" not in log.columns.roles:
            raise ValueError(f"{arguments.file}: column advantage: missing: expected one")
        say(*log.notes, *log.gaps)
        yield arguments.file.name, _of_advantages(log, Precision(resolution=arguments.resolution))


def _of_advantages(log: Log, precision: Precision) -> Identification:
    """Of rewards with weights of 1, a row's group being its label or prompt within a step."""
    rows, weights = log.rows, np.ones(len(log.columns.rewards))
    labels = np.stack([rows.step.astype(np.uint64), rows.prompt], 1)
    answer = identify_advantages(
        rows.rewards.astype(float), weights, np.unique(labels, axis=0, return_inverse=True)[1],
        rows.advantage, batch=rows.step, precision=precision,
        lengths=rows.length.astype(float) if "length" in log.columns.roles else None,
    )  # fmt: skip
    say(*sentences(answer))
    rules = answer.usual or answer.rules
    if len(rules) > 1 and (batch := telling_batch(rules[:6], weights)):
        say("  told apart by an update of these rewards, one row a group:")
        say(*(f"    {group.tolist()}" for group in batch.rewards))
    return answer


def _of_gradients(arguments: argparse.Namespace) -> Iterator[tuple[str, Identification]]:
    """Gradients of one label belong together; what the label says is not read."""
    gradients = _chosen(arguments)
    places: dict[str, Place] = {}
    for label in dict.fromkeys(question.rule for question in gradients):
        parts = {q: g for q, g in gradients.items() if q.rule == label}
        pairs = [(fed(_where(q, places)), np.asarray(g, float)) for q, g in parts.items()]
        single = any(g.dtype == np.float32 for g in parts.values())
        precision = Precision(2.0**-24 if single else 2.0**-53)
        answer = identify_gradients(pairs, precision)
        say(f"{label}, on {', '.join(f'{q.model} (G = {q.group_size})' for q in parts)}:")
        say(*(f"  {line}" for line in sentences(answer)))
        _tell(answer, places, precision)
        yield label, answer


def _chosen(arguments: argparse.Namespace) -> dict[Question, Floats]:
    """Of the label, models and group sizes that are limits for. Raises ValueError for none."""
    gradients, _ = read_gradients(arguments.file)
    limits = {"rule": arguments.rule and [arguments.rule], "model": arguments.instance}
    limits["group_size"] = arguments.groups
    for field, values in limits.items():
        known = sorted({getattr(question, field) for question in gradients})
        gradients = {
            q: g for q, g in gradients.items() if not values or getattr(q, field) in values
        }
        if not gradients:
            raise ValueError(f"{field} = {values}: expected some of {known}")
    return gradients


def _where(question: Question, places: dict[str, Place]) -> Place:
    if question.model not in places:
        places[question.model] = place(question.model, question.group_size)
    return at_size(places[question.model], question.group_size)


def _tell(answer: Identification, places: dict[str, Place], precision: Precision) -> None:
    rules = (answer.usual or answer.rules)[:6]
    if len(rules) < 2:
        return
    tried = [_where(Question(model, 4, ""), places) for model in TELLING]
    best = telling_place(rules, tried, precision)
    where = f"{best.place.instance.name} (G = 4)"
    if best.excess > 1:
        say(f"    {where} would tell these: the closest two differ there by {best.difference:.2g}")
    else:
        say(f"    no model of {', '.join(TELLING)} tells all of these from each other")
