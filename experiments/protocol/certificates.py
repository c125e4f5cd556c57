"""Stored rational points of claims, decided again at every verification without floating point."""

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from grpo_checks.experiments.protocol.claim import Claim, Row
from grpo_checks.experiments.protocol.points import Case
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.experiments.storage.files import canonical, digest, write_atomic
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.theory.arithmetic.enclose import undisturbed
from grpo_checks.theory.numbers.balls import ends, shown

FOLDER = Path(__file__).parents[1] / "data" / "certified"
FORMAT = "certified/1"
DIGITS = 12
STORED = "stored case"
"""The ``instance`` of rows that come from stored points instead of cells of a profile."""


class Edited(Exception):
    """A file of stored cases is not as it was written."""


def _outward(low: Fraction, high: Fraction) -> list[str]:
    """Both ends as text: exact where they agree, else rounded away from each other."""
    if low == high:
        return [str(low), str(high)]
    scale = 10**DIGITS
    return [str(Fraction(low * scale // 1, scale)), str(Fraction(-(-high * scale // 1), scale))]


def summary(decision: Decision) -> dict[str, Any]:
    """Verdict and rational enclosures of both sides, as they are stored."""
    return {
        "verdict": decision.verdict,
        "observed": _outward(*ends(decision.observed)),
        "bound": _outward(*ends(decision.bound)),
    }


def path_of(claim: str, folder: Path = FOLDER) -> Path:
    """Where the cases of a claim are stored."""
    return folder / f"{re.sub(r'[^A-Za-z0-9.]', '_', claim)}.json"


def store_cases(claim: Claim, cases: Sequence[Case], folder: Path = FOLDER) -> Path:
    """Decide the cases and store them with what was found. Raises ValueError for an unsound one."""
    exact = _exact_of(claim)
    decided = [
        Case(c.name, c.document, c.mutant, summary(exact.decided(c.document, c.mutant)))
        for c in cases
    ]
    body = {"format": FORMAT, "claim": claim.name, "cases": [c.as_json() for c in decided]}
    content = json.dumps({**body, "sha256": digest(body)}, indent=1)
    path = path_of(claim.name, folder)
    write_atomic(path, content + "\n")
    return path


def load_cases(path: Path) -> tuple[Case, ...]:
    """The stored cases. Raises ValueError, naming the file, where a digit has changed."""
    try:
        content = read_json(path)
        body = {key: content[key] for key in ("format", "claim", "cases")}
        if body["format"] != FORMAT or content["sha256"] != digest(body):
            raise ValueError("edited or of another format")
        return tuple(Case(**case) for case in body["cases"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: unsound: {error}") from None


def _exact_of(claim: Claim) -> Any:
    if claim.exact is None:
        raise ValueError(f"claim = {claim.name!r}: expected one that is decided at rational points")
    return claim.exact


def certified_rows(claim: Claim, mutant: str | None, folder: Path = FOLDER) -> list[Row]:
    """A row for each case of the claim, or of one mutant: its own, and those of its stored file.

    A file that was edited, or that states what is not found again, decides nothing. Raises
    ValueError where a claim of the suite has no case, and for a case of one's own that cannot be
    decided.
    """
    given = [case_row(claim, case) for case in claim.cases if case.mutant == mutant]
    try:
        cases = stored_cases(claim, folder)
    except Edited as error:
        return [_unsound(claim, path_of(claim.name, folder).stem, str(error))]
    return given + [case_row(claim, case) for case in cases if case.mutant == mutant]


def stored_cases(claim: Claim, folder: Path = FOLDER) -> tuple[Case, ...]:
    """Those of its file. Raises Edited; ValueError where a claim of the suite has no case."""
    path = path_of(claim.name, folder)
    ours = claim.origin.module.startswith("grpo_checks.experiments.claims.") and not claim.cases
    if claim.exact is None or not (ours or path.is_file()):
        return ()
    if not path.is_file():
        raise ValueError(f"{path}: no such file: expected the stored cases of {claim.name}")
    try:
        cases = load_cases(path)
    except ValueError as error:
        raise Edited(str(error)) from None
    if ours and all(case.mutant is not None for case in cases):
        raise ValueError(f"{path}: no case of the claim: expected at least one")
    return cases


def case_row(claim: Claim, case: Case) -> Row:
    """The row of one case, decided now. Raises ValueError for one that was never decided before,
    and cannot be."""
    try:
        with undisturbed():
            decision: Decision = _exact_of(claim).decided(case.document, case.mutant)
    except ValueError as error:
        if case.found is None:
            raise ValueError(f"{claim.name}, case {case.name!r}: {error}") from None
        return _unsound(claim, case.name, str(error))
    if case.found is not None and canonical(summary(decision)) != canonical(case.found):
        return _unsound(claim, case.name, "other numbers are stored than found")
    parameters = {"case": case.name}
    if isinstance(case.document.get("bound"), str):
        parameters["bound_name"] = case.document["bound"]
    exactly = {
        "observed_exact": shown(decision.observed, DIGITS),
        "bound_exact": shown(decision.bound, DIGITS),
    }
    return Row(
        claim.name, STORED, parameters, *decision.numbers, decision.verdict, decision.note, exactly,
        evidence="certified",
    )  # fmt: skip


def _unsound(claim: Claim, name: str, why: str) -> Row:
    nothing = (None, None, None, None)
    parameters = {"case": name}
    why = f"unsound: {why}"
    labels = (claim.name, STORED, parameters, *nothing)
    return Row(*labels, "inconclusive", why, evidence="certified")
