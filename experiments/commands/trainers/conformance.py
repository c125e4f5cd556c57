"""conformance: whether a trainer's own update is the rule that it names."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.commands.program import drawing
from grpo_checks.experiments.commands.trainers import paths, sampling
from grpo_checks.experiments.conformance import report
from grpo_checks.experiments.conformance.batches import count_batches
from grpo_checks.experiments.conformance.cases.case import Case
from grpo_checks.experiments.conformance.cases.catalogue import MUTANTS, cases_of
from grpo_checks.experiments.conformance.models import DEFAULTS
from grpo_checks.experiments.conformance.recorded import Question, write_gradients
from grpo_checks.experiments.conformance.trainers import adapter, interpreter, script_of
from grpo_checks.experiments.conformance.trials import mutants
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines

SHOWN = [
    "rule", "instance", "group_size", "mean_error", "mean_tolerance", "variance_error",
    "batch_error", "cosine", "ratio", "verdict",
]  # fmt: skip


SIZES, FEW = (4, 8), 200
"""Of groups where none is named; the second where there are few batches."""


def run(arguments: argparse.Namespace) -> int:
    """Print and store the table; 1 where a rule differs, or a fault is not seen."""
    if arguments.paths:
        return _paths(arguments)
    script = adapter(arguments.trainer)
    python = interpreter(arguments.trainer, arguments.python)
    if arguments.sampler is not None:
        return sampling.run(arguments, python, script)
    cases = _cases(arguments)
    check_target(_target(arguments, {}))
    places = _places(arguments)
    for where in places:
        _announce(where, cases)
    if arguments.mutants:
        table = pd.DataFrame(mutants.mutant_rows(python, script, places, cases))
        path, status = _target(arguments, {}), _faults(table, cases)
    else:
        path, table = _rules(python, script, _questions(places, cases), arguments)
        status = _verdicts(table)
    write_table(path, table)
    say(f"table: {path}")
    return status


def _paths(arguments: argparse.Namespace) -> int:
    """Store what a trainer does by itself; `python -m figures` draws it."""
    script = script_of(arguments.trainer, "path")
    path = arguments.out or Path("results") / "conformance" / "rows.csv"
    check_target(path)
    table = paths.path_table(interpreter(arguments.trainer, arguments.python), script)
    write_table(path, table)
    say(f"table: {path}; figure: {drawing()} {path.parent}")
    return 0


def _target(arguments: argparse.Namespace, versions: dict[str, Any]) -> Path:
    """Of the table; its name has the trainer's version where there is one."""
    name, version = label(arguments.trainer), versions.get(arguments.trainer)
    ending = "-mutants.csv" if arguments.mutants else ".csv"
    file = f"{name}-{version}{ending}" if version else f"{name}{ending}"
    return arguments.out or Path("results") / "conformance" / file


def _places(arguments: argparse.Namespace) -> list[report.Place]:
    """Models and group sizes. Raises ValueError for what they cannot be."""
    models, sizes = arguments.instance or DEFAULTS, arguments.groups or SIZES[:1]
    places = [
        report.place(name, size, arguments.batch, arguments.sampled)
        for name in models
        for size in sizes
    ]
    if arguments.groups or arguments.sampled or arguments.mutants:
        return places
    few = [w for w in places if count_batches(w.episodes, SIZES[1], w.prompts) <= FEW]
    return [*places, *(report.at_size(where, SIZES[1]) for where in few)]


def _cases(arguments: argparse.Namespace) -> Sequence[Case]:
    """Rules, or faults. Raises ValueError where there are none."""
    if not arguments.mutants:
        return cases_of(arguments.trainer, arguments.rule)
    if arguments.trainer not in MUTANTS:
        expected = f"expected one of {tuple(MUTANTS)}"
        raise ValueError(f"trainer = {arguments.trainer!r} has no planted faults: {expected}")
    return MUTANTS[arguments.trainer]


def _questions(places: Sequence[report.Place], cases: Sequence[Case]) -> report.Questions:
    """Every rule on every model that it knows."""
    return [
        (where, case)
        for where in places
        for case in cases
        if case.responses in (None, where.episodes.has_responses)
    ]


def _announce(where: report.Place, cases: Sequence[Case]) -> None:
    batches, rules = where.batches, len(cases)
    kind = "drawn" if batches.sampled else "all there are, with their chances"
    many, groups, size = batches.members.shape
    say(
        f"{where.instance.name}: {many} batches of {groups} x {size} episodes, {kind}; "
        f"{rules} {'rule' if rules == 1 else 'rules'}"
    )


def _rules(
    python: Path, script: Path, questions: report.Questions, arguments: argparse.Namespace
) -> tuple[Path, pd.DataFrame]:
    """The table and where; the gradients are stored beside it before they are judged."""
    answers = report.answers(python, script, questions)
    keys = [Question(w.instance.name, w.group_size, case.name) for w, case in questions]
    path = _target(arguments, answers[0].versions)
    write_gradients(path.with_suffix(".npz"), dict(zip(keys, answers, strict=True)))
    return path, pd.DataFrame(report.rows(questions, answers))


def _verdicts(table: pd.DataFrame) -> int:
    say(*table_lines(table[SHOWN], ".3g"))
    counts = table["verdict"].value_counts()
    say(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    for row in table[table["verdict"] == "differs"].itertuples():
        say(
            f"{row.rule} on {row.instance}: E[g] is off by {row.mean_error:.2g} of its length, "
            f"where rounding of {row.precision} explains {row.mean_tolerance:.1e}; "
            f"cosine {row.cosine:.4f}, {row.ratio:.4f} times as long"
        )
    say(f"versions: {table['versions'].iloc[0]}")
    return int(counts.get("differs", 0) > 0)


def _faults(table: pd.DataFrame, cases: Sequence[Case]) -> int:
    """1 where a fault is seen on no model, or a trainer without fault is suspected."""
    say(*table_lines(table.drop(columns="note"), ".3g"))
    seen = table.groupby("fault")["seen"].any()
    missed = [case.name for case in cases[1:] if not seen[case.name]]
    suspected = bool(seen[cases[0].name])
    say(f"{len(cases) - 1 - len(missed)} of {len(cases) - 1} faults seen", *missed)
    return int(bool(missed) or suspected)
