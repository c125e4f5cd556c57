"""What the ledger says of T3.visual_arft: what the published scores leave room for."""

import pandas as pd

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import count, table
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.generalization.plug_in import improved

DELTA = 0.05
COUNTED = "EM"
"""The metric whose scores are 0 or 1."""


def visual_arft(data: pd.DataFrame) -> Facts:
    """Of T3.visual_arft: the models as trained, and as if their training loss were 0."""
    trained = data[data["trained_on"].astype(str) == "True"]
    cells, perfect = (trained[trained["train_loss"] == k] for k in ("observed", "perfect"))
    searching = cells["training"].str.startswith("search")
    search, tasks = cells[searching], cells[~searching]
    smallest, larger = sorted(search["n_tasks"].unique())
    few, many = (search[search["n_tasks"] == n] for n in (smallest, larger))
    tasks = tasks[tasks["n_tasks"] == tasks["n_tasks"].min()]
    coding = tasks[tasks["observed"] > 0]
    best = perfect[perfect["n_tasks"] == smallest]
    return {
        "table": table(_columns(cells, perfect)),
        **_improvements(cells.drop_duplicates(["model", "benchmark", "metric"])),
        "smallest": int(smallest),
        "larger": int(larger),
        "few": count(few, "vacuous"),
        "few_all": len(few),
        "few_best": few["observed"].max(),
        "few_bits": few["bits_per_task"].max(),
        "many": count(many, "vacuous"),
        "many_all": len(many),
        "variation": few["spare_variation"].max(),
        "least_tasks": int(few["tasks at KL=1000"].min()),
        "most_tasks": int(few["tasks at KL=1000"].max()),
        "perfect": best["observed"].max(),
        "perfect_bits": best["bits_per_task"].max(),
        "coding_tasks": int(tasks["n_tasks"].iloc[0]),
        "coding_nats": span(coding["observed"]),
        "coding": len(coding),
        "coding_all": len(tasks),
    }


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
            "n at 10": cells["tasks at KL=10"].map(_tasks),
            "n at 1000": cells["tasks at KL=1000"].map(_tasks),
            "fresh": cells["fresh_bound"].round(3),
            "verdict": cells["verdict"],
        }
    )


def _tasks(number: float) -> str:
    return f"{int(number):,}" if number < 1e8 else "none"


def _improvements(cells: pd.DataFrame) -> Facts:
    """In how many cells the models certainly improved: cell by cell, and all at once."""
    mat = cells["benchmark"].str.startswith("MAT")
    alone, together = (
        pd.Series([_improved(row, level) for _, row in cells.iterrows()], cells.index)
        for level in (DELTA, DELTA / len(cells))
    )
    return {
        "level": 1 - DELTA,
        "fresh": (cells["fresh_bound"] < cells["base_loss"]).sum(),
        "certain": alone.sum(),
        "cells": len(cells),
        "mat": alone[mat].sum(),
        "mat_cells": mat.sum(),
        "sure": together.sum(),
        "mat_sure": together[mat].sum(),
    }


def _improved(row: pd.Series, level: float) -> bool:
    losses = (row["base_loss"], row["tuned_loss"])
    return improved(*losses, int(row["fresh_tasks"]), row["metric"] == COUNTED, level)
