"""Facts of the answer to Theorem 1: five sentences."""

from grpo_checks.experiments.ledger.facts.survey import by_prompts, share
from grpo_checks.experiments.protocol.claim import Facts, overall
from grpo_checks.experiments.runs.margins import ratios
from grpo_checks.experiments.runs.words import Table, at_least, having, listed, without_copies
from grpo_checks.experiments.storage.text import span


def answer(rate: Table, surrogate: Table, cycles: Table, records: Table) -> Facts | None:
    """From the rows of T1.rate, T1.surrogate and T1.own, and the records of the survey.

    None where a verdict is not the one that the sentences say.
    """
    verdicts = [overall(list(data["verdict"])) for data in (rate, surrogate, cycles)]
    if verdicts != ["holds", "holds", "refuted"]:
        return None
    few, many = records["group_size"].min(), records["group_size"].max()
    least, most = (records[records["group_size"] == size] for size in (few, many))
    return {
        **_rate(rate),
        **_cycles(cycles),
        "surrogate": span(ratios(surrogate)),
        "models": records["model"].nunique(),
        "few": int(few),
        "many": int(many),
        "rounds": share(least["goes round"] > 0),
        "who_rounds": by_prompts(least, "goes round"),
        "rests": share(most["zero"] > 0),
        "who_rests": by_prompts(most, "zero"),
    }


def _rate(rate: Table) -> Facts:
    """Of T1.rate without copies: for which estimators, in how many cells, how loose by T."""
    held = having(without_copies(rate), "holds")
    lengths = sorted({int(length) for length in held["n_steps"]})
    by_length = {length: ratios(held[held["n_steps"] == length]) for length in lengths}
    shortest, longest = lengths[0], lengths[-1]
    return {
        "estimators": listed([f"`{name}`" for name in held["estimator"].unique()]),
        "cells": len(held),
        "longest": longest,
        "ratio": span(by_length[longest]),
        "median": f"{by_length[longest].median():.3g}",
        "shortest": shortest,
        "most": f"{by_length[shortest].max():.3g}",
    }


def _cycles(cycles: Table) -> Facts:
    """Of T1.own: the floor on `dice`, and where runs of larger groups stay, by model."""
    certified = cycles[(cycles["evidence"] == "certified") & (cycles["verdict"] == "refuted")]
    dice = certified[(certified["instance"] == "dice") & certified["reach"].notna()]
    floors = dice[dice["field"] == "grad J"].sort_values("reach")
    larger = certified[certified["group_size"] > 2]
    models = [
        f"`{name}` (G = {listed([f'{size:.0f}' for size in sorted({*cells['group_size']})])})"
        for name, cells in larger.groupby("instance")
    ]
    return {
        "floor": at_least(floors["observed"].min()),
        "reaches": listed([f"{reach:g}" for reach in floors["reach"]]),
        "larger": listed([f"{size:.0f}" for size in sorted({*larger["group_size"]})]),
        "where": listed(models),
    }


IN_SHORT = (
    *("estimators", "cells", "reaches", "floor", "where"),
    *("models", "few", "who_rounds", "many", "who_rests"),
)
LOOSE = ("longest", "ratio", "median", "shortest", "most")


def in_short(*tables: Table) -> Facts | None:
    """Of the same: whether it is true, and where not. None where ``answer`` is."""
    facts = answer(*tables)
    return facts and {name: facts[name] for name in IN_SHORT}


def for_you(sharp: Table, *tables: Table) -> Facts | None:
    """Of the same, and of T1.rate.sharp: how loose it is. None where ``answer`` is."""
    facts = answer(*tables)
    if facts is None or sharp.empty:
        return None
    typical = ratios(sharp).median()
    return {**{name: facts[name] for name in LOOSE}, "sharp": f"{typical:.3g}"}
