"""Numbers of the answers, from rows made by hand where a wrong choice of rows gives others."""

import pandas as pd
from helpers.stored.paper import paper_pages, paper_rows

from grpo_checks.experiments.claims.generalization.facts.coverage import failures, nearest, price
from grpo_checks.experiments.claims.generalization.shift import certain_failure
from grpo_checks.experiments.claims.stationarity.budget import facts as budget
from grpo_checks.experiments.ledger.facts.answers.theorem1 import _rate
from grpo_checks.experiments.ledger.facts.margins import looseness
from grpo_checks.experiments.ledger.facts.survey import by_prompts
from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.experiments.runs.margins import margin, ratios
from grpo_checks.experiments.runs.tables import counted, labels
from grpo_checks.experiments.runs.words import at_least, listed
from grpo_checks.experiments.storage.table_file import read_table

HELD = {"verdict": "holds"}


def test_best_sizes_are_of_cells_that_looked_for_one():
    """A comparison of one size with its formula has a size too, 2 or 64, and finds no best."""
    rows = [(3, 2.6), (7, 6.9), (2, None), (64, None)]
    data = pd.DataFrame(rows, columns=["group_size", "best_real_group_size"]).assign(**HELD)
    facts = budget(data)
    assert (facts["typical"], facts["best"], facts["instances"]) == ("3 to 7", "2.6 to 6.9", 2)


def test_copies_and_vacuous_cells_count_for_nothing():
    """Of six cells one is a copy and one vacuous; the ratio is that of the longest runs."""
    cells = [
        (100, 50.0, "holds", None), (100, 9.0, "holds", None), (100, 99.0, "vacuous", None),
        (1000, 4.0, "holds", None), (1000, 5.0, "holds", None), (1000, 1.5, "holds", "K = 1"),
    ]  # fmt: skip
    data = pd.DataFrame(cells, columns=["n_steps", "ratio", "verdict", "copy_of"])
    sides = {"instance": "bits", "observed": 1.0, "bound": data["ratio"], "identity": False}
    facts = _rate(data.assign(estimator="leave_one_out", **sides))
    assert facts == {
        "estimators": "`leave_one_out`",
        "cells": 4,
        "longest": 1000,
        "ratio": "4 to 5",
        "median": "4.5",
        "shortest": 100,
        "most": "50",
    }


def test_failure_probabilities_are_of_pac_bayes_bounds():
    """Neither a bound for one policy counts, nor a comparison in nats, which has no delta."""
    cells = [
        ("kl-xi", "Gibbs", 0.05, 0.01), ("betting mixture", "given", 0.05, 0.03),
        ("fresh tasks", "Gibbs", 0.05, 0.05), ("KL(Q‖P) of kl-xi", "coins", None, 30.0),
    ]  # fmt: skip
    data = pd.DataFrame(cells, columns=["bound_name", "posterior", "delta", "observed"])
    assert len(failures(data)) == 2
    assert nearest(data) == {
        "failing": "0.6",
        "failing_bound": "betting mixture",
        "failing_trained": "0.2",
    }


def test_a_certain_failure_says_from_how_many_tasks_on():
    """In every setting; below .9999 the probability itself is said."""
    rows = [(2, 0.0), (2, 0.1), (20, 0.99995), (20, 0.5), (50, 1.0), (50, 0.99995)]
    data = pd.DataFrame(rows, columns=["n_tasks", "observed"]).assign(delta=0.05)
    told = {"worst": "above 0.9999", "worst_tasks": "50", "delta": "0.05"}
    assert certain_failure(data) == told
    assert certain_failure(data[data["n_tasks"] == 2])["worst"] == "up to 0.1000"


def test_shares_of_the_survey_are_told_by_prompts():
    """What only models with shared parameters do is not said of all."""
    data = pd.DataFrame({"prompts": [1, 1, 3, 3, 3], "zero": [0, 1, 4, 0, 2]})
    assert by_prompts(data, "zero") == "2 of 3 with shared parameters and 1 of 2 with one prompt"


