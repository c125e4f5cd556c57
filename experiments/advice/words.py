"""The answer of ``advise`` in sentences: what to use, what it gains, and what would change that."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.choice import (
    BELOW,
    CLOSE,
    DECOMPOSED,
    FILTERED,
    JOINT,
    NAMES,
    PLAIN,
    chosen_row,
    compared,
    estimator_rows,
    near_sizes,
)
from grpo_checks.experiments.advice.headline import (
    NOTHING,
    SEEN,
    SEVERAL,
    ending_lines,
    one_prompt_line,
    use_line,
)
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.recommended import best_row, share
from grpo_checks.experiments.storage.text import counts

SCOPE = (
    "In this answer: advantages, group size, silent groups, the divisor of the loss (the preset). "
    "Not in it: Adam and clipping of the gradient's norm (--optimizers G samples them), the KL "
    "penalty, clipping of ratios after the first step on a batch, bf16."
)
BUDGETS = {"at_quarter": "a quarter of the episodes", "at_fourfold": "four times the episodes"}


def sentences(
    table: pd.DataFrame, plan: Plan, trainer: str | None, components: int, prompts: int
) -> Iterator[str]:
    """The answer, the reasons for it, and what would change it, for a model of so many prompts."""
    chosen = chosen_row(table)
    if chosen is None:
        yield NOTHING
        return
    alone, sizes = prompts == 1 and plan.batch is None, str(int(chosen["group_size"]))
    if alone:
        yield one_prompt_line(table, chosen, "One prompt", SEVERAL)
        sizes = counts(near_sizes(table, chosen))
    yield use_line(table, chosen, plan, trainer, sizes)
    yield from ending_lines(table, chosen)
    if not alone:
        yield from _why_line(table, chosen, plan)
        yield _size_line(table, chosen)
    yield _joint_line(table, components)
    yield _std_line(table)
    yield _filter_line(table)
    yield from _changes(table, chosen, alone)
    yield SCOPE


def _why_line(table: pd.DataFrame, chosen: pd.Series, plan: Plan) -> Iterator[str]:
    """What a larger and a smaller group than the chosen one would trade."""
    part = estimator_rows(table, chosen).dropna(subset=["silent"])
    ends = [part.iloc[0], chosen, part.iloc[-1]] if len(part) > 1 else []
    rows = {int(row["group_size"]): row for row in ends}
    if len(rows) < 2:
        return
    silent = ", ".join(f"{row['silent']:.1%} at G = {size}" for size, row in rows.items())
    drawn_again = chosen["estimator"] == FILTERED
    if plan.batch is not None:
        share = "" if drawn_again else f", and the share of silent ones is {silent}"
        yield f"Why: a group costs G episodes{share}."
        return
    prompts = ", ".join(f"{_prompts(plan, size)} at G = {size}" for size in rows)
    yield (
        f"Why: small groups see more prompts an update ({prompts}), large ones know their prompt's "
        f"mean better{'' if drawn_again else f' and are silent less often ({silent})'}."
    )


def _prompts(plan: Plan, size: int) -> str:
    """Of an update; where it is no whole number, that of many updates on average."""
    groups = plan.groups(size)
    return f"{groups:,.0f}" if groups % 1 == 0 else f"{groups:,.2f} on average"


def _size_line(table: pd.DataFrame, chosen: pd.Series) -> str:
    part = estimator_rows(table, chosen)
    near, size = near_sizes(table, chosen), int(chosen["group_size"])
    have = "have" if near.size > 1 else "alone has"
    line = f"Group size: {counts(near)} {have} at least 95 % of its signal"
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
        return "Draw silent groups of GRPO again (DAPO): not known, no group speaks."
    answer = "yes" if ratio > 1 + CLOSE else "no"
    return (
        f"Draw silent groups of GRPO again (DAPO): {answer}; at G = {int(best['group_size'])} "
        f"{share(best['silent'])} of groups are silent, and drawing them again has "
        f"{compared(ratio, 'keeping them')}, those drawn in vain included."
    )


def _changes(table: pd.DataFrame, chosen: pd.Series, alone: bool) -> Iterator[str]:
    """Other budgets, and the runner-up; of a prompt ``alone`` no sizes."""
    for column, episodes in BUDGETS.items():
        other = chosen_row(table, column) if column in table else None
        if other is None:
            continue
        labels = ["estimator"] if alone else ["estimator", "group_size"]
        sizes = "" if alone else f", groups of {int(other['group_size'])}"
        answer = f"{other['estimator']}{sizes}"
        same = other[labels].equals(chosen[labels])
        yield f"With {episodes}: {'the same' if same else answer}."
    rest = [x for x in NAMES if x != chosen["estimator"]]
    second = best_row(table, *rest)
    if second is not None and second["signal"] > 0:
        ratio = second["signal_per_episode"] / chosen["signal_per_episode"]
        why = f", {BELOW}" if ratio > 1 + SEEN else ""
        yield (
            f"Runner-up: {second['estimator']}, groups of {int(second['group_size'])}: "
            f"{compared(ratio, 'the choice')}{why}. The order may change as the policy does: "
            "--train STEPS asks it further on."
        )
