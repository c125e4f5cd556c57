"""Every false version of every claim, and the check that catches it, the cheapest first."""

import time
from collections.abc import Sequence
from typing import Any

import pandas as pd

from grpo_checks.experiments.audit.sensitivity import Lowering, place, smallest_changes
from grpo_checks.experiments.protocol.certificates import certified_rows
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.runs.judging import rows_of, runs_of
from grpo_checks.experiments.runs.stored import rows_of_claim
from grpo_checks.experiments.runs.verify import run_all
from grpo_checks.experiments.storage.store import Store

CHECKS = {"certified": "certified case", "exact": "exact cell", "statistical": "sampled cell"}


def _worst(rows: Sequence[Row]) -> Row | None:
    """The refuted row that is furthest beyond its bound, certified ones before others."""
    refuted = [row for row in rows if row.verdict == "refuted"]
    return max(refuted, key=lambda r: (r.evidence == "certified", _excess(r)), default=None)


def _excess(row: Row) -> float:
    """lower/bound, or infinity where nothing is allowed."""
    if row.lower is None or row.bound is None:
        return 0.0
    return row.lower / row.bound if row.bound > 0 else float("inf")


def _beaten(row: Row) -> str:
    """How far beyond its bound a row is, in words."""
    if row.lower is None or row.bound is None:
        return ""
    ratio = row.lower / row.bound if row.bound > 0 else None
    if ratio is not None and ratio < 1:
        return f"an equation: {ratio:.4g} of the other side"
    if ratio is not None and ratio < 1e6:
        return f"{ratio:.4g} times the bound"
    return f"{row.lower - row.bound:.3g} above {row.bound:.3g}"


def check(claim: Claim, mutant: str, store: Store) -> dict[str, Any]:
    """Stored cases first; the cells of the quick profile only where none of them refutes it.

    Training runs are shared with the claim, through ``store``.
    """
    started = time.monotonic()
    worst = _worst(certified_rows(claim, mutant))
    if worst is None:
        scope = Scope("quick", mutant=mutant)
        worst = _worst(rows_of(claim, scope, run_all(runs_of(claim, scope), store)))
    line = {"claim": claim.name, "mutant": mutant, "change": claim.mutants[mutant]}
    seconds = round(time.monotonic() - started, 2)
    if worst is None:
        return {**line, "verdict": "not caught", "false on": "", "caught by": "", "beaten by": "",
                "seconds": seconds}  # fmt: skip
    return {
        **line,
        "verdict": worst.verdict,
        "false on": place(worst.flat()),
        "caught by": CHECKS[worst.evidence],
        "beaten by": _beaten(worst),
        "seconds": seconds,
    }


def all_mutants(claims: Sequence[Claim], store: Store) -> pd.DataFrame:
    """A line per mutant."""
    return pd.DataFrame([check(c, mutant, store) for c in claims for mutant in c.mutants])


def sensitivities(claims: Sequence[Claim], store: Store) -> pd.DataFrame:
    """A line per claim, or per bound of a claim with several: the smallest lowering of the bound
    that its rows would notice."""
    lines = []
    for claim in claims:
        rows, source = rows_of_claim(claim, store)
        smallest = [_smallest(*change) for change in smallest_changes(claim, rows)]
        smallest = smallest or [_line("", f"{claim.expected} as it is")]
        lines += [{"claim": claim.name, **line, "rows": source} for line in smallest]
    return pd.DataFrame(lines)


def _smallest(bound: str, lowering: Lowering | None) -> dict[str, str]:
    if lowering is None:
        return _line(bound, "no bound to lower")
    return _line(bound, str(lowering), place(lowering.row))


def _line(bound: str, seen: str, at: str = "") -> dict[str, str]:
    return {"bound": bound, "smallest change seen": seen, "at": at}
