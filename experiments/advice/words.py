"""The answer of ``advise`` in sentences: what to use, what it gains, and what would change that."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.recommended import best_row
from grpo_checks.theory.rules.presets import preset

PLAIN, JOINT, DECOMPOSED = "leave_one_out", "group_normalized", "componentwise_normalized"
FILTERED = f"{JOINT}, filtered"
NAMES: Mapping[str, str] = MappingProxyType(
    {
        PLAIN: "leave_one_out (RLOO; Dr. GRPO's mean_baseline is a multiple of it)",
        JOINT: "group_normalized (GRPO)",
        FILTERED: "group_normalized with silent groups drawn again (DAPO)",
        DECOMPOSED: "componentwise_normalized (GDPO)",
    }
)
CLOSE = 0.01
"""Of the signal: less is no reason to leave the estimator that is stationary where J is."""
NOTHING = (
    "Nothing can be learned here: no estimator and no group size has an update that is sure to "
    "raise J, since the rewards of a prompt do not vary, or what varies cancels."
)
SCOPE = (
    "In this answer: advantages, group size, silent groups, the divisor of the loss (the preset). "
    "Not in it: Adam and clipping of the gradient's norm (--optimizers G samples them), the KL "
    "penalty, clipping of ratios after the first step on a batch, bf16."
)
RATES = {"at_quarter": "a quarter of the episodes", "at_fourfold": "four times the episodes"}


def compared(ratio: float, other: str) -> str:
    """How much of the other's signal per episode a ratio to it is."""
    change = 100 * (ratio - 1)
    if abs(change) < 0.05:
        return f"as much signal per episode as {other}"
    return f"{abs(change):.1f} % {'more' if change > 0 else 'less'} signal per episode than {other}"


def chosen_row(table: pd.DataFrame, column: str = "signal_per_episode") -> pd.Series | None:
    """The best row; that of ``leave_one_out`` where it is as good up to ``CLOSE``.

    None where no row has a signal.
    """
    rows = table[table["estimator"].isin(NAMES)].dropna(subset=[column])
    if rows.empty or not rows[column].max() > 0:
        return None
    best = rows.sort_values(column).iloc[-1]
    plain = rows[rows["estimator"] == PLAIN].sort_values(column)
    good = not plain.empty and plain.iloc[-1][column] >= (1 - CLOSE) * best[column]
    return plain.iloc[-1] if good else best


def sentences(
    table: pd.DataFrame, plan: Plan, trainer: str | None, components: int
) -> Iterator[str]:
    """The answer, the reasons for it, and what would change it."""
    chosen = chosen_row(table)
    if chosen is None:
        yield NOTHING
        return
    size, gain = int(chosen["group_size"]), _beside_trainer(table, chosen, trainer)
    yield f"Use {NAMES[chosen['estimator']]}, groups of {size}, at {plan}{gain}."
    second = best_row(table, *(x for x in NAMES if x != chosen["estimator"]))
    if second is not None and second["signal_per_episode"] > chosen["signal_per_episode"]:
        yield f"It is stationary where J is: up to {CLOSE:.0%} more is no reason to leave it."
    yield _size_line(table, chosen)
    yield _joint_line(table, components)
    yield _std_line(table)
    yield _filter_line(table)
    yield from _changes(table, chosen)
    yield SCOPE


def _beside_trainer(table: pd.DataFrame, chosen: pd.Series, trainer: str | None) -> str:
    if trainer is None:
        return ""
    best = best_row(table, trainer)
    if best is None:
        return f"; what {trainer} has could not be computed"
    if not best["signal"] > 0:
        return f"; {trainer} has no signal at all"
    ratio = chosen["signal_per_episode"] / best["signal_per_episode"]
    its = f"{trainer} ({preset(trainer).trainer}) at its best size, {int(best['group_size'])}"
    return f": {compared(ratio, its)}"


