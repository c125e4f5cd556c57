"""A log from its files to sentences and a table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grpo_checks.experiments.advice.advise import ESTIMATORS, advise
from grpo_checks.experiments.advice.choice import JOINT, PLAIN, chosen_row, compared, near_sizes
from grpo_checks.experiments.advice.headline import use_lines_of_log
from grpo_checks.experiments.advice.logs.analysis import Names, estimate, names_of, table, trends
from grpo_checks.experiments.advice.logs.grouping import Grouped, Window, group_rows
from grpo_checks.experiments.advice.logs.model import mean_correlation, rates_of
from grpo_checks.experiments.advice.logs.reading import Log
from grpo_checks.experiments.advice.logs.rules import RuleAnswer, rule_of
from grpo_checks.experiments.advice.logs.sentences import Seen, changes, sentences
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.rates.reading import spec_of
from grpo_checks.experiments.storage.text import counted, counts
from grpo_checks.theory.logs.groups import levels
from grpo_checks.theory.logs.in_advantage import ENOUGH

NO_MODEL = (
    "Rewards are not all 0 or 1: no model of pass rates can be made of them, and no exact signal "
    "of group sizes; read the silent shares below."
)
SIZES, MOST = (2, 3, 4, 6, 8, 12, 16, 32), 64
"""Group sizes whose exact signal is computed, that of the log besides up to ``MOST``."""
MAX_BUDGET = 4096
"""Episodes of an update that advice is computed for."""


class Report(NamedTuple):
    """What is printed and stored."""

    answer: tuple[str, ...]
    """Which estimator and group size, by the model of the latest rates."""
    change: tuple[str, ...]
    """What else to change."""
    seen: tuple[str, ...]
    rule: tuple[str, ...]
    notes: tuple[str, ...]
    table: pd.DataFrame
    trends: pd.DataFrame
    signals: pd.DataFrame
    """The table of the exact advice; empty without a model."""


def report(
    log: Log, weights: NDArray[np.float64] | None, windows: int | None, group_size: int | None
) -> Report:
    """Of a log that was read. Raises ValueError for windows or groups that it does not have."""
    components = log.columns.rewards
    unit = np.ones(len(components))
    first = group_rows(log.rows, unit if weights is None else weights, windows, group_size)
    rule = rule_of(first.windows[-1], components, weights)
    grouped = _weighted(first, rule)
    names = names_of(grouped, components)
    rows = table(grouped, names)
    latest = rows[rows["window"] == rows["window"].max()]
    seen = Seen(latest, trends(grouped, names), names, rule.weights, grouped.group_size)
    answer, signals = _advice(grouped, names, rule, latest)
    return Report(
        tuple(answer), tuple(changes(seen)), tuple(sentences(seen)), rule.lines,
        (*log.notes, *grouped.notes), rows, seen.trends, signals,
    )  # fmt: skip


def _weighted(grouped: Grouped, rule: RuleAnswer) -> Grouped:
    """With the weights that the rule found."""
    windows = [w._replace(groups=replace(w.groups, weights=rule.weights)) for w in grouped.windows]
    return grouped._replace(windows=windows)


def _advice(
    grouped: Grouped, names: Names, rule: RuleAnswer, latest: pd.DataFrame
) -> tuple[list[str], pd.DataFrame]:
    window = grouped.windows[-1]
    if few := _too_few(grouped, rule):
        return [few], pd.DataFrame()
    pairs = latest[latest["quantity"] == "correlation"]["value"]
    known = rates_of(window, rule.weights, mean_correlation(pairs.tolist()))
    if known is None or not (rule.weights > 0).all():
        return [NO_MODEL], pd.DataFrame()
    plan = Plan(budget=_budget(window, grouped.group_size))
    sizes = sorted({*SIZES, min(grouped.group_size, MOST)})
    separate = advise(spec_of("log", known, False), plan, 0, None, sizes)
    joined = advise(spec_of("log", known, True), plan, 0, None, sizes, ESTIMATORS[:1])
    both = ((separate.table, "share no parameters"), (joined.table, "share all parameters"))
    lines = [
        *use_lines_of_log(separate.table, joined.table, plan, len(known.share)),
        *_against(separate.table, grouped.group_size),
        *(
            line.replace("Why: ", "Why, in the model fitted to the log: ", 1)
            for line in separate.answer
            if line.startswith("Why: ")
        ),
        *(line for signals, words in both for line in _for_sharing(signals, words)),
        "By the exact signal of a model with the latest pass rates and correlation: "
        f"{counted(len(known.share), 'kind')} of prompts, one decision each; real models share "
        "some parameters.",
    ]
    tables = [signals.assign(sharing=words) for signals, words in both]
    return lines, pd.concat(tables, ignore_index=True)


def _too_few(grouped: Grouped, rule: RuleAnswer) -> str:
    """Why nothing is advised, or nothing: below ``ENOUGH`` groups that vary no ratio has limits,
    and those of a share of one half are still 0 and 1."""
    groups = grouped.windows[-1].groups
    varied = np.bincount(levels(replace(groups, weights=rule.weights)).group) > 1
    if varied.sum() >= ENOUGH:
        return ""
    parts = len(grouped.windows)
    hint = "; --windows 1 takes the whole run" if parts > 1 else ""
    return (
        f"{counted(varied.size, 'group')}{' in the latest window' if parts > 1 else ''}, "
        f"{varied.sum()} with rewards that differ: too few to advise on estimator or group size; "
        f"limits say something from {ENOUGH} that differ on{hint}."
    )


def _budget(window: Window, size: int) -> int:
    """Rows of a step, whole groups."""
    counts = np.bincount(window.step - window.step.min(), window.groups.sizes)
    rows = int(np.median(counts[counts > 0]))
    return max(size, min(rows, MAX_BUDGET) // size * size)


def _against(signals: pd.DataFrame, size: int) -> list[str]:
    """Beside std-normalised groups of the size that was logged."""
    chosen = chosen_row(signals)
    now = signals[(signals["estimator"] == JOINT) & (signals["group_size"] == size)]
    if chosen is None or now.empty or not now.iloc[0]["signal_per_episode"] > 0:
        return []
    ratio = chosen["signal_per_episode"] / now.iloc[0]["signal_per_episode"]
    return [f"That is {compared(ratio, f'GRPO in groups of {size}, as logged')}."]


def _for_sharing(signals: pd.DataFrame, words: str) -> list[str]:
    part = signals[signals["estimator"] == PLAIN].dropna(subset=["signal"])
    chosen = chosen_row(signals)
    if chosen is None or part.empty:
        return [f"If prompts {words}: no update is sure to raise the reward."]
    near = near_sizes(signals, chosen)
    others = f", {counts(near)} have at least 95 % of its signal" if near.size > 1 else ""
    return [
        f"If prompts {words}: {chosen['estimator']}, G = {int(chosen['group_size'])} is best"
        f"{others}."
    ]


def short_table(rows: pd.DataFrame, components: Sequence[str]) -> pd.DataFrame:
    """The latest window: a line for each component."""
    latest = rows[rows["window"] == rows["window"].max()]
    rule = "logged" if (latest["quantity"] == "heard_logged").any() else "joint"
    columns = {
        "mean": "mean",
        "pull c_G": "response",
        "corr(r, A)": f"heard_{rule}",
        "share": f"share_{rule}",
        "share, decomposed": "share_decomposed",
    }
    lines = [
        {"component": name, **{k: estimate(latest, q, name).value for k, q in columns.items()}}
        for name in components
    ]
    return pd.DataFrame(lines)


def stored_tables(of_log: Report) -> dict[str, pd.DataFrame]:
    """By the names of their files."""
    rows = of_log.table.assign(claim="log", instance="log")
    tables = {"rows.csv": rows, "trends.csv": of_log.trends}
    return tables if of_log.signals.empty else {**tables, "signals.csv": of_log.signals}
