"""The falsifier on a claim about one number, whose truth is known."""

import json
from fractions import Fraction

import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments.audit.falsify_report import as_test, example, stored_points
from grpo_checks.experiments.claims import catalogue
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.falsifier.shrink import rounder, shrunk, size
from grpo_checks.experiments.protocol.certificates import (
    Case,
    certified_rows,
    load_cases,
    store_cases,
    summary,
)
from grpo_checks.experiments.protocol.points import of_deep_model
from grpo_checks.experiments.runs.stored import PAPER
from grpo_checks.experiments.storage.files import digest


def test_a_true_claim_gives_its_tightest_point():
    """The maximum of p(1-p) is at 1/2, where the bound is reached."""
    result = falsify(TOY, minutes=0.005)
    assert not result.refuted
    assert result.ratio == pytest.approx(1, abs=1e-6)
    assert result.tried > 0


def test_a_false_claim_is_refuted_and_shrunk():
    """The roundest violation is p = 1/2."""
    result = falsify(TOY, minutes=30, mutant="lower")
    assert result.refuted
    assert example(TOY, result, "lower").startswith(f"{TOY.name}, mutant 'lower': 6/25 for 1/4\n")
    assert result.document == {"p": "1/2"}


def test_the_ready_made_test_passes(monkeypatch):
    """It finds the claim by name, decides the point again, and fails on another verdict."""
    result = falsify(TOY, minutes=30, mutant="lower")
    text = as_test("toy", result, "lower")
    monkeypatch.setattr(catalogue, "CLAIMS", (TOY,))
    for verdict, passes in (("refuted", True), ("holds", False)):
        module: dict = {}
        exec(text.replace("'refuted'", repr(verdict)), module)
        if passes:
            module["test_toy"]()
        else:
            with pytest.raises(AssertionError):
                module["test_toy"]()


def test_points_in_the_ledger_are_found_again():
    """Each stored point of the falsifier is decided as it is stored."""
    points = stored_points(PAPER / "falsify")
    assert {"T2.gap", "T2.kappa", "T2.zero", "T1.rate", "T3.ood", "T3.depth"} == {
        stored["claim"] for stored in points if of_deep_model(stored["document"])
    }
    for stored in points:
        exact = catalogue.find(stored["claim"]).exact
        assert summary(exact.decide(stored["document"], stored["mutant"])) == stored["found"]
        assert (stored["found"]["verdict"] == "refuted") == (
            catalogue.find(stored["claim"]).expected == "refuted"
        )


def test_stored_cases_are_decided_again(tmp_path):
    """As stored they hold; a changed digit anywhere decides nothing."""
    cases = [Case("half", {"p": "1/2"}), Case("half", {"p": "1/2"}, "lower")]
    path = store_cases(TOY, cases, tmp_path)
    assert [row.verdict for row in certified_rows(TOY, None, tmp_path)] == ["holds"]
    assert [row.verdict for row in certified_rows(TOY, "lower", tmp_path)] == ["refuted"]
    assert load_cases(path)[0].found["observed"] == ["1/4", "1/4"]
    text = path.read_text()
    for i in [i for i, c in enumerate(text) if c.isdigit()]:
        path.write_text(text[:i] + str((int(text[i]) + 1) % 10) + text[i + 1 :])
        for mutant in (None, "lower"):
            assert {r.verdict for r in certified_rows(TOY, mutant, tmp_path)} <= {"inconclusive"}


@pytest.mark.parametrize(
    ("side", "stored"),
    [("observed", ["1/5", "1/4"]), ("bound", ["1/4", "1/3"]), ("verdict", "refuted")],
)
def test_what_is_stored_must_be_found_again(side, stored, tmp_path):
    """Not only be unchanged: here the checksum is that of the other numbers."""
    path = store_cases(TOY, [Case("half", {"p": "1/2"})], tmp_path)
    content = json.loads(path.read_text())
    content["cases"][0]["found"][side] = stored
    del content["sha256"]
    path.write_text(json.dumps({**content, "sha256": digest(content)}))
    (row,) = certified_rows(TOY, None, tmp_path)
    assert (row.verdict, row.observed) == ("inconclusive", None)
    assert "other numbers are stored than found" in row.note


def test_shrinking_stops_at_the_smallest():
    """Numbers are shortened one by one while the property lasts."""
    small = shrunk(
        {"a": "731/997", "b": [5, 7]}, lambda d: Fraction(d["a"]) > Fraction(7, 10), lambda d: ()
    )
    assert small == {"a": 1, "b": [0, 0]}
    assert all(size(d)[0] == 3 for d in rounder({"a": "731/997", "b": [5, 7]}))