def _size_line(table: pd.DataFrame, chosen: pd.Series) -> str:
    part = table[table["estimator"] == chosen["estimator"]].dropna(subset=["signal"])
    part = part.sort_values("group_size")
    enough = part["signal_per_episode"] >= 0.95 * chosen["signal_per_episode"]
    near, size = part[enough]["group_size"], int(chosen["group_size"])
    line = f"Group size: {int(near.min())} to {int(near.max())} have at least 95 % of its signal"
    sizes = part["group_size"]
    if size == sizes.max() and len(sizes) > 1:
        return f"{line}; {size} is the edge of the grid: larger ones may be better."
    if size == sizes.min():
        return f"{line}; {size} is the edge of the grid, and no group is smaller than 2."
    worst = part.sort_values("signal_per_episode").iloc[0]
    lost = 1 - worst["signal_per_episode"] / chosen["signal_per_episode"]
    return f"{line}; the worst, {int(worst['group_size'])}, loses {lost:.0%}."


def _ratio(table: pd.DataFrame, name: str, other: str) -> float:
    """Of the signals per episode of two estimators, each at its best size; NaN if unknown."""
    rows = [best_row(table, x) for x in (name, other)]
    if any(row is None or not row["signal"] > 0 for row in rows):
        return float("nan")
    first, second = (row["signal_per_episode"] for row in rows if row is not None)
    return float(first / second)


def _joint_line(table: pd.DataFrame, components: int) -> str:
    if components == 1:
        return "Joint or decomposed: there is one component, so that both are the same."
    ratio = _ratio(table, DECOMPOSED, JOINT)
    if np.isnan(ratio):
        return "Joint or decomposed: not known, one of them has no signal or no exact value."
    answer = "either" if abs(ratio - 1) < 5e-4 else "decomposed" if ratio > 1 else "joint"
    return (
        f"Joint or decomposed: {answer}; normalising each component by itself has "
        f"{compared(ratio, 'normalising the sum')}, each at its best size."
    )


def _std_line(table: pd.DataFrame) -> str:
    ratio = _ratio(table, JOINT, PLAIN)
    if np.isnan(ratio):
        return "Divide by the standard deviation: not known, one side has no signal."
    answer = "yes" if ratio > 1 + CLOSE else "no"
    return (
        f"Divide by the standard deviation: {answer}; it has {compared(ratio, 'leaving it out')}, "
        "and need not be stationary where J is."
    )


def _filter_line(table: pd.DataFrame) -> str:
    best, ratio = best_row(table, JOINT), _ratio(table, FILTERED, JOINT)
    if best is None or np.isnan(ratio):
        return "Draw silent groups again: not known, no group speaks."
    answer = "yes" if ratio > 1 + CLOSE else "no"
    share = "an unknown share" if np.isnan(best["silent"]) else f"{best['silent']:.1%}"
    return (
        f"Draw silent groups again: {answer}; at G = {int(best['group_size'])} {share} of groups "
        f"are silent, and drawing them again has {compared(ratio, 'keeping them')}, those drawn "
        "in vain included."
    )


def _changes(table: pd.DataFrame, chosen: pd.Series) -> Iterator[str]:
    """Other budgets, and the runner-up."""
    for column, episodes in RATES.items():
        other = chosen_row(table, column) if column in table else None
        if other is None:
            continue
        labels = ["estimator", "group_size"]
        answer = f"{other['estimator']}, groups of {int(other['group_size'])}"
        same = other[labels].equals(chosen[labels])
        yield f"With {episodes}: {'the same' if same else answer}."
    rest = [x for x in NAMES if x != chosen["estimator"]]
    second = best_row(table, *rest)
    if second is not None and second["signal"] > 0:
        ratio = second["signal_per_episode"] / chosen["signal_per_episode"]
        yield (
            f"Runner-up: {second['estimator']}, groups of {int(second['group_size'])}: "
            f"{compared(ratio, 'the choice')}. The order may change as the policy does: "
            "--train STEPS asks it further on."
        )


def short_table(table: pd.DataFrame) -> pd.DataFrame:
    """The best row of each estimator, with its share of the best signal."""
    names = list(dict.fromkeys(table["estimator"]))
    rows = [row for row in (best_row(table, name) for name in names) if row is not None]
    if not rows:
        return pd.DataFrame()
    best = pd.DataFrame(rows)
    top = best["signal_per_episode"].max()
    share = best["signal_per_episode"] / top if top > 0 else 0 * best["signal_per_episode"]
    return pd.DataFrame(
        {
            "estimator": best["estimator"],
            "best G": best["group_size"].astype(int),
            "signal, % of best": 100 * share,
            "silent, %": 100 * best["silent"],
            "cosine with grad J": best["cosine"],
            "step": best["step"],
        }
    )
