"""The ledger's part on Visual-ARFT: what the published scores leave room for."""

import pandas as pd

from grpo_checks.experiments.claims.generalization.visual_arft import COUNTED, DELTA
from grpo_checks.experiments.storage.text import markdown, span
from grpo_checks.theory.generalization.plug_in import improved

ARFT = """
**T3.visual_arft**: can Theorem 3 explain the transfer that Visual-ARFT (arXiv:2505.14246) shows?
Neither KL(Q,P) nor the training score nor TV is published, so that no cell can come out as *holds*.
With the benchmark's own score in place of the training score, delta = 0.05 and TV = 0, the kl-xi
bound certifies more than the base model's score only below the following KL, for the numbers of
tasks that the models were trained on (negative: for no posterior at all):

{table}

*bits* are per training task; *TV* is the distance between training and test tasks that uses up the
margin of KL = 0; *explains* is the least KL at which the bound stops contradicting the observed
score if the training loss were 0; *n* the number of tasks at which KL = 10 and 1000 nats would do;
*fresh* the risk that the test set itself certifies.

{verdict}
"""

ANSWER = """Plainly: **no, not at these sample sizes.** At n = {smallest} tasks the bound is vacuous
in {few} of {few_all} search cells, and in the others it holds only for a posterior within
{few_best:.3g} nats of the base model, {few_bits:.2g} bits per task; at n = {larger} samples, which
are not independent tasks, in {many} of {many_all}. The margin at n = {smallest} is used up by a TV
of {variation:.2g} or less, and the benchmarks are other data sets: a TV near 1 is the honest
guess, and there the bound says nothing. A policy fine-tuned in billions of parameters is not known
to lie within a few nats of its prior; at 1000 nats {tasks} tasks would be needed. A perfect
training score would leave room for at most {perfect:.3g} nats at n = {smallest},
{perfect_bits:.2g} bits per task. The coding models, with {coding_tasks:,} tasks, have room for
{coding}, if their benchmark is drawn as their tasks were. The transfer was observed, and Theorem 3
does not explain it.

Is it certain that the models improved? Both scores are random, and of the same questions. Limits
on both losses, {level:.0%} a cell, lie apart in {certain} of {cells} cells, on the paper's own MAT
benchmarks in {mat} of {mat_cells}; in all cells at once, {level:.0%} together, in {sure} and
{mat_sure}."""


def _columns(cells: pd.DataFrame, perfect: pd.DataFrame) -> pd.DataFrame:
    """The table: one line per model, benchmark, metric and number of tasks."""
    keys = ["model", "benchmark", "metric", "n_tasks"]
    other = perfect.set_index(keys)["smallest_explaining"]
    return pd.DataFrame(
        {
            "model": cells["model"],
            "benchmark": cells["benchmark"],
            "metric": cells["metric"],
            "n_train": cells["n_tasks"].astype(int),
            "base loss": cells["base_loss"].round(3),
            "loss": cells["tuned_loss"].round(3),
            "largest KL": cells["observed"].round(1),
            "bits": cells["bits_per_task"].round(2),
            "TV": cells["spare_variation"].round(2),
            "explains": [round(other[tuple(key)], 1) for key in cells[keys].to_numpy()],
            "n at 10": [_count(x) for x in cells["tasks at KL=10"]],
            "n at 1000": [_count(x) for x in cells["tasks at KL=1000"]],
            "fresh": cells["fresh_bound"].round(3),
            "verdict": cells["verdict"],
        }
    )


def _count(value: float) -> str:
    return f"{int(value):,}" if value < 1e8 else "none"


def _improvements(each: pd.DataFrame) -> dict[str, object]:
    """In how many cells the models certainly improved: cell by cell, and all at once."""
    own = each["benchmark"].str.startswith("MAT")
    apart, together = (
        pd.Series([_apart(row, level) for _, row in each.iterrows()], each.index)
        for level in (DELTA, DELTA / len(each))
    )
    return {
        "level": 1 - DELTA,
        "certain": apart.sum(),
        "cells": len(each),
        "mat": apart[own].sum(),
        "mat_cells": own.sum(),
        "sure": together.sum(),
        "mat_sure": together[own].sum(),
    }


def _apart(row: pd.Series, level: float) -> bool:
    losses = (row["base_loss"], row["tuned_loss"])
    return improved(*losses, int(row["fresh_tasks"]), row["metric"] == COUNTED, level)


def visual_arft(data: pd.DataFrame) -> str:
    """From the rows of T3.visual_arft."""
    trained = data[data["trained_on"].astype(str) == "True"]
    cells, perfect = (trained[trained["train_loss"] == k] for k in ("observed", "perfect"))
    search = cells[cells["training"].str.startswith("search")]
    smallest, larger = sorted(search["n_tasks"].unique())
    few, many = (search[search["n_tasks"] == n] for n in (smallest, larger))
    tasks = cells[~cells["training"].str.startswith("search")]
    tasks = tasks[tasks["n_tasks"] == tasks["n_tasks"].min()]
    coding = tasks[tasks["observed"] > 0]
    best = perfect[perfect["n_tasks"] == smallest]
    answer = ANSWER.format(
        **_improvements(cells.drop_duplicates(["model", "benchmark", "metric"])),
        smallest=int(smallest),
        larger=int(larger),
        coding_tasks=int(tasks["n_tasks"].iloc[0]),
        few=(few["verdict"] == "vacuous").sum(),
        few_all=len(few),
        few_best=few["observed"].max(),
        few_bits=few["bits_per_task"].max(),
        many=(many["verdict"] == "vacuous").sum(),
        many_all=len(many),
        variation=few["spare_variation"].max(),
        tasks=f"{int(few['tasks at KL=1000'].min()):,} to {int(few['tasks at KL=1000'].max()):,}",
        perfect=best["observed"].max(),
        perfect_bits=best["bits_per_task"].max(),
        coding=f"{span(coding['observed'])} nats in {len(coding)} of {len(tasks)} cells",
    )
    return ARFT.format(table=markdown(_columns(cells, perfect)), verdict=answer)
