"""Facts of the answer to Theorem 1: five sentences."""

import pandas as pd

from grpo_checks.experiments.ledger.facts.cycles.survey import share
from grpo_checks.experiments.ledger.words import Facts, count
from grpo_checks.experiments.protocol.claim import overall
from grpo_checks.experiments.storage.text import span


def answer(
    rate: pd.DataFrame, surrogate: pd.DataFrame, cycles: pd.DataFrame, records: pd.DataFrame
) -> Facts | None:
    """From the rows of T1.rate, T1.surrogate and T1.own, and the records of the survey.

    None where a verdict is not the one that the sentences say.
    """
    verdicts = [overall(list(data["verdict"])) for data in (rate, surrogate, cycles)]
    if verdicts != ["holds", "holds", "refuted"]:
        return None
    certified = cycles[(cycles["evidence"] == "certified") & (cycles["verdict"] == "refuted")]
    dice = certified[(certified["instance"] == "dice") & certified["reach"].notna()]
    floor = dice[dice["field"] == "grad J"].sort_values("reach").iloc[-1]
    larger = certified[certified["group_size"] > 2]
    sizes = sorted(int(g) for g in {*larger["group_size"]})
    few, many = records["group_size"].min(), records["group_size"].max()
    least, most = (records[records["group_size"] == size] for size in (few, many))
    return {
        "ratio": span(rate["ratio"].dropna()),
        "median": rate["ratio"].dropna().median(),
        "surrogate": span(surrogate["ratio"].dropna()),
        "floor": f"{floor['observed']:.2g}",
        "reach": f"{floor['reach']:g}",
        "larger": ", ".join(map(str, sizes[:-1])) + f" and {sizes[-1]}",
        "models": records["model"].nunique(),
        "few": int(few),
        "many": int(many),
        "rounds": share(least["goes round"] > 0),
        "rests": share(most["zero"] > 0),
    }


def in_short(sharp: pd.DataFrame, rate: pd.DataFrame, *tables: pd.DataFrame) -> Facts | None:
    """Of the same, and of T1.rate.sharp: four questions. None where ``answer`` is."""
    facts = answer(rate, *tables)
    if facts is None or sharp.empty:
        return None
    names = ("ratio", "median", "floor", "larger", "models", "few", "many", "rounds", "rests")
    typical = pd.to_numeric(sharp["ratio"]).median()
    kept = {name: facts[name] for name in names}
    return {**kept, "cells": count(rate, "holds"), "sharp": f"{typical:.3g}"}
