"""paper_checks.md, the ledger of claims, and its details: templates, filled from stored rows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from grpo_checks.experiments.audit.falsify_report import stored_points
from grpo_checks.experiments.ledger.parts import PARTS, by_claim, filled_part
from grpo_checks.experiments.ledger.template import parts
from grpo_checks.experiments.runs.stored import PAPER, ROOT
from grpo_checks.experiments.storage.input_file import read_json, read_text
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.text import wrapped

LEDGER = ROOT / "paper_checks.md"
DETAILS = PAPER / "details"
TEMPLATES = Path(__file__).with_name("templates")
SUMMARY = "paper_checks"
"""The page on top; all others are details."""
PAGES = (SUMMARY, "theorem1", "theorem2", "theorem3", "other_papers", "verifier")
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


def ledger_pages(folder: Path) -> dict[str, str]:
    """All pages by their names, from rows.csv, verdicts.csv, provenance.json in ``folder``, and
    from what else is stored there: cases.csv, mutants.csv with mutants_smallest.csv, alarms.json,
    falsify/. paper_checks is the summary.

    Raises ValueError where template and facts differ.
    """
    inputs = stored_inputs(folder)
    pages = {name: "".join(_filled(_template(name), inputs).values()) for name in PAGES}
    return {name: wrapped(text.strip()) + "\n" for name, text in pages.items()}


def page_paths() -> dict[str, Path]:
    """Where each page is kept."""
    details = {name: DETAILS / f"{name}.md" for name in PAGES}
    return {**details, SUMMARY: LEDGER}


def sections(inputs: Mapping[str, Any], prefix: str = "") -> str:
    """The parts of all templates whose names begin so, filled from the rows of claims, by their
    names, and from tables; without those that lack an input."""
    return "".join(part_texts(inputs, prefix).values())


def part_texts(inputs: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The same by the names of the parts."""
    chosen = {name: text for name, text in all_parts().items() if name.startswith(prefix)}
    return _filled(chosen, inputs)


def all_parts() -> dict[str, str]:
    """Of all templates. Raises ValueError for facts that have no part."""
    template: dict[str, str] = {}
    for page in PAGES:
        template |= _template(page)
    if homeless := PARTS.keys() - template.keys():
        raise ValueError(f"template: {', '.join(sorted(homeless))}: no part of that name")
    return template


def _template(page: str) -> dict[str, str]:
    return parts(read_text(TEMPLATES / f"{page}.md.template"))


def _filled(template: Mapping[str, str], inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: filled_part(name, text, inputs) for name, text in template.items()}


def captions(folder: Path) -> dict[str, str]:
    """Of the figures that are drawn in a folder of results, by name."""
    paths = sorted((folder / "figures").glob("*.txt"))
    return {path.stem: read_text(path).strip() for path in paths}


def stored_inputs(folder: Path) -> dict[str, Any]:
    """What the parts take: tables by their names, the rows of each claim by its name."""
    rows, cases = read_table(folder / "rows.csv"), folder / "cases.csv"
    tables = {
        "mutants": "mutants.csv",
        "smallest": "mutants_smallest.csv",
        "survey": "survey.csv",
        "stops": "what_stops.csv",
    }
    present = {name: folder / file for name, file in tables.items() if (folder / file).is_file()}
    alarms, trainer = folder / "alarms.json", folder.parent / "conformance" / "rows.csv"
    return {
        **by_claim(rows),
        "rows": rows,
        "cases": read_table(cases) if cases.is_file() else NO_CASES,
        "verdicts": pd.read_csv(folder / "verdicts.csv", keep_default_na=False),
        "provenance": read_json(folder / "provenance.json"),
        "points": stored_points(folder / "falsify"),
        **{name: pd.read_csv(path, keep_default_na=False) for name, path in present.items()},
        **({"alarms": read_json(alarms)} if alarms.is_file() else {}),
        **({"trainer": read_table(trainer)} if trainer.is_file() else {}),
        **({"captions": texts} if (texts := captions(folder)) else {}),
    }
