"""What the ledger says follows the numbers: other rows, other words; numbers that read well."""

import csv
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from helpers.stored.paper import paper_rows

from grpo_checks.experiments.claims.stationarity.floor import crossing
from grpo_checks.experiments.ledger.ledger import NO_CASES, PAPER, ledger_pages, sections
from grpo_checks.experiments.ledger.parts import by_claim
from grpo_checks.experiments.origin.provenance import _device
from grpo_checks.experiments.storage.text import counts, enclosed, markdown, span

ROWS = paper_rows()
VERDICTS = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stored rows with two searches beside them, and a verdict that was not expected."""
    folder = tmp_path_factory.mktemp("results")
    for name in ("t3_coverage", "t3_shift"):
        shutil.copytree(PAPER / "falsify" / name, folder / "falsify" / name)
    for name in ("rows.csv", "provenance.json"):
        shutil.copy(PAPER / name, folder)
    verdicts = VERDICTS.assign(verdict=VERDICTS["expected"])
    verdicts.loc[verdicts["claim"] == "T2.gap", "verdict"] = "vacuous"
    verdicts.to_csv(folder / "verdicts.csv", index=False)
    return folder


def _whole(folder):
    return "\n".join(ledger_pages(folder).values())


@pytest.fixture(scope="module")
def pages(folder):
    """The ledger of ``folder`` as it is, filled once."""
    return _whole(folder)


def _flat(text):
    return " ".join(text.split())


def _rows(claim, rows=ROWS):
    return rows[rows["claim"] == claim]


def _changed(claim, **columns):
    """The rows with columns of one claim set to other values."""
    rows = ROWS.copy()
    for name, value in columns.items():
        rows.loc[rows["claim"] == claim, name] = value
    return rows


def _summary(number, rows=ROWS):
    tables = {"rows": rows, "cases": NO_CASES, "verdicts": VERDICTS}
    return _flat(sections({**by_claim(rows), **tables}, f"Theorem {number}"))


def _details(number, rows=ROWS):
    return sections(by_claim(rows), f"T{number}.")


def test_a_floor_is_where_runs_end_and_no_limit_on_the_way():
    """|grad J|^2 at the zero of E[g]; whether a run crosses the maximiser is computed."""
    text = _summary(1)
    assert "at G = 8 has |grad J|^2 = 0.000144, and runs end there" in text
    assert "never falls" not in text
    assert "|grad J|^2 = 0.25, and" in _summary(1, _changed("T1.floor", floor=0.25))
    assert "cross the maximiser" in crossing(-1.0613, -1.1915)
    for maximiser, zero in ((-1.2, -1.1), (1.0, -1.1), (-1.1, 0.5)):
        assert "do not meet the maximiser" in crossing(maximiser, zero)


def test_slopes_are_those_of_the_step_rule():
    """The summary names the rule; the fitted numbers are those of the rows."""
    summary = _summary(1, _changed("T1.slope", observed=-0.321))
    assert "With steps min(1, sqrt(G/T)) the average of |grad J|^2 on `conflict` falls" in summary
    assert "s = -0.321 and -0.321; another rule for the step has another slope" in summary
    text = _flat(_details(1))
    assert "The slope is that of the step rule" in text
    assert "is real where" not in text


def test_verdicts_in_the_prose_are_computed():
    """A claim that comes out otherwise is said to, in its section and on top."""
    assert "**T1.budget** holds" in _details(1)
    assert "**T1.budget** is refuted" in _details(1, _changed("T1.budget", verdict="refuted"))
    assert "**T2.gap** is inconclusive" in _details(2, _changed("T2.gap", verdict="inconclusive"))
    # The answer to Theorem 1 is for these verdicts alone.
    records = {"survey": pd.read_csv(PAPER / "survey.csv", keep_default_na=False)}
    part = "Theorem 1, the answer"
    assert "is it true?" in sections({**by_claim(ROWS), **records}, part)
    other = by_claim(_changed("T1.rate", verdict="refuted"))
    assert sections({**other, **records}, part) == ""


def test_a_verdict_that_was_not_expected_is_told_on_top(pages):
    """Where prose was written for another outcome; silence where there is none."""
    as_expected = VERDICTS.assign(verdict=VERDICTS["expected"])
    assert sections({"verdicts": as_expected}, "surprises") == ""
    assert "**Not as expected:** T2.gap is vacuous, expected: holds." in pages


def test_losses_are_those_of_unrestricted_policies():
    """3.5 % and the like are said of them alone, at first-order points, in both places."""
    text, details = _summary(2), _flat(_details(2))
    assert "At a first-order point, normalising components separately costs at most 3.5%" in text
    assert "That is over unrestricted policies of one prompt." in text
    assert "at a first-order point (phi = 0) of an unrestricted policy" in details
    assert "Neither is said of policies that share parameters" in details
    assert "at most 50.0% (G = 4)" in _summary(2, _changed("T2.kappa", factor=0.5))


def test_the_lead_in_the_summary_is_that_of_the_map():
    """Of `outcomes` alone: a cell of another model does not stretch it; one value is no range."""
    rows, benefit = ROWS.copy(), _rows("T2.benefit")
    rows.loc[benefit.index, "gain_lead"] = -1.0
    rows.loc[benefit.index[benefit["instance"] == "outcomes"], "gain_lead"] = 0.1
    assert "448 of 448 cells, 10.0% of the larger gain: neither" in _summary(2, rows)


def test_cycles_are_those_of_the_rows():
    """No penalty is called safe; the smallest one that cycles is named with its prompt."""
    scan = _rows("L.convergence")
    cycles = scan["verdict"] == "refuted"
    scan, cycles = scan[~cycles | (scan["beta"] > 0.5)], scan[cycles & (scan["beta"] > 0.5)]
    more = cycles.head(1).assign(beta=0.5, eps=0.05, reference=1e-4)
    text = _flat(sections({"L.convergence": pd.concat([scan, more])}, "L.convergence"))
    assert f"in the following {len(cycles) + 1} cells" in text
    assert f"at penalties from 0.5 to {cycles['beta'].max():.2g}" in text
    assert "as beta = 0.5 does at p_ref = 0.0001" in text
    assert "every cell settled" not in text


def test_the_best_group_size_needs_a_budget_that_reaches_it():
    """N >= G*; sizes are those of the rows that hold."""
    assert "at a fixed number N >= G* of episodes" in _flat(_details(1))
    other = _flat(_details(1, _changed("T1.budget", group_size=7.0)))
    assert "groups of 7 were best on these models" in other


def test_points_name_the_bound_that_they_are_rows(pages):
    """.9999 of a test set's bound is not PAC-Bayes."""
    assert "| T3.coverage | fresh tasks, one policy |  | 0.999899 |" in pages


