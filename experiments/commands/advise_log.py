"""advise --log: what the reward log of a real run says, and what to change."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

import grpo_checks.experiments as package
from grpo_checks.experiments.advice.logs.columns import parse_map
from grpo_checks.experiments.advice.logs.reading import read_log
from grpo_checks.experiments.advice.logs.report import report, short_table, stored_tables
from grpo_checks.experiments.advice.rates.reading import positive
from grpo_checks.experiments.commands.program import drawing
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.experiments.storage.text import counted

PACKAGED = "synthetic"
"""The log that is installed with the project."""
EXAMPLE = Path(package.__file__).parent / "examples" / "completions"


def _watched(files: Sequence[Path]) -> Iterator[Path]:
    yield from tqdm(files, "read", unit=" files", leave=False, disable=None)


def run(arguments: argparse.Namespace) -> int:
    """Print the report, store the rows."""
    paths = [EXAMPLE if str(p) == PACKAGED and not p.exists() else p for p in arguments.log]
    folder = arguments.out or Path("results") / "advise" / "log"
    check_target(folder / "rows.csv")
    rewards = arguments.rewards.split(",") if arguments.rewards else None
    weights = positive("weights", arguments.weights) if arguments.weights else None
    log = read_log(paths, parse_map(arguments.columns), rewards, _watched)
    components = log.columns.rewards
    if weights is not None and weights.size != len(components):
        raise ValueError(
            f"weights = {arguments.weights}: expected one for each of {', '.join(components)}"
        )
    say(f"{counted(log.rows.step.size, 'row')} read", *log.gaps, "")
    answer = report(log, weights, arguments.windows, arguments.group_size)
    say(*answer.answer, *answer.change, "", *answer.seen, "", *answer.rule, "")
    tables = [short_table(answer.table, components)]
    if arguments.all:
        latest = answer.table[answer.table["window"] == answer.table["window"].max()]
        tables += [latest.drop(columns=["window", "first_step", "last_step", "groups"])]
        tables += [answer.trends, answer.signals.drop(columns="note", errors="ignore")]
    for table in tables:
        say(*table_lines(table, ".4g", "?"))
    say("", *answer.notes)
    for name, table in stored_tables(answer).items():
        write_table(folder / name, table)
    more = "" if arguments.all else "; all numbers: --all"
    say(f"table: {folder / 'rows.csv'}; figure: {drawing()} {folder}{more}")
    return 0
