"""From limits to verdicts, from verdicts to claims, from rows to the ledger."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.stored.paper import paper_pages, paper_rows
from helpers.toy_claim import TOY

from grpo_checks.experiments.claims.stationarity.sharp.steps import not_judged
from grpo_checks.experiments.ledger.ledger import (
    NO_CASES,
    PAPER,
    differences,
    page_paths,
    part_texts,
)
from grpo_checks.experiments.ledger.parts import by_claim
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.cell_rows import Models, certified, equality, inequality
from grpo_checks.experiments.protocol.certificates import Case, certified_rows, store_cases
from grpo_checks.experiments.protocol.claim import Row, Scope, judge, overall
from grpo_checks.experiments.runs.judging import EQUAL, FLOATING, sober, stored_rows


@pytest.mark.parametrize(
    ("upper", "lower", "verdict"),
    [
        (1.0, 0.5, "holds"),
        (1.1, 0.9, "inconclusive"),
        (2.0, 1.1, "refuted"),
        (0.9, 1.2, "inconclusive"),
        (1.5, 1.0, "inconclusive"),
        (1.0, 1.0, "holds"),
    ],
)
def test_judge(upper, lower, verdict):
    """Only limits decide, never the observed value."""
    assert judge(upper, lower, 1.0) == verdict


@pytest.mark.parametrize(
    ("times", "verdict"),
    [(0.5, None), (1.0, None), *((times, "assumption unmet") for times in (0.0, 1.01, 1.99, 2.0))],
)
def test_steps_up_to_one_over_the_smoothness(times, verdict):
    """Theorem 1 speaks of these alone, at whatever L."""
    for smoothness in (0.3, 8.0):
        observed = not_judged({"diverged": False}, times / smoothness, smoothness)
        assert (observed and observed[0]) == verdict


def test_a_run_that_diverged_decides_nothing():
    """Whatever its step: there are no numbers."""
    for step in (0.0, 0.5, 2.0):
        observed = not_judged({"diverged": True}, step, 1.0)
        assert observed == ("inconclusive", "the run left the finite numbers")


def test_one_refuted_cell_refutes_a_claim():
    """And silence is not agreement."""
    assert overall(["holds", "refuted", "inconclusive"]) == "refuted"
    assert overall(["holds", "inconclusive"]) == "inconclusive"
    assert overall(["vacuous", "holds", "assumption unmet"]) == "holds"
    assert overall(["vacuous", "assumption unmet"]) == "vacuous"
    assert overall(["assumption unmet"]) == "assumption unmet"


IDLE = inequality("T", "i", {}, 0.0, 0.0, 0.0, identity=True)


def test_models_of_a_profile():
    """The paper's are those of the quick one and more; a user's is the only one."""
    few, more, users = (named(name, components=1) for name in ("conflict", "coding", "search"))
    models = Models([few], [more])
    assert models.chosen(Scope("quick")) == [few]
    assert models.chosen(Scope("paper")) == [few, more]
    assert models.chosen(Scope("paper", users)) == [users]


def test_identities_are_no_evidence():
    """Whoever builds or changes one: it never holds; alone they leave a claim vacuous."""
    assert (IDLE.verdict, replace(IDLE, verdict="holds").verdict) == ("vacuous", "vacuous")
    assert overall([IDLE.verdict, IDLE.verdict, "assumption unmet"]) == "vacuous"
    assert overall([IDLE.verdict, "holds"]) == "holds"
    # One that is violated is a fault that must be seen.
    assert inequality("T", "i", {}, 1.0, 0.0, 0.5, identity=True).verdict == "refuted"


@pytest.mark.parametrize("side", [-1, 1])
def test_float_cells_are_decided_by_their_rounding_error(side):
    """Just within: holds, and says so if equal. Just beyond: refuted, and no counterexample."""
    rounding = 3e-14
    for factor, equal in ((0.99, "holds"), (1.01, "refuted")):
        row = sober(equality("T", "i", {}, 0.5 + side * factor * rounding, 0.5, rounding))
        assert row.verdict == equal
        assert row.note == (EQUAL if equal == "holds" else FLOATING)
        assert sober(row) == row
    for inside in (1.01, 1.5, 1.99):
        assert sober(inequality("T", "i", {}, 0.5 - inside * rounding, 0.5, rounding)).note == ""
    row = sober(inequality("T", "i", {}, 0.5 + side * 2 * rounding, 0.5, rounding))
    assert (row.verdict, row.note) == (("holds", "") if side < 0 else ("refuted", FLOATING))


def test_a_certified_or_sampled_violation_is_no_float_one():
    """Only rows that rest on floating point say so."""
    broken = inequality("T", "i", {}, 1.0, 0.5, 0.1, "why")
    assert sober(broken).note == f"why; {FLOATING}"
    for row in (certified(broken), replace(broken, evidence="statistical")):
        assert sober(row) is row


def test_stored_cases_of_a_mutant_are_its_own(tmp_path, monkeypatch):
    """One point, which the claim survives and a false version does not; of no model of a user's."""
    point = {"p": "1/2"}
    store_cases(TOY, [Case("half", point), Case("half", point, "lower")], tmp_path)
    monkeypatch.setattr(certified_rows, "__defaults__", (tmp_path,))
    for mutant, verdict in ((None, "holds"), ("lower", "refuted")):
        scope = Scope("quick", mutant=mutant)
        assert [row.verdict for row in stored_rows(TOY, scope)] == [verdict]
        assert stored_rows(TOY, replace(scope, instance=named("conflict"))) == []


