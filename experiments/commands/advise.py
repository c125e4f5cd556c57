"""advise: which estimator and group size, for one model."""

import argparse
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.advice.advise import advise
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.trainers import DEFAULT
from grpo_checks.experiments.models.instances import from_argument
from grpo_checks.experiments.storage.files import check_target, write_atomic
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.theory.rules.presets import PRESETS

BUDGET = 64


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser("advise", help="which estimator and group size, for one model")
    parser.add_argument("--instance", required=True, help="a name or a .json file")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--budget", type=int, help=f"episodes per update [{BUDGET}]")
    size.add_argument("--batch", type=int, help="prompts per update, whatever the group size")
    parser.add_argument(
        "--preset",
        default=DEFAULT,
        help=f"the trainer whose whole update has rows beside the estimators [{DEFAULT}]; one of "
        + ", ".join(PRESETS),
    )
    parser.add_argument(
        "--train", type=int, default=0, help="steps of exact gradient ascent before [0]"
    )
    parser.add_argument("--out", type=Path, help="output folder [results/advise/NAME]")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table and the advice, store the rows."""
    spec = from_argument(arguments.instance)
    folder = arguments.out or Path("results") / "advise" / label(arguments.instance)
    check_target(folder / "rows.csv")
    budget = BUDGET if arguments.batch is None and arguments.budget is None else arguments.budget
    plan = Plan(budget, arguments.batch)
    advice = advise(spec, plan, arguments.train, arguments.preset)
    shown = advice.table.drop(columns="note").dropna(subset=["signal"])
    with pd.option_context("display.width", 200, "display.float_format", "{:.4g}".format):
        # What could not be told has a note.
        say(*table_lines(shown.astype(object).where(shown.notna(), "?")))
    say(*advice.summary, *_refusals(advice.table))
    rows = advice.table.assign(claim="advice", instance=spec.name, plan=str(plan))
    write_atomic(folder / "rows.csv", rows.to_csv(index=False))
    say(f"table: {folder / 'rows.csv'}; figure: python -m figures {folder}")
    return 0


def _refusals(table: pd.DataFrame) -> list[str]:
    """What could not be computed, and why."""
    refused = table[table["note"] != ""]
    # Once, where it is the same for every group size.
    return list(dict.fromkeys(f"{row.estimator}: {row.note}" for row in refused.itertuples()))
