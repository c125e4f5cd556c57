"""A stored point of a falsifier, decided again; somebody else may have written it.

The file names a claim, never code: a claim of somebody's own is given by hand.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grpo_checks.experiments.claims.catalogue import find, listed
from grpo_checks.experiments.protocol.certificates import summary
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.theory.numbers.fields import entry
from grpo_checks.theory.numbers.rationals import abridged

MAX_BYTES = 2**16
"""Points are small; with more digits arithmetic gets slow."""


def replay(path: Path, claim_file: str | None = None) -> tuple[dict[str, Any], bool]:
    """What is found at a stored point, and whether that is what is stored.

    ``claim_file``: the .py file of a claim that is not in the catalogue. Raises ValueError.
    """
    stored = read_json(path, MAX_BYTES)
    try:
        claim = _claim(entry(stored, "claim"), claim_file)
        decision = decided(claim, entry(stored, "document"), entry(stored, "mutant"))
        return decision, decision == entry(stored, "found")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _claim(name: Any, claim_file: str | None) -> Claim:
    claim = listed(name) if claim_file is None else find(claim_file)
    if claim.name != name:
        raise ValueError(f"claim = {abridged(name)}: expected {claim.name!r}, as in {claim_file}")
    return claim


def decided(claim: Claim, document: Any, mutant: Any) -> dict[str, Any]:
    """The decision there, as it is stored. Raises ValueError for what is no point of the claim."""
    if claim.exact is None:
        raise ValueError(f"claim = {claim.name!r}: expected one that is decided at rational points")
    if mutant is not None and mutant not in tuple(claim.mutants):
        raise ValueError(f"mutant = {abridged(mutant)}: expected one of {tuple(claim.mutants)}")
    if not isinstance(document, Mapping):
        raise ValueError(f"document = {abridged(document)}: expected an object")
    try:
        return summary(claim.exact.decided(document, mutant))
    except ArithmeticError as error:
        raise ValueError(f"document: {type(error).__name__}: expected a point of it") from None
