"""Facts on results of other papers: gradients, noise, correlations, groups, estimates of KL."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, count, exactly, having, outcome, table
from grpo_checks.experiments.storage.text import instances, span


def contrast(data: pd.DataFrame) -> Facts:
    """Of L.contrast."""
    true = having(data, "holds")
    return {"outcome": outcome(data), "holds": len(true), "distance": true["distance"].max()}


def hessian(data: pd.DataFrame) -> Facts:
    """Of L.hessian: sharp with one logit, looser elsewhere."""
    true = having(data, "holds")
    sharp = true["instance"] == "conflict"
    return {
        "outcome": outcome(data),
        "holds": len(true),
        "sharp": span(true["ratio"][sharp]),
        "loose": span(true["ratio"][~sharp]),
    }


def mse(data: pd.DataFrame) -> Facts:
    """Of L.mse: what a group costs over the oracle, which knows the value."""
    signal = data[data["oracle"] > 0]
    relative = (signal["observed"] / signal["oracle"]).groupby(signal["group_size"])
    noise = relative.agg(["min", "median", "max"]).reset_index()
    headings = {"group_size": "G", "min": "min", "median": "median", "max": "max"}
    return {
        "outcome": outcome(data),
        "holds": len(having(data, "holds")),
        "table": table(noise, headings, digits=4),
    }


def baseline(data: pd.DataFrame) -> Facts:
    """Of L.baseline: two answers in fractions, and what the best constant saves elsewhere."""
    bandit = data[data["instance"] == "bandit"].iloc[0]
    models = data[~data["instance"].isin(["bandit", "conflict"]) & (data["observed"] > 0)]
    saved = 1 - models["bound"] / models["observed"]
    tools = models["instance"].isin(["coding", "search"])
    return {
        "outcome": outcome(data),
        "error": bandit["observed_exact"],
        "value": bandit["value_exact"],
        "least_error": bandit["bound_exact"],
        "best_baseline": bandit["best_baseline_exact"],
        "saves": span(saved.clip(lower=0), 2),
        "median": saved.median(),
        "instances": instances(models[tools]),
        "tools": max(saved[tools].max(), 0.0),
    }


def correlation(data: pd.DataFrame) -> Facts:
    """Of L.correlation: large groups."""
    return {"holds": len(having(data, "holds")), "size": data["group_size"].max()}


def correlation_law(data: pd.DataFrame) -> Facts:
    """Of L.correlation.law: the first instance of the table, component by component."""
    first = having(data, "holds").groupby("group_size").head(2)
    first = first.sort_values(["group_size", "component"])
    lines = [
        {"G": f"{g:.0f}", "joint": _pair(cell["joint"]), "decoupled": _pair(cell["observed"])}
        for g, cell in first.groupby("group_size")
    ]
    one = first.groupby("component").first()
    return {
        "chances": ", ".join(f"{p:.3g}" for p in one["chance"]),
        "joint": _pair(one["joint_limit"]),
        "decoupled": _pair(one["decoupled_limit"]),
        "table": table(pd.DataFrame(lines)),
    }


def _pair(values: pd.Series) -> str:
    return ", ".join(f"{x:.3f}" for x in values)


def correlation_pairs(data: pd.DataFrame) -> Facts:
    """Of L.correlation.G: groups of two, in fractions."""
    columns = data[["observed_exact", "chance_exact", "bound_exact"]].to_numpy()
    pairs = [
        f"squared correlation {square} for p = {p}, not {limit}" for square, p, limit in columns
    ]
    return {"pairs": "; ".join(pairs)}


def groups(data: pd.DataFrame) -> Facts:
    """Of L.groups: numbers of different groups of advantages, with unit weights."""
    headings = {
        "components": "K",
        "group_size": "G",
        "observed": "joint",
        "bound": "decoupled",
        "centred": "centred",
        "multisets": "all",
    }
    unit = data[~data["weights"].str.contains("2")].astype({name: int for name in headings})
    several = unit[unit["components"] > 1]
    equal = (several["bound"] == several["centred"]).groupby(several["group_size"]).all()
    sizes = ", ".join(str(size) for size in equal.index[equal])
    return {
        "outcome": outcome(data),
        "holds": len(having(data, "holds")),
        "table": table(unit, headings),
        "equal": f"; for G = {sizes} as many as decoupled" if sizes else "",
    }


def kl(data: pd.DataFrame) -> Facts:
    """Of P.kl: both columns of its table, and the numbers of the second."""
    cells = data[data["estimate"].notna()]
    one, several = (
        cells[cells["instance"] == column] for column in ("one decision", "several decisions")
    )
    verdicts = one.set_index("estimate")["verdict"]
    models = cells[cells["step"].notna()]
    off = {
        name: having(models[models["estimate"] == estimate], "refuted")
        for name, estimate in (("k2", "k2 as loss"), ("k3", "k3 as loss"))
    }
    lines = [
        {
            "estimate": row["estimate"],
            "one decision": verdicts[row["estimate"]],
            "several decisions": row["verdict"],
            "its gradient there": exactly(row, "observed"),
            "that it is taken for": exactly(row, "bound"),
            "of the": row["note"],
        }
        for _, row in several.iterrows()
    ]
    return {
        "outcome": outcome(data),
        "one": count(one, "holds"),
        "one_cells": len(one),
        "refuted": count(several, "refuted"),
        "cells": len(several),
        "instances": instances(off["k2"]),
        "nats": span(off["k2"]["nats"], 2),
        **{name: span(100 * part["observed"], 2) for name, part in off.items()},
        "table": table(pd.DataFrame(lines)),
    }
