"""Which column of a log means what: TRL's and verl's names, or those a user maps."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd

ALIASES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "step": ("step", "global_step", "iteration", "batch"),
        "prompt": ("prompt", "input", "question"),
        "completion": ("completion", "output", "response"),
        "advantage": ("advantage", "advantages"),
        "group": ("group", "group_id", "uid"),
        "length": ("length", "completion_length", "response_length", "num_tokens"),
    }
)
"""Names that are known without a map, the first that there is."""
OTHERS = ("gts", "request_id", "index", "data_source", "Unnamed: 0", "__index_level_0__")
"""Columns that trainers write and that are no reward."""
TOTAL = "score"
"""verl's composite reward; the other columns of its rollouts may be parts of it."""


class Columns(NamedTuple):
    """Names in the files."""

    roles: Mapping[str, str]
    """By role: step, prompt, completion, advantage, group, length, those that there are."""
    rewards: tuple[str, ...]
    ignored: tuple[str, ...]
    """Neither a role nor a reward."""

    @property
    def needed(self) -> list[str]:
        """What is read."""
        return list(dict.fromkeys((*self.roles.values(), *self.rewards)))


def parse_map(text: str | None) -> dict[str, str]:
    """Of "step=iteration,prompt=question". Raises ValueError for another role or form."""
    pairs = [part.partition("=") for part in text.split(",")] if text else []
    for role, equals, name in pairs:
        if role not in ALIASES or not equals or not name:
            raise ValueError(
                f"columns = {text!r}: expected ROLE=NAME,..., roles being {', '.join(ALIASES)}"
            )
    return {role: name for role, _, name in pairs}


def resolve(
    sample: pd.DataFrame, given: Mapping[str, str], rewards: Sequence[str] | None
) -> Columns:
    """From the first rows of a file. Raises ValueError where a column is missing, with all names.

    Without ``rewards`` all numeric columns that have no role are rewards, of verl's rollouts its
    score alone.
    """
    names = [str(c) for c in sample.columns]
    listed = ", ".join(names) or "none"
    for role, name in given.items():
        if name not in names:
            raise ValueError(f"columns: {role} = {name!r}: expected one of {listed}")
    roles = {
        role: given.get(role) or next(x for x in aliases if x in names)
        for role, aliases in ALIASES.items()
        if role in given or any(x in names for x in aliases)
    }
    if "prompt" not in roles and "group" not in roles:
        raise ValueError(
            f"no column says which rows are one group: expected prompt or group, or "
            f"--columns prompt=NAME; there are {listed}"
        )
    numeric = [c for c in names if c not in (*roles.values(), *OTHERS) and _is_numeric(sample[c])]
    chosen = tuple(rewards) if rewards else (TOTAL,) if TOTAL in numeric else tuple(numeric)
    for name in chosen:
        if name not in names:
            raise ValueError(f"rewards: {name!r}: expected one of {listed}")
    if not chosen:
        raise ValueError(_no_reward(sample, [*roles.values(), *OTHERS], listed))
    used = {*roles.values(), *chosen}
    return Columns(roles, chosen, tuple(c for c in names if c not in used))


def text_among_numbers(sample: pd.DataFrame, names: Sequence[str]) -> Iterator[str]:
    """Of columns that have numbers and something else, the first row that has no number."""
    for name in names:
        known = sample[name].dropna()
        number = pd.to_numeric(known, errors="coerce").notna()
        if number.any() and not number.all():
            row, text = next(zip(known.index[~number], known[~number], strict=True))
            yield f"{name} = {str(text)[:40]!r} in row {row + 1}: expected a number"


def _no_reward(sample: pd.DataFrame, others: Sequence[str], listed: str) -> str:
    """Where a column has numbers and something else, its first row that has no number."""
    opening = "no numeric column is a reward"
    candidates = [c for c in map(str, sample.columns) if c not in others]
    missing = f"expected --rewards NAME,... of {listed}"
    return f"{opening}: {next(text_among_numbers(sample, candidates), missing)}"


def _is_numeric(values: pd.Series) -> bool:
    """Numbers, truth values, or numbers with gaps."""
    known = values.dropna()
    return bool(len(known)) and bool(pd.to_numeric(known, errors="coerce").notna().all())