def test_a_row_carries_slack_and_ratio():
    """Derived columns, empty where there is nothing to compare."""
    row = Row("T", "i", {"G": 2}, 0.5, 0.4, 0.6, 2.0, "holds").flat()
    assert (row["slack"], row["ratio"], row["G"]) == (1.5, 4.0, 2)
    assert Row("T", "i", {}, None, None, None, None, "assumption unmet").flat()["ratio"] is None


def test_the_ledger_has_not_drifted():
    """paper_checks.md and its details are what the committed rows say."""
    kept = {name: path.read_text(encoding="utf-8") for name, path in page_paths().items()}
    assert paper_pages() == kept


def _parts(rows):
    verdicts = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False)
    inputs = {**by_claim(rows), "rows": rows, "cases": NO_CASES, "verdicts": verdicts}
    parts = [part_texts(inputs, name) for name in ("Theorem 1", "T1.slope", "T2.gap")]
    return {name: text for part in parts for name, text in part.items()}


def test_the_ledger_drifts_when_a_row_changes():
    """The check above can fail: one changed number changes the summary and the page of details."""
    changed = paper_rows().copy()
    changed.loc[changed["claim"].eq("T1.slope").idxmax(), "observed"] -= 0.01
    before, after = _parts(paper_rows()), _parts(changed)
    drifted = {name for name in before if before[name] != after[name]}
    assert {"Theorem 1", "T1.slope"} <= drifted
    assert "T2.gap" in before.keys() - drifted
    assert before["T2.gap"]


def test_differences_from_the_ledger_are_told():
    """A changed verdict is a sentence; the same verdicts are silence."""
    committed = pd.read_csv(PAPER / "verdicts.csv")
    assert differences(committed) == []
    changed = committed.assign(verdict="inconclusive")
    assert len(differences(changed)) == len(committed)


def test_the_waterfall_ends_at_the_bound():
    """Observed plus the parts is the bound, in every stored cell; each part is one column."""
    rows = paper_rows()
    cells = rows[rows["claim"].isin(["T1.rate", "T1.surrogate"]) & rows["loosest"].notna()]
    parts = cells.filter(like="slack: ")
    assert parts.shape[1] == 5
    assert len(cells) > 250
    total = cells["observed"] + parts.sum(axis=1)
    np.testing.assert_allclose(total, cells["bound"], rtol=1e-9)
