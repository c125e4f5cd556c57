"""conformance: whether a trainer's own update is the rule that it names."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.conformance import report
from grpo_checks.experiments.conformance.cases.catalogue import Case, cases_of
from grpo_checks.experiments.conformance.models import DEFAULTS
from grpo_checks.experiments.conformance.trainers import adapter, interpreter
from grpo_checks.experiments.storage.files import check_target, write_atomic
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.terminal import say, table_lines

SHOWN = ("rule", "instance", "mean_error", "mean_tolerance", "variance_error", "batch_error")


def run(arguments: argparse.Namespace) -> int:
    """Print and store the table; 1 where a rule differs."""
    script = adapter(arguments.trainer)
    python = interpreter(arguments.trainer, arguments.python)
    cases = cases_of(arguments.trainer, arguments.rule)
    name = label(arguments.trainer)
    path = arguments.out or Path("results") / "conformance" / f"{name}.csv"
    check_target(path)
    rows: list[dict[str, Any]] = []
    versions: dict[str, Any] = {}
    for instance in arguments.instance or DEFAULTS:
        for size in arguments.groups:
            where = report.place(instance, size, arguments.batch, arguments.sampled)
            _announce(where, cases)
            for row, answer in report.rows(python, script, where, cases):
                versions = answer.versions
                rows.append({**row, "versions": _line(versions)})
                say(_sentence(row))
    table = pd.DataFrame(rows)
    _show(table)
    write_atomic(path, table.to_csv(index=False))
    say(f"{arguments.trainer}: {_line(versions)}", f"table: {path}")
    return int((table["verdict"] == "differs").any())


def _announce(where: report.Place, cases: list[Case]) -> None:
    batches, rules = where.batches, len(cases)
    kind = "drawn" if batches.sampled else "all there are, with their chances"
    many, groups, size = batches.members.shape
    say(
        f"{where.instance.name}: {many} batches of {groups} x {size} episodes, {kind}; "
        f"{rules} {'rule' if rules == 1 else 'rules'}"
    )


def _sentence(row: dict[str, Any]) -> str:
    tolerance = f"rounding of {row['precision']} allows {row['mean_tolerance']:.1e}"
    return f"  {row['rule']}: {row['verdict']}; E[g] off by {row['mean_error']:.1e}, {tolerance}"


def _line(versions: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in versions.items())


def _show(table: pd.DataFrame) -> None:
    columns = [*SHOWN, "cosine", "ratio", "verdict"]
    with pd.option_context("display.width", 200, "display.float_format", "{:.3g}".format):
        say(*table_lines(table[columns].astype(object)))
