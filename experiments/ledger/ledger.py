"""paper_checks.md, the ledger of claims: a template, filled from rows of the paper profile."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.ledger.parts import PARTS, by_claim, filled_part
from grpo_checks.experiments.ledger.template import parts
from grpo_checks.experiments.runs.stored import PAPER, ROOT
from grpo_checks.experiments.storage.input_file import read_json, read_text
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.text import wrapped

LEDGER = ROOT / "paper_checks.md"
TEMPLATE = Path(__file__).with_name("paper_checks.md.template")
NO_CASES = pd.DataFrame(columns=["claim", "case", "observed", "bound", "verdict", "note"])


def differences(verdicts: pd.DataFrame) -> list[str]:
    """Where these verdicts differ from those of the committed ledger, a sentence each."""
    committed = PAPER / "verdicts.csv"
    if not committed.exists():
        return ["there is no ledger yet: run make paper"]
    stored = read_table(committed).set_index("claim")["verdict"]
    computed = verdicts.set_index("claim")["verdict"]
    names = [*computed.index, *stored.index.difference(computed.index)]
    pairs = {name: (computed.get(name, "absent"), stored.get(name, "absent")) for name in names}
    return [
        f"{name}: {here}, but {there} in the ledger"
        for name, (here, there) in pairs.items()
        if here != there
    ]


def ledger_text(folder: Path) -> str:
    """The whole ledger, from rows.csv, verdicts.csv, provenance.json in ``folder``, and from what
    else is stored there: cases.csv, mutants.csv with mutants_smallest.csv, alarms.json, falsify/.

    Raises ValueError where template and facts differ.
    """
    return wrapped(sections(_inputs(folder)).rstrip()) + "\n"


def sections(inputs: Mapping[str, Any], prefix: str = "") -> str:
    """The parts of the template whose names begin so, filled from the rows of claims, by their
    names, and from tables; without those that lack an input."""
    template = parts(read_text(TEMPLATE))
    if homeless := PARTS.keys() - template.keys():
        raise ValueError(f"template: {', '.join(sorted(homeless))}: no part of that name")
    chosen = {name: text for name, text in template.items() if name.startswith(prefix)}
    return "".join(filled_part(name, text, inputs) for name, text in chosen.items())


def _inputs(folder: Path) -> dict[str, Any]:
    rows, cases = read_table(folder / "rows.csv"), folder / "cases.csv"
    tables = {
        "mutants": "mutants.csv",
        "smallest": "mutants_smallest.csv",
        "survey": "survey.csv",
        "stops": "what_stops.csv",
    }
    present = {name: folder / file for name, file in tables.items() if (folder / file).is_file()}
    alarms = folder / "alarms.json"
    return {
        **by_claim(rows),
        "rows": rows,
        "cases": read_table(cases) if cases.is_file() else NO_CASES,
        "verdicts": pd.read_csv(folder / "verdicts.csv", keep_default_na=False),
        "provenance": read_json(folder / "provenance.json"),
        "points": [read_json(path) for path in sorted(folder.glob("falsify/*/seed-*/point.json"))],
        **{name: pd.read_csv(path, keep_default_na=False) for name, path in present.items()},
        **({"alarms": read_json(alarms)} if alarms.is_file() else {}),
    }
