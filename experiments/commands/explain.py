"""explain: one claim, what it says, why, where it was checked and how close it was."""

import argparse
import os
import textwrap

import pandas as pd

from grpo_checks.experiments.audit.sensitivity import place, smallest_changes
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.commands.listing import contents, heading
from grpo_checks.experiments.origin.docstrings import docstring
from grpo_checks.experiments.protocol.certificates import certified_rows
from grpo_checks.experiments.protocol.claim import Claim, overall
from grpo_checks.experiments.runs.margins import margin
from grpo_checks.experiments.runs.stored import PAPER, rows_of_claim
from grpo_checks.experiments.runs.tables import STORED, counted, labels
from grpo_checks.experiments.storage.store import Store
from grpo_checks.experiments.storage.terminal import say


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    claim = find(arguments.claim)
    store = Store(arguments.runs)
    rows, source = rows_of_claim(claim, store)
    parts = [heading(claim), contents(claim), _proof(claim), _checked(claim, rows, source)]
    parts += [_certified(claim), _figures(claim), store.notices()]
    say(*(line for part in parts for text in part for line in text.split("\n")))
    return 0


def _proof(claim: Claim) -> list[str]:
    """The docstrings of the claim's module and of those in which it is proved."""
    names = [claim.origin.module, *claim.proof]
    texts = {name: docstring(name) for name in names}
    return [
        f"{'proof' if name in claim.proof else 'check'} ({name}):\n"
        + textwrap.indent(text.strip(), "    ")
        for name, text in texts.items()
    ]


def _checked(claim: Claim, rows: pd.DataFrame, source: str) -> list[str]:
    """Where, with which verdicts and margins, and the tightest of cells and cases."""
    cells = rows[rows["instance"] != STORED]
    lines = [f"checked ({source}): {overall(list(rows['verdict']))}"]
    for name, part in cells.groupby("instance", sort=False):
        counts = counted(labels(part))
        lines.append(f"    {name}: {counts}")
    lines.append(f"margin: {margin(rows) or 'no bound'}")
    for name, least in smallest_changes(claim, rows):
        if least is not None:
            numbers = ", ".join(f"{k} = {least.row[k]:.6g}" for k in ("observed", "lower", "bound"))
            lines.append(f"tightest{name and f' of {name}'}: {place(least.row)}: {numbers}")
            lines.append(f"    smallest lowering of the bound that would be seen: {least}")
    return lines


def _certified(claim: Claim) -> list[str]:
    """Stored cases of the claim and of each mutant, decided now without floating point."""
    lines = []
    for mutant in (None, *claim.mutants):
        changed = f" (mutant {mutant!r})" if mutant else ""
        for row in (r.flat() for r in certified_rows(claim, mutant)):
            sides = [f"{side} {row.get(f'{side}_exact', '?')}" for side in ("observed", "bound")]
            lines.append(f"    {row['case']}{changed}: {row['verdict']}, {', '.join(sides)}")
    return ["certified cases:", *lines] if lines else ["certified cases: none stored"]


def _figures(claim: Claim) -> list[str]:
    folder = os.path.relpath(PAPER / "figures")
    return [f"figure: {folder}/{name}.png" for name in claim.figures]