def test_no_number_is_read_from_a_note(folder, pages, tmp_path):
    """Notes are shown, in tables alone; whatever they say, the prose says the same."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with (PAPER / "rows.csv").open(encoding="utf-8", newline="") as stored:
        heading, *lines = csv.reader(stored)
    noted, at = [heading], heading.index("note")
    noted += [[*line[:at], "exact: 17 of 1/19, fitted", *line[at + 1 :]] for line in lines]
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as changed:
        csv.writer(changed).writerows(noted)
    before, after = pages.splitlines(), _whole(tmp_path).splitlines()
    assert before != after
    assert not [
        (a, b) for a, b in zip(before, after, strict=True) if a != b and a[:1] + b[:1] != "||"
    ]


def test_numbers_read_well():
    """One number for a range of one, whole numbers in full, no more digits than say something."""
    assert span(pd.Series([1.0, 1.0])) == "1"
    assert span(pd.Series([0.0, -0.0])) == "0"
    assert span(pd.Series([0.5829, 0.5831])) == "0.583"
    assert span(pd.Series([1.0, 2.0])) == "1 to 2"
    assert span(pd.Series(dtype=float)) == counts(pd.Series(dtype=float)) == "none"
    assert counts(pd.Series([128.0, 128.0])) == "128"
    assert counts(pd.Series([128, 1024])) == "128 to 1,024"
    assert enclosed(6.300110139091016e-06, 6.300110143423731e-06, 6) == "6.30011e-06"
    assert enclosed(1.0, 1.1, 6) == "1 to 1.1"
    table = markdown(pd.DataFrame({"x": [0.1 + 0.2, 4.0, np.nan], "y": [1, 2, 3], "z": "a|b"}))
    assert table.splitlines()[2:] == [
        r"| 0.3 | 1 | a\|b |",
        r"| 4 | 2 | a\|b |",
        r"|  | 3 | a\|b |",
    ]
    assert _device(1, "cpu", "cpu") == "1 x cpu"
    assert _device(4, "gpu", "NVIDIA H100") == "4 x gpu (NVIDIA H100)"


def test_no_number_of_the_ledger_is_nonsense():
    """No range of one value, no distance of 0 from 1, no power of 0, no nan, 12 digits at most."""
    parts = [_details(1), _details(2)]
    prose = "\n".join(parts + [_summary(number) for number in (1, 2, 3)])
    assert not re.findall(r"(?<![\w./])(\S+) to \1(?![\w.])", prose)
    assert not re.findall(r"\d\.0*[1-9]\d{12,}|\bnan\b", prose)
