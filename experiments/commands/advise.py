"""advise: which estimator and group size, for a model, for pass rates, or for the log of a run."""

import argparse
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.advice.advise import advise, trained
from grpo_checks.experiments.advice.choice import left_out, short_table
from grpo_checks.experiments.advice.optimizers import optimizer_table
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.rates.reading import rates_spec
from grpo_checks.experiments.advice.trainers import DEFAULT
from grpo_checks.experiments.commands import advise_log
from grpo_checks.experiments.commands.program import drawing
from grpo_checks.experiments.computing.one_run import compiled_for_one_run
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.storage.files import check_target
from grpo_checks.experiments.storage.folders import label
from grpo_checks.experiments.storage.table_file import write_table
from grpo_checks.experiments.storage.terminal import say, table_lines
from grpo_checks.theory.rules.presets import preset

BUDGET = 64


def _model(arguments: argparse.Namespace) -> tuple[InstanceSpec, str]:
    """What is asked about, and the name of its folder. Raises ValueError for none or two."""
    rates = arguments.success is not None or arguments.prompts is not None
    if (arguments.instance is not None) is rates:
        raise ValueError(
            f"instance = {arguments.instance}: expected either --instance, or pass rates by "
            "--success or --prompts"
        )
    if arguments.instance is not None:
        return from_argument(arguments.instance), label(arguments.instance)
    spec = rates_spec(
        arguments.success,
        arguments.correlation,
        arguments.prompts,
        arguments.weights,
        arguments.shared,
    )
    return spec, f"pass_rates-{dict(spec.options)['sha256'][:8]}"


def run(arguments: argparse.Namespace) -> int:
    """Print the answer, store the rows."""
    if arguments.log is not None:
        if not (arguments.instance is arguments.success is arguments.prompts is None):
            raise ValueError("log: expected neither --instance nor pass rates beside it")
        return advise_log.run(arguments)
    spec, name = _model(arguments)
    arguments.preset = arguments.preset or DEFAULT
    folder = arguments.out or Path("results") / "advise" / name
    check_target(folder / "rows.csv")
    budget = BUDGET if arguments.batch is None and arguments.budget is None else arguments.budget
    plan, size = Plan(budget, arguments.batch), arguments.optimizers
    if size is not None and (size < 2 or not plan.sizes([size], exactly=True)):
        raise ValueError(f"optimizers = {size}: expected a whole number of groups in {plan}")
    say(f"exact signal of each estimator and group size on {spec.name}, at {plan}", "")
    with compiled_for_one_run(build(spec).mdp.max_depth):
        advice = advise(spec, plan, arguments.train, arguments.preset)
    say(*advice.answer, "")
    if arguments.all:
        known = advice.table.drop(columns="note").dropna(subset=["signal"])
        say(*table_lines(known, ".4g", "?"))
        say(*advice.summary())
    elif not (short := short_table(advice.table)).empty:
        say(*table_lines(short, ".4g", "?"))
    refused = _refusals(advice.table)
    say(*(refused if arguments.all else left_out(advice.table)))
    rows = advice.table.assign(claim="advice", instance=spec.name, plan=str(plan))
    write_table(folder / "rows.csv", rows)
    more = "" if arguments.all else "; all rows and where biased estimators lead: --all"
    say(f"table: {folder / 'rows.csv'}; figure: {drawing()} {folder}{more}")
    if size is not None:
        _optimizers(spec, plan, arguments, folder / "optimizers.csv")
    return 0


def _optimizers(spec: InstanceSpec, plan: Plan, arguments: argparse.Namespace, path: Path) -> None:
    """Print and store their table."""
    instance, size = build(spec), arguments.optimizers
    groups, rule = int(plan.groups(size)), preset(arguments.preset).rule
    table = optimizer_table(instance, trained(instance, arguments.train), rule, size, groups)
    say(f"mean updates beside E[g] of {arguments.preset}, {groups} groups of {size}, sampled:")
    say(*table_lines(table, ".4g", ""))
    labels = {"instance": spec.name, "preset": arguments.preset, "group_size": size}
    write_table(path, table.assign(**labels, prompts=groups))
    say(f"table: {path}")


def _refusals(table: pd.DataFrame) -> list[str]:
    """What could not be computed, and why."""
    refused = table[table["note"] != ""]
    # Once, where it is the same for every group size.
    return list(dict.fromkeys(f"{row.estimator}: {row.note}" for row in refused.itertuples()))
