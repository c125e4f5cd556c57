"""What a claim's file of somebody's own may get wrong: told in one line, with the line of the file.

The file runs as any import would: whoever names it trusts it. What fails is an error of input.
"""

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

from grpo_checks.experiments.protocol.assumptions import Assumption
from grpo_checks.experiments.protocol.claim import Claim, Part, Provenance
from grpo_checks.experiments.protocol.points import Case, Exact
from grpo_checks.experiments.protocol.soundness import Checks, check, is_text
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.theory.numbers.rationals import abridged

PREFIX = "claim_file_"
"""Of the names of modules that are such files."""
MAX_NAME = 64


def place(error: BaseException) -> str | None:
    """FILE:LINE of the last step inside a claim's file; None for an error of anything else."""
    steps = [
        f"{frame.f_code.co_filename}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith(PREFIX)
    ]
    if isinstance(error, SyntaxError) and not steps:
        return f"{error.filename}:{error.lineno}"
    return steps[-1] if steps else None


def described(error: BaseException) -> str:
    """Its kind and what it says."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {message}"


@contextmanager
def importing(path: Path) -> Iterator[None]:
    """Whatever goes wrong in the block is a ValueError that names the file and its line."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise ValueError(f"{place(error) or path}: {described(error)}") from None


def _prints(value: Any) -> bool:
    return is_text(value) and value.isprintable() and value != ""


def _are(kind: Any, values: Any) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(x, kind) for x in values)


def _name(value: Any) -> bool:
    return _prints(value) and len(value) <= MAX_NAME


def _changes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_prints(k) and is_text(x) for k, x in value.items())


def _parts(value: Any) -> bool:
    sound = isinstance(value, Mapping) and all(map(_prints, value))
    return sound and all(isinstance(x, Part) or callable(x) for x in value.values())


FIELDS: Checks = {
    "name": (_name, f"up to {MAX_NAME} characters that print"),
    "statement": (is_text, "a text"),
    "provenance": (lambda x: x in get_args(Provenance), f"one of {get_args(Provenance)}"),
    "expected": (lambda x: x in get_args(Verdict), f"one of {get_args(Verdict)}"),
    "assumptions": (lambda x: _are(Assumption, x), "a list of Assumption"),
    "mutants": (_changes, "names of mutants with what they change"),
    "runs": (callable, "a function"),
    "rows": (callable, "a function"),
    "exact": (lambda x: x is None or isinstance(x, Exact), "an Exact, or None"),
    "cases": (lambda x: _are(Case, x), "a list of Case"),
    "proof": (lambda x: _are(str, x), "a list of modules"),
    "figures": (lambda x: _are(str, x), "a list of names"),
    "facts": (_parts, "names of parts with functions of rows, or a Part"),
}


def checked(claim: Any, path: Path) -> Claim:
    """The CLAIM of a file. Raises ValueError, naming the field, for what is none."""
    if not isinstance(claim, Claim):
        raise ValueError(f"{path}: CLAIM = {abridged(claim)}: expected a Claim")
    check(f"{path}: CLAIM", claim, FIELDS)
    return claim
