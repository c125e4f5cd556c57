"""From claims and runs to rows that count: assumptions first, then the cells, then Holm."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import nothing_to_learn
from grpo_checks.experiments.protocol.cell_rows import unmet
from grpo_checks.experiments.protocol.certificates import Edited, certified_rows, stored_cases
from grpo_checks.experiments.protocol.claim import STATISTICAL, Claim, Row, Scope, settled_by
from grpo_checks.experiments.protocol.soundness import checked_list
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.theory.convergence.error_levels import holm

FLOATING = "in floating point, not certified"
EQUAL = "equal up to rounding"


def unmet_rows(claim: Claim, scope: Scope) -> list[Row]:
    """One row where the model asked about breaks an assumption, or has nothing to learn."""
    if scope.instance is None:
        return []
    labels: tuple[str, str, dict[str, object]] = (claim.name, scope.instance.name, {})
    for assumption in claim.assumptions:
        why = assumption.broken_by(scope.instance)
        if why is not None:
            return [unmet(*labels, f"{assumption.text}: {why}")]
    why = nothing_to_learn(scope.instance)
    return [] if why is None else [Row(*labels, None, None, None, None, "vacuous", why)]


def runs_of(claim: Claim, scope: Scope) -> list[RunSettings]:
    """The training runs that a claim needs; none where an assumption is unmet."""
    if unmet_rows(claim, scope):
        return []
    return checked_list(claim.runs, claim.runs(scope), RunSettings)


def settled(rows: Sequence[Row], error: float) -> list[Row]:
    """Sampled cells that simultaneous limits leave open, decided by Holm's step-down where it can.

    The limits shown are Bonferroni's over the cells of a claim; Holm's test has the same level,
    the ``error`` of the claim, in either direction and never decides less.
    """
    decided = list(rows)
    sampled = [(i, row.levels) for i, row in enumerate(rows) if row.levels is not None]
    holds = holm([levels.holds for _, levels in sampled], error)
    refuted = holm([levels.refuted for _, levels in sampled], error)
    for (i, levels), above, below in zip(sampled, holds, refuted, strict=True):
        if rows[i].verdict != "inconclusive":
            continue
        if above == below:
            decided[i] = _with_price(rows[i])
        elif below:
            decided[i] = replace(rows[i], verdict="refuted", note=f"Holm; {STATISTICAL}")
        else:
            verdict: Verdict = "vacuous" if levels.weak else "holds"
            decided[i] = replace(rows[i], verdict=verdict, note="by Holm's step-down test")
    return decided


def _with_price(row: Row) -> Row:
    """An open row that says how many seeds would settle it: widths fall as one over their root."""
    edges = [e for e in (row.bound, row.extra.get("window_low")) if e is not None]
    numbers = (row.observed, row.lower, row.upper)
    seeds = row.parameters.get("seeds")
    if "would settle" in row.note or not edges or None in numbers or seeds is None:
        return row
    value, low, high = (float(x) for x in numbers if x is not None)
    slack = min(abs(value - edge) for edge in edges)
    needed = seeds * ((high - low) / 2 / slack) ** 2 if slack > 0 else float("inf")
    note = f"{row.note}; " if row.note else ""
    return replace(row, note=note + settled_by(needed))


def sober(row: Row) -> Row:
    """The row as it counts, which says what floating point alone has decided.

    A violation beyond the rounding error is *refuted*, and no counterexample.
    """
    if row.evidence != "exact":
        return row
    if row.verdict == "refuted":
        return _noted(row, FLOATING)
    numbers = (row.observed, row.bound, row.rounding)
    if row.verdict != "holds" or None in numbers:
        return row
    observed, bound, rounding = (float(x) for x in numbers if x is not None)
    return _noted(row, EQUAL) if abs(bound - observed) <= rounding else row


def _noted(row: Row, note: str) -> Row:
    if note in row.note:
        return row
    return replace(row, note=f"{row.note}; {note}" if row.note else note)


def cell_rows(claim: Claim, scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The rows of a claim's cells, as they count."""
    silent = unmet_rows(claim, scope)
    rows = [] if silent else checked_list(claim.rows, claim.rows(scope, results), Row)
    return silent or as_they_count(rows, scope.error)


def as_they_count(rows: Sequence[Row], error: float) -> list[Row]:
    """After Holm's test, and with what floating point alone decided; once more changes nothing."""
    return [sober(row) for row in settled(rows, error)]


def stored_rows(claim: Claim, scope: Scope) -> list[Row]:
    """Those of its stored points, decided now; they are of no model that a user could bring."""
    return [] if scope.instance else certified_rows(claim, scope.mutant)


def check_stored(claim: Claim, scope: Scope) -> None:
    """Raises ValueError where stored points of the claim are missing, before any is decided."""
    if scope.instance is None:
        with suppress(Edited):
            stored_cases(claim)


def telling(claim: Claim, scope: Scope, rows: list[Row]) -> list[Row]:
    """The rows themselves. Raises ValueError where there are none: silence is no verdict."""
    if not rows:
        named = f"claim = {claim.name!r}" + (f", mutant = {scope.mutant!r}" if scope.mutant else "")
        raise ValueError(f"{named}: no rows: expected a cell or a stored case")
    return rows


def rows_of(claim: Claim, scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """All, judged now. Raises ValueError where there are none."""
    return telling(claim, scope, [*cell_rows(claim, scope, results), *stored_rows(claim, scope)])
