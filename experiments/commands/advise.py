"""advise: which estimator and group size, for one model."""

import argparse
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.advice.advise import advise, trained
from grpo_checks.experiments.advice.optimizers import optimizer_table
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.trainers import DEFAULT
from grpo_checks.experiments.commands.program import drawing
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.storage.files import check_target, write_atomic
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.theory.rules.presets import preset

BUDGET = 64


def run(arguments: argparse.Namespace) -> int:
    """Print the table and the advice, store the rows."""
    spec = from_argument(arguments.instance)
    arguments.preset = arguments.preset or DEFAULT
    folder = arguments.out or Path("results") / "advise" / label(arguments.instance)
    check_target(folder / "rows.csv")
    budget = BUDGET if arguments.batch is None and arguments.budget is None else arguments.budget
    plan, size = Plan(budget, arguments.batch), arguments.optimizers
    if size is not None and (size < 2 or not plan.sizes([size], exactly=True)):
        raise ValueError(f"optimizers = {size}: expected a whole number of groups in {plan}")
    advice = advise(spec, plan, arguments.train, arguments.preset)
    shown = advice.table.drop(columns="note").dropna(subset=["signal"])
    with pd.option_context("display.width", 200, "display.float_format", "{:.4g}".format):
        # What could not be told has a note.
        say(*table_lines(shown.astype(object).where(shown.notna(), "?")))
    say(*advice.summary, *_refusals(advice.table))
    rows = advice.table.assign(claim="advice", instance=spec.name, plan=str(plan))
    write_atomic(folder / "rows.csv", rows.to_csv(index=False))
    say(f"table: {folder / 'rows.csv'}; figure: {drawing()} {folder}")
    if size is not None:
        _optimizers(spec, plan, arguments, folder / "optimizers.csv")
    return 0


def _optimizers(spec: InstanceSpec, plan: Plan, arguments: argparse.Namespace, path: Path) -> None:
    """Print and store their table."""
    instance, size = build(spec), arguments.optimizers
    groups, rule = int(plan.groups(size)), preset(arguments.preset).rule
    table = optimizer_table(instance, trained(instance, arguments.train), rule, size, groups)
    with pd.option_context("display.width", 200, "display.float_format", "{:.4g}".format):
        say(f"mean updates beside E[g] of {arguments.preset}, {groups} groups of {size}, sampled:")
        say(*table_lines(table.astype(object).where(table.notna(), "")))
    labels = {"instance": spec.name, "preset": arguments.preset, "group_size": size}
    write_atomic(path, table.assign(**labels, prompts=groups).to_csv(index=False))
    say(f"table: {path}")


def _refusals(table: pd.DataFrame) -> list[str]:
    """What could not be computed, and why."""
    refused = table[table["note"] != ""]
    # Once, where it is the same for every group size.
    return list(dict.fromkeys(f"{row.estimator}: {row.note}" for row in refused.itertuples()))
