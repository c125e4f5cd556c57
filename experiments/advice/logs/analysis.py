"""The numbers of a log: a row for each quantity and window of steps, and trends over the run."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.grouping import Grouped, Window
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.identification.earned import earned
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.logs.drift import trend
from grpo_checks.theory.logs.groups import Groups
from grpo_checks.theory.logs.in_advantage import listened, pooled_correlation
from grpo_checks.theory.logs.larger_groups import predicted_silence
from grpo_checks.theory.logs.limits import UNKNOWN, Estimate, mean_estimate
from grpo_checks.theory.logs.moments import correlation, group_means, rates
from grpo_checks.theory.logs.responses import kappa_estimate, mean_response
from grpo_checks.theory.logs.silent import share_error, silent_shares

LARGER = (2, 4, 8)
"""Times G: for which the silent share is predicted."""
JOINT = Estimator("group_normalized", 1, 1e-4)
DECOMPOSED = Estimator("componentwise_normalized", 1, 1e-4)
COMPOSITE = "composite"
Floats = NDArray[np.float64]


class Number(NamedTuple):
    """One quantity of one window."""

    quantity: str
    about: str
    """Component, pair of components or size that it is about."""
    estimate: Estimate
    kind: str
    """"unbiased", "ratio", "predicted" or "approximate"."""


class Names(NamedTuple):
    """Of components, and the range of each: [0, 1], or what was seen where that is wider."""

    components: tuple[str, ...]
    low: Floats
    high: Floats


def names_of(grouped: Grouped, components: Sequence[str]) -> Names:
    """With ranges over the whole log."""
    rewards = [window.groups.rewards for window in grouped.windows]
    low = np.min([np.nanmin(r, 0, initial=0.0) for r in rewards], 0)
    high = np.max([np.nanmax(r, 0, initial=1.0) for r in rewards], 0)
    return Names(tuple(components), low, high)


def numbers(window: Window, names: Names, group_size: int) -> Iterator[Number]:
    """Of one window."""
    groups = window.groups
    yield from _rates(groups, names)
    yield from _silence(groups, group_size)
    unit = (groups.rewards - names.low) / (names.high - names.low)
    for k, j in combinations(range(len(names.components)), 2):
        pair = f"{names.components[k]}, {names.components[j]}"
        x, y = unit[:, k], unit[:, j]
        yield Number("correlation", pair, pooled_correlation(groups, x, y), "approximate")
        yield Number("correlation, sure limits", pair, correlation(groups, x, y), "ratio")
    yield from _responses(groups, names, group_size)
    yield from _heard(window, names)
    if np.isfinite(window.length).any():
        value = pooled_correlation(groups, window.length, groups.composite)
        yield Number("length_correlation", COMPOSITE, value, "approximate")


def _rates(groups: Groups, names: Names) -> Iterator[Number]:
    for name, values, low, high in _columns(groups, names):
        answer = rates(groups, values, low, high)
        yield Number("mean", name, answer.mean, "unbiased")
        yield Number("spread", name, answer.spread, "unbiased")
        yield Number("noise", name, Estimate(answer.noise, np.nan, np.nan), "unbiased")


def _columns(groups: Groups, names: Names) -> Iterator[tuple[str, Floats, float, float]]:
    for k, name in enumerate(names.components):
        yield name, groups.rewards[:, k], float(names.low[k]), float(names.high[k])
    if len(names.components) > 1:
        ends = np.sort(groups.weights * np.stack([names.low, names.high]), 0).sum(1)
        yield COMPOSITE, groups.composite, float(ends[0]), float(ends[1])


def _silence(groups: Groups, group_size: int) -> Iterator[Number]:
    sizes = tuple(range(1, group_size + 1))
    shares = silent_shares(groups, sizes)
    error = share_error(groups)
    known = {g: mean_estimate(shares[:, g - 1], error=error) for g in sizes}
    for g in sizes[1:]:
        yield Number("silent", str(g), known[g], "unbiased")
    if np.isnan(known[group_size].value):
        return
    chosen = sorted({1, 2, 3, *(2**k for k in range(2, 11) if 2**k < group_size), group_size})
    some = {g: known[g] for g in chosen if g <= group_size}
    for times in LARGER:
        size = times * group_size
        yield Number("silent", str(size), predicted_silence(some, size), "predicted")


def is_binary(values: Floats) -> bool:
    """Zeros and ones, NaN apart."""
    return bool(np.isin(values[~np.isnan(values)], (0.0, 1.0)).all())


def _responses(groups: Groups, names: Names, group_size: int) -> Iterator[Number]:
    """c_G of binary components, and how unequal these are."""
    if not 2 <= group_size <= 1000:
        return
    known = []
    for k, name in enumerate(names.components):
        if is_binary(groups.rewards[:, k]):
            answer = mean_response(groups, groups.rewards[:, k], group_size)
            known.append(answer)
            yield Number("response", name, answer, "unbiased")
    if len(known) > 1:
        yield Number("kappa", COMPOSITE, kappa_estimate(known), "ratio")


def computed(groups: Groups, estimator: Estimator) -> Floats:
    """(N,) the advantages that an estimator would give."""
    data = earned(groups.rewards, groups.weights, groups.member)
    return np.real(advantages(data, estimator, estimator.eps).values)


def _heard(window: Window, names: Names) -> Iterator[Number]:
    """How much of each component is in the advantage that was logged, and in two computed ones."""
    groups = window.groups
    rules = {"joint": computed(groups, JOINT), "decomposed": computed(groups, DECOMPOSED)}
    if np.isfinite(window.advantage).any():
        rules = {"logged": window.advantage, **rules}
    for rule, values in rules.items():
        for name, answer in zip(names.components, listened(groups, values), strict=True):
            yield Number(f"heard_{rule}", name, answer.correlation, "approximate")
            yield Number(f"share_{rule}", name, answer.share, "approximate")
    still = groups.total((np.abs(rules["decomposed"]) > 0).astype(float)) == 0
    yield Number("silent_decomposed", COMPOSITE, mean_estimate(still.astype(float)), "unbiased")


def table(grouped: Grouped, names: Names) -> pd.DataFrame:
    """All windows."""
    rows = []
    for index, window in enumerate(grouped.windows):
        label = {
            "window": index,
            "first_step": int(window.step[0]),
            "last_step": int(window.step[-1]),
            "groups": int(window.step.size),
        }
        for number in numbers(window, names, grouped.group_size):
            row = {"quantity": number.quantity, "about": number.about, "kind": number.kind}
            rows.append({**label, **row, **number.estimate._asdict()})
    return pd.DataFrame(rows)


def trends(grouped: Grouped, names: Names) -> pd.DataFrame:
    """Change over the run of each mean, of silence and of length, with Holm's p-values."""
    columns: dict[str, list[Floats]] = {}
    for window in grouped.windows:
        groups = window.groups
        for name, values, *_ in _columns(groups, names):
            columns.setdefault(name, []).append(group_means(groups, values)[0])
        share = silent_shares(groups, (1, grouped.group_size))[:, 1]
        columns.setdefault("silent share", []).append(share)
        if np.isfinite(window.length).any():
            columns.setdefault("length", []).append(group_means(groups, window.length)[0])
    step = np.concatenate([window.step for window in grouped.windows])
    known = {k: np.concatenate(v) for k, v in columns.items() if sum(map(len, v)) == step.size}
    answers = {name: trend(values, step) for name, values in known.items()}
    p = np.array([a.p_value for a in answers.values()])
    order = np.argsort(p)
    holm = np.empty(p.size)
    holm[order] = np.minimum(1, np.maximum.accumulate(p[order] * (p.size - np.arange(p.size))))
    rows = zip(answers, (a.slope for a in answers.values()), holm, strict=True)
    return pd.DataFrame(rows, columns=["about", "change", "p_value"])


def estimate(rows: pd.DataFrame, quantity: str, about: str) -> Estimate:
    """Of a table of one window; unknown where it has no such row."""
    chosen = rows[(rows["quantity"] == quantity) & (rows["about"] == about)]
    return UNKNOWN if chosen.empty else Estimate(*chosen.iloc[0][["value", "low", "high"]])