def test_one_set_of_ratios_for_every_page():
    """Of ten rows three count: no copy, identity, relative, stored point, vacuous or unmet cell,
    none below its rounding error on either side."""
    counted_rows = [(1.0, 2.0, {}), (1.0, 3.0, {}), (1.0, 7.0, {})]
    others = [
        (1.0, 50.0, {"copy_of": "K = 1"}), (1.0, 60.0, {"relative": "one policy"}),
        (1.0, 70.0, {"verdict": "vacuous"}), (1.0, 80.0, {"verdict": "assumption unmet"}),
        (1.0, 1.0, {"identity": True, "verdict": "vacuous"}),
        (1.0, 1.0, {"instance": "stored case"}), (4e-16, 3e-16, {"rounding": 5e-16}),
    ]  # fmt: skip
    plain = {"instance": "menu", "identity": False, "rounding": 0.0, "verdict": "holds"}
    data = pd.DataFrame(
        [{**plain, "observed": a, "bound": b, **more} for a, b, more in counted_rows + others]
    )
    data = data.assign(ratio=data["bound"] / data["observed"], slack=data["bound"] - 1)
    assert list(ratios(data)) == [2.0, 3.0, 7.0]
    assert margin(data) == "bound/observed 2 to 7, median 3"
    assert looseness(data.assign(evidence="exact")) == "2, median 3"
    assert margin(data[data["instance"] == "stored case"]) == "bound/observed 1"
    assert margin(data[data["verdict"] == "vacuous"]) == ""


def test_cells_are_counted_alike_on_every_page():
    """A copy and an identity apart, unless they speak against the claim."""
    cells = [
        ("holds", False, None), ("holds", False, "K = 1"), ("refuted", False, "K = 1"),
        ("vacuous", True, None), ("vacuous", False, None), ("vacuous", False, "K = 2"),
    ]  # fmt: skip
    data = pd.DataFrame(cells, columns=["verdict", "identity", "copy_of"])
    assert labels(data) == ["holds", "copy", "refuted", "identity", "vacuous", "copy"]
    stored = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False).set_index("claim")
    rows = paper_rows()
    for name, part in rows.groupby("claim"):
        assert counted(labels(part)) == stored.loc[name, "cells"], name


def test_margins_of_the_verdicts_are_those_of_the_pages():
    """What `verify` prints and what the ledger prints come from the same cells."""
    lines = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False).set_index("claim")
    every = pd.concat([paper_rows(), read_table(PAPER / "cases.csv")], ignore_index=True)
    for name, part in every.groupby("claim"):
        assert margin(part) == lines.loc[name, "margin"], name


def test_pages_say_the_same_numbers():
    """Counts of the front page are those of the details; options are shown where rows differ."""
    pages = {name: " ".join(text.split()) for name, text in paper_pages().items()}
    rows = paper_rows()
    rate = rows[rows["claim"].eq("T1.rate") & rows["copy_of"].isna()]
    held = int(rate["verdict"].eq("holds").sum())
    assert f"Yes for `leave_one_out` (RLOO), in {held} cells" in pages["paper_checks"]
    assert f"**T1.rate** holds, in {held} of {len(rate)} cells" in pages["theorem1"]
    assert f"| T1.rate | holds | {held} holds, " in pages["verifier"]
    assert "| T1.own | dice, grad J, c = 10 | 0.00104267 | 0 |" in pages["paper_checks"]
    assert "groups of 3 to 10 were best" in pages["paper_checks"]
    assert "groups of 3 to 10 were best" in pages["theorem1"]
    coverage = failures(rows[rows["claim"] == "T3.coverage"])
    cells = f"in {coverage['verdict'].eq('holds').sum():,} cells"
    assert all(cells in pages[name] for name in ("paper_checks", "theorem3"))
    for number in (1, 2, 3):
        assert f"## Theorem {number}: is it true?" in pages[f"theorem{number}"]
    assert "goes round" not in "".join(pages.values())


def test_a_price_may_be_known_of_kl_by_itself():
    """`enough_nats` of a comparison of KL(Q‖P), next to those of the logarithm."""
    line = {"instance": "coins", "delta": None, "level": 0.5, "n_tasks": 26, "least_nats": 29.0}
    kl = {"bound_name": "KL(Q‖P) of kl-xi", "price_divergence": 20.0, "price_nats": 32.0}
    scan = {"scan_least": 0.041, "scan_at": 50, "scan_sizes": 9, "scan_from": 5, "scan_to": 2000}
    facts = price(pd.DataFrame([{**line, **kl, "enough_nats": 31.0, **scan}]))
    assert facts is not None
    assert facts["loose"] == "KL(Q‖P) of kl-xi 5.0%"
    assert facts["loose_any"] == ""
    assert facts["scans"] == "KL(Q‖P) of kl-xi 4.1% (least at n = 50, of 9 n from 5 to 2,000)"
    assert facts["table"].endswith("| kl-xi | 20.0 | 0.5 | 26 | 32.00 | 29.00 | 1.10 | 31.00 |")


def test_a_lower_limit_is_rounded_down():
    """.00109 is no "at least .0011"."""
    assert [at_least(x) for x in (0.00109, 0.00104, 1.99)] == ["0.0010", "0.0010", "1.9"]
    assert [listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip
