"""paper_checks.md, the ledger of claims: generated from the committed rows of the paper profile."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from grpo_checks.experiments.ledger import verifier
from grpo_checks.experiments.ledger.summary import summary
from grpo_checks.experiments.ledger.theorems import literature, theorem1, theorem2, theorem3
from grpo_checks.experiments.runs.stored import PAPER, ROOT
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.experiments.storage.text import markdown, wrapped

LEDGER = ROOT / "paper_checks.md"

HEAD = """# Paper checks

What was checked of the theory of GRPO, on which models, and what came back. This page is generated
from `results/paper/rows.csv` by `make paper`; a test fails when it has drifted.

The source is arXiv:2604.19857v1, of which only the abstract is available to us as a primary source.
The provenance of a claim says whose statement it is: *abstract*, said there, in our formalisation
(the abstract gives no constants); *reported*, a printed equation as described by readers;
*derived*, our own, proved in the module that implements it; *literature*, of another paper. What a
verdict rests on: *certified*, decided in rational or ball arithmetic; *exact*, computed up to
a stated rounding error, beyond which a cell is refuted in floating point, not certified, and no
counterexample; *statistical*, sampled. An *identity* is a cell with both sides equal whatever the
policy: no evidence.
"""

TOP = {
    "claim": "claim",
    "statement": "statement",
    "provenance": "provenance",
    "verdict": "verdict",
    "margin": "margin",
    "evidence": "rests on",
    "figure": "figure",
}
"""The columns of the table on top. *Certified*: decided in rational or ball arithmetic; *exact*:
computed up to rounding; *statistical*: sampled."""


def differences(verdicts: pd.DataFrame) -> list[str]:
    """Where these verdicts differ from those of the committed ledger, a sentence each."""
    committed = PAPER / "verdicts.csv"
    if not committed.exists():
        return ["there is no ledger yet: run make paper"]
    known = read_table(committed).set_index("claim")["verdict"]
    found = verdicts.set_index("claim")["verdict"]
    names = [*found.index, *known.index.difference(found.index)]
    pairs = {name: (found.get(name, "absent"), known.get(name, "absent")) for name in names}
    return [
        f"{name}: {here}, but {there} in the ledger"
        for name, (here, there) in pairs.items()
        if here != there
    ]


def ledger_text(folder: Path) -> str:
    """The whole ledger, from rows.csv, verdicts.csv and provenance.json in ``folder``."""
    rows = read_table(folder / "rows.csv")
    cases = _cases(folder / "cases.csv")
    verdicts = pd.read_csv(folder / "verdicts.csv", keep_default_na=False)
    facts = read_json(folder / "provenance.json")
    parts = [HEAD, markdown(_top(verdicts)), "", _surprises(verdicts), _conditions(facts)]
    for number, section in enumerate((theorem1.section, theorem2.section, theorem3.section), 1):
        parts += [summary(number, rows, cases, verdicts), section(rows)]
    parts += [literature.section(rows), verifier.section(rows, cases, folder)]
    return wrapped("\n".join(parts).rstrip()) + "\n"


def _cases(path: Path) -> pd.DataFrame:
    """The stored cases; none where the folder has none."""
    if path.is_file():
        return read_table(path)
    return pd.DataFrame(columns=["claim", "case", "observed", "bound", "verdict", "note"])


def _top(verdicts: pd.DataFrame) -> pd.DataFrame:
    """One line per claim, its figures as links."""
    table = verdicts.reindex(columns=[*TOP], fill_value="").rename(columns=TOP)
    links = [
        ", ".join(f"[{name}](results/paper/figures/{name}.png)" for name in names.split(", "))
        if names else ""
        for names in table["figure"]
    ]  # fmt: skip
    return table.assign(figure=links)


def _surprises(verdicts: pd.DataFrame) -> str:
    """Claims that came out otherwise than expected, which the prose on them does not foresee."""
    others = verdicts[verdicts["verdict"] != verdicts["expected"]]
    said = [f"{r.claim} is {r.verdict}, expected: {r.expected}" for r in others.itertuples()]
    return f"**Not as expected:** {'; '.join(said)}.\n" if said else ""


def _conditions(facts: Mapping[str, object]) -> str:
    return (
        f"Computed on {facts['device']}, {facts['precision']}, {facts['runs']} training runs. "
        "Sampled cells: family-wise level 0.001 over a claim's cells.\n"
    )
