"""Facts of a trainer in use beside the answer to Theorem 1, from its stored path."""

import re

import pandas as pd

from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.storage.text import enclosed

EXACT, DEFAULTS = "expected updates", "defaults"
ARRIVED = 0.01
"""Below the optimum 3/4 of `dice`, at the end."""
OPTIMUM, ROUNDS = 0.75, 3


def trainer(rows: pd.DataFrame) -> Facts | None:
    """None where the defaults did not go round thrice, or another setting did not arrive."""
    data = rows[rows["claim"] == "conformance"]
    paths = {str(name): path for name, path in data.groupby("setting", sort=False)}
    if not paths.keys() > {EXACT, DEFAULTS}:
        return None
    exact, defaults = paths.pop(EXACT), paths.pop(DEFAULTS)
    last = pd.DataFrame([path.iloc[-1] for path in paths.values()])
    if defaults["rounds"].iloc[-1] < ROUNDS or (last["J"] < OPTIMUM - ARRIVED).any():
        return None
    (library,) = re.findall(r"\btrl ([\d.]+)", defaults["versions"].iloc[0])
    return {
        "version": library,
        "groups": int(defaults["groups"].iloc[0]),
        "size": int(defaults["group_size"].iloc[0]),
        "steps": int(defaults["step"].iloc[-1]),
        "rounds": f"{defaults['rounds'].iloc[-1]:.1f}",
        "exact_rounds": f"{exact['rounds'].iloc[-1]:.1f}",
        "values": enclosed(defaults["J"].min(), defaults["J"].max()),
        "exact_values": enclosed(exact["J"].min(), exact["J"].max()),
        "start": f"{defaults['conserved'].iloc[0]:.3f}",
        "end": f"{defaults['conserved'].iloc[-1]:.3f}",
        "exact_end": f"{exact['conserved'].iloc[-1]:.3f}",
        "others": ", ".join(f"`{name}` {path['J'].iloc[-1]:.3f}" for name, path in paths.items()),
        "other_ends": enclosed(last["conserved"].min(), last["conserved"].max()),
    }


def in_short(rows: pd.DataFrame) -> Facts | None:
    """Of the same: one sentence."""
    facts = trainer(rows)
    return facts and {name: facts[name] for name in ("version", "size", "rounds", "steps")}
