"""The ledger's words on Theorem 3 come from rows: other rows, other words."""

import pandas as pd
import pytest

from experiments import ledger_theorem3, ledger_theorem3_transfer
from experiments.claim import Scope
from experiments.claims import t3_shift, t3_visual_arft

PAPER = Scope("paper")


@pytest.fixture(scope="module")
def tables():
    """Rows of the claims that cost nothing."""
    made = {
        "shift": t3_shift.shift_rows(PAPER, {}),
        "arft": t3_visual_arft.rows(PAPER, {}),
    }
    return {name: pd.DataFrame([r.flat() for r in rows]) for name, rows in made.items()}


def test_nothing_without_rows():
    """A table of Theorem 1 alone has no section."""
    assert ledger_theorem3.section(pd.DataFrame({"claim": ["T1.rate"]})) == ""


def test_counterexamples_in_numbers(tables):
    """The published fraction and the published distance from 1; other rows, other numbers."""
    text = ledger_theorem3_transfer._false(tables["shift"])
    for shown in ("371293/3200000", "1 - 2.7e-49", "delta = 0.05:", "1.2e-08"):
        assert shown in text
    assert "371293" not in ledger_theorem3_transfer._false(tables["shift"].iloc[:1])


def test_the_answer_on_visual_arft(tables):
    """Counts are those of the rows, and change with them."""
    table = tables["arft"]
    text = ledger_theorem3_transfer._arft(table)
    trained = table[table["trained_on"] & (table["train_loss"] == "observed")]
    few = trained[(trained["n_tasks"] == 20)]
    vacuous = (few["verdict"] == "vacuous").sum()
    assert f"vacuous in\n{vacuous} of {len(few)} search cells" in text
    assert text.count("\n| 3B |") + text.count("\n| 7B |") == len(trained)
    other = table.assign(verdict="vacuous")
    assert f"vacuous in\n{len(few)} of {len(few)}" in ledger_theorem3_transfer._arft(other)
