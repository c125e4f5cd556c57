"""Statements of claims, typeset."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

STATEMENTS = Path(__file__).parent / "data" / "statements.toml"


class Typeset(NamedTuple):
    """One statement twice."""

    says: str
    """As the claim says it."""
    tex: str


@lru_cache(maxsize=1)
def statements() -> dict[str, Typeset]:
    """By claim."""
    known = tomllib.loads(STATEMENTS.read_text(encoding="utf-8"))
    return {name: Typeset(**texts) for name, texts in known.items()}


def typeset(claim: str, statement: str) -> str | None:
    """The formula of a statement; None for another one than was typeset, which says less."""
    known = statements().get(claim)
    return known.tex if known is not None and known.says == statement else None
