"""The ledger's words on Theorem 3 come from rows: other rows, other words."""

import pandas as pd
import pytest
from helpers.stored.paper import paper_rows

from grpo_checks.experiments.claims.generalization import depth as t3_depth
from grpo_checks.experiments.claims.generalization import shift as t3_shift
from grpo_checks.experiments.claims.generalization import visual_arft as t3_visual_arft
from grpo_checks.experiments.claims.generalization.facts.tightness import STEPS, dearest
from grpo_checks.experiments.ledger.ledger import NO_CASES, sections
from grpo_checks.experiments.ledger.ledger import PAPER as FOLDER
from grpo_checks.experiments.ledger.parts import by_claim
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.claim import Scope

PAPER = Scope("paper")


@pytest.fixture(scope="module")
def tables():
    """Rows of the claims that cost nothing."""
    cheap = {
        "shift": t3_shift.shift_rows(PAPER, {}),
        "arft": t3_visual_arft.rows(PAPER, {}),
    }
    return {name: pd.DataFrame([r.flat() for r in rows]) for name, rows in cheap.items()}


def test_nothing_without_rows():
    """A table of Theorem 1 alone has no section."""
    nothing = by_claim(pd.DataFrame({"claim": ["T1.rate"]}))
    assert sections(nothing, "Theorem 3") == sections(nothing, "T3.") == ""


def _told(rows):
    (claim,) = by_claim(rows)
    return _flat(sections({claim: rows}, claim))


def test_a_test_set_does_not_speak_for_pac_bayes():
    """The largest failure over delta is that of the PAC-Bayes bounds, and below 1."""
    rows = paper_rows()
    verdicts = pd.read_csv(FOLDER / "verdicts.csv", keep_default_na=False)
    tables = {"rows": rows, "cases": NO_CASES, "verdicts": verdicts}
    text = _flat(sections({**by_claim(rows), **tables}, "Theorem 3"))
    coverage = rows[rows["claim"] == "T3.coverage"]
    share = coverage["observed"] / coverage["delta"]
    largest = share[~coverage["bound_name"].isin(ALONE)].max()
    assert f"(largest failure probability over delta {largest:.2g}, of the betting mixture" in text
    assert largest < 0.99
    assert share.max() == pytest.approx(1, rel=1e-6)


def test_counterexamples_in_numbers(tables):
    """The published fraction and the published distance from 1; other rows, other numbers."""
    text = _told(tables["shift"])
    for shown in ("371293/3200000", "1 - 2.7e-49", "delta = 0.05:", "1.2e-08"):
        assert shown in text
    # (9/10)^n of a float is 0 long before it is.
    assert "1 - 1.5e-137" in text
    assert "1 - 0" not in text.replace("1 - 0.00042", "")
    assert "371293" not in _told(tables["shift"].iloc[:1])


def test_the_answer_on_visual_arft(tables):
    """Counts are those of the rows, and change with them."""
    table = tables["arft"]
    text = _told(table)
    trained = table[table["trained_on"] & (table["train_loss"] == "observed")]
    few = trained[(trained["n_tasks"] == 20)]
    vacuous = (few["verdict"] == "vacuous").sum()
    assert f"vacuous in {vacuous} of {len(few)} search cells" in text
    assert text.count("| 3B |") + text.count("| 7B |") == len(trained)
    other = table.assign(verdict="vacuous")
    assert f"vacuous in {len(few)} of {len(few)}" in _told(other)


def _flat(text):
    return " ".join(text.split())


def test_improvements_are_counted_with_both_scores_random(tables):
    """17 of 24 cell by cell, 16 at once; 1 and 0 of 8 on MAT. None where nothing has changed."""
    sentence = (
        "in {} of {} cells, on the paper's own MAT benchmarks in {} of {}; in all cells at once"
    )
    text = _told(tables["arft"])
    assert sentence.format(17, 24, 1, 8) in text
    assert "95% together, in 16 and 0." in text
    table = tables["arft"]
    same = _told(table.assign(tuned_loss=table["base_loss"]))
    assert sentence.format(0, 24, 0, 8) in same
    assert "95% together, in 0 and 0." in same


def test_growth_of_the_gap_is_said_in_words(tables):
    """Flat is flat, no power of 0; what grows has its fitted exponent."""
    rows = pd.DataFrame([row.flat() for row in t3_depth._relay(None, (1, 4))])
    told = t3_depth.facts(rows)
    assert (told["repaired"], told["final"]) == (
        "does not change with D",
        "grows as D^0.989, fitted",
    )


def test_the_dearest_steps_are_those_of_the_rows():
    """One pair for all n, or each n with its own."""
    steps = [f"nats {name}" for name in STEPS]
    rows = pd.DataFrame([[20, 0, 0, 2, 3, 1], [50, 0, 0, 3, 2, 1]], columns=["n_tasks", *steps])
    text = dearest(rows)
    assert text == "markov and change of measure (n = 20); change of measure and markov (n = 50)"
    assert dearest(rows[:1]) == "markov and change of measure"
