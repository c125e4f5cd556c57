"""What differs between two folders of results: verdicts, rows and numbers; nothing is written."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.experiments.storage.table_file import read_table

TABLES = ("verdicts.csv", "rows.csv", "cases.csv")
"""What both folders need."""
MORE = ("mutants.csv", "mutants_smallest.csv", "power.csv", "survey.csv", "what_stops.csv")
"""What is compared where both have it."""
SETTINGS = (
    *("claim", "instance", "case", "mutant", "bound_name", "estimator", "components", "group_size"),
    *("n_steps", "prompts", "seeds", "seed", "eps", "ddof", "weights", "where", "kind", "field"),
    *("aggregation", "success", "success_ratio", "coupling", "policy_class", "posterior", "types"),
    *("n_tasks", "delta", "temperature", "looser_bound", "shift", "hard", "depth", "responses"),
    *("model", "benchmark", "metric", "training", "train_loss", "method", "component", "prompt"),
    *("beta", "iterate", "reference", "norm", "estimate", "start", "level", "change", "setting"),
    *("actions", "coupled", "copy_of"),
)
"""Columns that say which row it is, not what came out."""
ORIGIN = ("code_sha256", "settings_sha256", "python", "platform", "device", "precision")
"""What provenance.json says of a run, beside the versions of packages."""
TIMES = ("seconds",)
"""Columns that no two runs share."""
SHOWN = 5
"""Verdicts, and columns, of one claim that are told one by one."""


class Comparison(NamedTuple):
    """A sentence for each difference; whether all verdicts, and the rows that have them, agree."""

    lines: list[str]
    alike: bool


def compare(here: Path, there: Path) -> Comparison:
    """Results of a run against those that are kept, claim by claim, without any tolerance.

    Claims that only ``there`` has are told, and are no difference of verdicts.
    Raises ValueError, naming the file, where a table is missing or is none.
    """
    lines: list[str] = []
    alike = True
    present = [name for name in MORE if (here / name).is_file() and (there / name).is_file()]
    verdicts = read_table(here / "verdicts.csv")
    for name in (*TABLES, *present):
        tables = [read_table(folder / name) for folder in (here, there)]
        if "claim" in tables[0] and "claim" in tables[1]:
            kept = tables[1]["claim"].isin(set(verdicts["claim"]))
            missing = tables[1].loc[~kept, "claim"].nunique()
            tables[1] = tables[1][kept]
            if name == TABLES[0] and missing:
                lines.append(f"{name}: {missing} claims of {there} are not in {here}")
        for sentence, is_verdict in _differences(*tables):
            lines.append(f"{name}: {sentence}")
            alike &= not is_verdict
    return Comparison([*lines, *_origin(here, there)], alike)


def _origin(here: Path, there: Path) -> Iterator[str]:
    """What computed them, where both say it: code, versions, device."""
    paths = [folder / "provenance.json" for folder in (here, there)]
    if not all(path.is_file() for path in paths):
        return
    ours, kept = ({**facts, **facts.get("packages", {})} for facts in map(_facts, paths))
    for name in (*ORIGIN, *sorted({*ours.get("packages", {}), *kept.get("packages", {})})):
        if ours.get(name) != kept.get(name):
            yield f"provenance.json: {name}: {ours.get(name)}, but {kept.get(name)} in what is kept"


def _facts(path: Path) -> dict[str, Any]:
    facts = read_json(path)
    if not isinstance(facts, dict) or not isinstance(facts.get("packages", {}), dict):
        raise ValueError(f"{path}: {type(facts).__name__}: expected what verify says of itself")
    return facts


def _differences(here: pd.DataFrame, there: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    """Sentences, by claim where there are claims, and whether one is of verdicts."""
    columns = [name for name in SETTINGS if name in here and name in there]
    keyed = [_keyed(table, columns) for table in (here, there)]
    if "claim" not in columns:
        yield from _of_rows("", *keyed)
        return
    for claim in dict.fromkeys([*here["claim"], *there["claim"]]):
        yield from _of_rows(f"{claim}: ", *(x[x["claim"] == claim] for x in keyed))


def _keyed(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """With an index of what says which row it is; equal ones are numbered in their order."""
    texts = {name: _text(table[name]) for name in columns}
    keys = pd.Series(list(zip(*texts.values(), strict=True)), index=table.index, dtype=object)
    number = keys.groupby(keys).cumcount()
    index = [(*key, str(i)) for key, i in zip(keys, number, strict=True)]
    return table.set_axis(pd.Index(index, tupleize_cols=False), axis=0)


def _text(column: pd.Series) -> list[str]:
    """A whole number is the same with a point and without: a column with gaps has points."""
    if is_numeric_dtype(column) and not is_bool_dtype(column):
        return [f"{value:.17g}" for value in column.astype(float)]
    return ["nan" if pd.isna(value) else str(value) for value in column]


def _of_rows(prefix: str, here: pd.DataFrame, there: pd.DataFrame) -> Iterator[tuple[str, bool]]:
    judged = "verdict" in here and "verdict" in there
    for kind, one, other in (("new", here, there), ("missing", there, here)):
        if count := int((~one.index.isin(other.index)).sum()):
            yield f"{prefix}{count} rows are {kind}", judged
    common = here.index[here.index.isin(there.index)]
    here, there = here.loc[common], there.loc[common]
    skipped = {*SETTINGS, *TIMES}
    columns = [name for name in dict.fromkeys([*here, *there]) if name not in skipped]
    if judged:
        yield from ((prefix + line, True) for line in _verdicts(here, there))
        columns.remove("verdict")
    changed = [line for name in columns if (line := _column(name, here, there))]
    yield from ((prefix + line, False) for line in changed[:SHOWN])
    if len(changed) > SHOWN:
        yield f"{prefix}{len(changed) - SHOWN} more columns differ", False


def _verdicts(here: pd.DataFrame, there: pd.DataFrame) -> Iterator[str]:
    pairs = list(zip(here.index, here["verdict"], there["verdict"], strict=True))
    changed = [(key, a, b) for key, a, b in pairs if a != b]
    for key, new, old in changed[:SHOWN]:
        which = ", ".join(text for text in key[1:-1] if text not in ("", "nan"))
        yield f"{which + ': ' if which else ''}{new}, but {old} in what is kept"
    if len(changed) > SHOWN:
        yield f"{len(changed) - SHOWN} more verdicts differ"


def _column(name: str, here: pd.DataFrame, there: pd.DataFrame) -> str:
    """How many values differ, and by how much of the larger one; empty where none does."""
    sides = [t[name] if name in t else pd.Series(np.nan, t.index) for t in (here, there)]
    if all(is_numeric_dtype(x) and not is_bool_dtype(x) for x in sides):
        a, b = (x.to_numpy(float) for x in sides)
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        size = f", by up to {_relative(a[differ], b[differ]):.2g} of the larger"
    else:
        differ, size = np.array(_text(sides[0])) != np.array(_text(sides[1])), ""
    return f"{name} differs in {differ.sum()} of {len(differ)} rows{size}" if differ.any() else ""


def _relative(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The largest difference over the larger of both; infinite where a number has none beside."""
    with np.errstate(invalid="ignore"):
        share = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    return float(np.nan_to_num(share, nan=np.inf).max(initial=0.0))
