"""The page of one claim: statement, proof, counterexample, cells, mutants, how to reproduce it."""

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from grpo_checks.experiments.origin.docstrings import docstring
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.pages.claim.cells import plot
from grpo_checks.pages.claim.points import smallest_counterexample, tightest
from grpo_checks.pages.claim.statements import typeset
from grpo_checks.pages.markup import (
    badge,
    folded,
    formula,
    html_table,
    inline,
    prose,
    rooted,
    starred,
)
from grpo_checks.pages.stored import Stored, slug, theorem

SHARED = {"T3.coverage": ("T3.price",)}
"""Parts of the ledger that belong to a claim and are not called by its name."""
CITED = re.compile(r"arXiv:(\d{4}\.\d{5})")
SOURCE = "2604.19857"
"""The paper whose theorems T1 to T3 are."""


def claim_page(stored: Stored, name: str) -> str:
    """claims/NAME.md."""
    claim = stored.claims[name]
    line = stored.line(name)
    results = _said(stored, name)
    return "\n".join(
        [
            _opening(claim, line),
            _assumptions(claim),
            smallest_counterexample(stored, name),
            _cells(stored, line),
            _figures(stored, str(line["picture"]), results),
            results,
            _mutants(stored, name),
            tightest(stored, name),
            _proof(claim),
            _commands(name),
            _bibtex(claim, stored),
        ]
    )


def _cells(stored: Stored, line: "pd.Series[Any]") -> str:
    counted = line["cells"] or "stored points alone"
    sentence = f"{counted}; they rest on {line['evidence'] or 'nothing that tells'}."
    return f"## Cells\n\n{sentence}\n\n{plot(stored.cells(line['claim']))}"


def _opening(claim: Claim, line: "pd.Series[Any]") -> str:
    tex = typeset(claim.name, claim.statement)
    numbers = {
        name: line[name] for name in ("looseness", "distance", "rounding", "power") if line[name]
    }
    if numbers.get("power") == line["verdict"]:
        del numbers["power"]
    facts = " · ".join(f"{name} {str(v).replace('*', '')}" for name, v in numbers.items())
    return (
        f"# {claim.name}\n\n{badge(line['verdict'])} {claim.provenance}, {theorem(claim.name)}"
        f"{' · ' + facts if facts else ''}\n\n{formula(tex) if tex else ''}\n"
        f'<p class="statement">{inline(claim.statement)}</p>\n'
    )


def _said(stored: Stored, name: str) -> str:
    """The parts of the ledger on this claim, nothing where there is none."""
    names = [k for k in stored.parts if k == name or k.startswith(f"{name}, ")]
    texts = [stored.parts[k] for k in (*names, *SHARED.get(name, ()))]
    body = "\n".join(texts).strip()
    return f"## What came back\n\n{rooted(starred(body), '../')}\n" if body else ""


def _assumptions(claim: Claim) -> str:
    lines = [f"- {inline(a.text)} ({a.checked})" for a in claim.assumptions]
    return "## Assumptions\n\n" + ("\n".join(lines) or "None.") + "\n"


def _figures(stored: Stored, picture: str, results: str) -> str:
    """Its figures that are not shown above; why there is none, where there is none."""
    names = re.findall(r"\[(\w+)\]", picture)
    if not names:
        return f"No other picture: {picture.removeprefix('none: ')}.\n"
    more = [name for name in names if f"figures/{name}.png" not in results]
    return "\n".join(stored.figure(name, "../") for name in more)


def _mutants(stored: Stored, name: str) -> str:
    table = stored.inputs.get("mutants", pd.DataFrame(columns=["claim"]))
    mine = table[table["claim"] == name]
    if mine.empty:
        return ""
    columns = ["mutant", "change", "verdict", "caught by", "beaten by"]
    lines = [
        [badge(row[c]) if c == "verdict" else inline(str(row[c])) for c in columns]
        for row in mine.to_dict("records")
    ]
    about = "False versions of the claim, each of which its checks must refute.\n\n"
    return f"## Mutants\n\n{about}{html_table(columns, lines)}"


def _proof(claim: Claim) -> str:
    """Docstrings of the modules that prove it, and of the one that checks it."""
    parts = [folded(f"proof: {name}", prose(docstring(name))) for name in claim.proof]
    parts.append(folded(f"how it is checked: {claim.origin.module}", _checked(claim)))
    return "## Proof\n\n" + "\n".join(parts)


def _checked(claim: Claim) -> str:
    return prose(docstring(claim.origin.module))


def _commands(name: str) -> str:
    quoted = f'"{name}"' if "'" in name else name
    lines = [
        f"grpo-checks verify --claim {quoted}                  # quick sizes, under two minutes",
        f"grpo-checks verify --claim {quoted} --profile paper  # these rows",
        f"grpo-checks falsify {quoted} --minutes 2             # look for a violation",
        f"grpo-checks explain {quoted}",
    ]
    return "## Reproduce it\n\n```sh\n" + "\n".join(lines) + "\n```\n"


def _bibtex(claim: Claim, stored: Stored) -> str:
    """The claim itself, and what it is a claim about."""
    origin = stored.inputs["provenance"]
    key = slug(claim.name).replace("-", "_").lower()
    entry = [
        f"@misc{{grpo_checks_{key},",
        f"  title = {{{{{claim.name}}}: a claim of {origin['name']}}},",
        f"  note = {{{claim.provenance}; verdict in the stored rows: see results/paper}},",
        f"  version = {{{origin['version']}}},",
        f"  year = {{{origin['date'][:4]}}},",
        "}",
    ]
    papers = "\n\n".join(
        f"@misc{{arxiv_{number.replace('.', '_')},\n  title = {{arXiv:{number}}},\n"
        f"  eprint = {{{number}}},\n  archivePrefix = {{arXiv}},\n}}"
        for number in _papers(claim)
    )
    return "## Cite it\n\n```bibtex\n" + "\n".join(entry) + f"\n\n{papers}".rstrip() + "\n```\n"


def _papers(claim: Claim) -> Iterator[str]:
    numbers = CITED.findall(claim.statement)
    yield from numbers
    if not numbers and claim.name.startswith("T"):
        yield SOURCE
