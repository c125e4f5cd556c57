"""What the ledger says of T3.tightness."""

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import Table, count, table
from grpo_checks.experiments.storage.text import span

STEPS = ("used", "jensen", "change_of_measure", "markov", "bernoulli")
"""The parts of the budget of kl-xi, see ``theory.generalization.proof_slack``."""


def tightness(data: Table) -> Facts:
    """Of T3.tightness: offsets over the oracle's, and where the nats of kl-xi go."""
    cells = data[data["nats used"].notna() & (data["instance"] == "specialists")]
    plain = cells[(cells["policy_class"] == "sampled") & (cells["temperature"] == 1)]
    crowd = cells[(cells["policy_class"] == "deterministic")]
    names = [str(c) for c in cells]
    ratios = [c for c in names if c.startswith("tightness ") and " 1/" not in c]
    learned = plain[plain["tightness split 1/10"].notna()]
    return {
        "dearest": dearest(plain),
        "holds": count(data, "holds"),
        "table": _by_tasks(plain, ratios, "tightness "),
        "nats": _by_tasks(plain, [c for c in names if c.startswith("nats ")], "nats "),
        "split": span(learned["tightness split 1/10"]),
        "half": span(learned["tightness split 1/2"]),
        "plain": span(learned["tightness kl-xi"]),
        "policies": int(crowd["policies"].max()),
        "crowd_plain": span(crowd["tightness kl-xi"]),
        "crowd_split": span(crowd["tightness split 1/10"]),
        "recursive": span(learned["tightness recursive 1/10"]),
    }


def bets(data: Table) -> Facts | None:
    """Of T3.tightness: the betting mixture against kl-xi at n of 20 to 100, where it is stored."""
    name = "tightness betting mixture"
    if name not in data or data[name].isna().all():
        return None
    cells = data[data[name].notna() & data["n_tasks"].between(20, 100)]
    ratio = cells[name] / cells["tightness kl-xi"]
    return {"sharper": int((ratio < 1).sum()), "cells": len(cells), "ratio": span(ratio)}


def dearest(cells: Table) -> str:
    """The two steps of the proof that take most nats, at each n."""
    parts = cells.set_index("n_tasks")[[f"nats {step}" for step in STEPS]]
    pairs = {
        n: " and ".join(
            str(c).removeprefix("nats ").replace("_", " ") for c in nats.nlargest(2).index
        )
        for n, nats in parts.iterrows()
    }
    if len(set(pairs.values())) == 1:
        return next(iter(pairs.values()))
    return "; ".join(f"{pair} (n = {n:.0f})" for n, pair in pairs.items())


def _by_tasks(cells: Table, columns: list[str], prefix: str) -> str:
    headings = {c: c.removeprefix(prefix).replace("_", " ") for c in columns}
    return table(cells.round(2), {"n_tasks": "n", **headings})
