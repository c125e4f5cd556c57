"""The answer to Theorem 2: numbers are those of the rows, sentences those of the verdicts."""

import pandas as pd
import pytest

from grpo_checks.experiments.ledger.facts.answers.theorem2 import answer
from grpo_checks.experiments.ledger.ledger import all_parts
from grpo_checks.experiments.ledger.parts import PARTS, filled_part

NAME = "Theorem 2, the answer"
HELD = {"verdict": "holds"}
POINT = {"where": "first-order point", "cells": 2}
MAP = {"instance": "outcomes", "where": "one update", "verdict": "refuted"}
RACE = {"instance": "outcomes", "where": "training", "verdict": "inconclusive", "J_joint": 0.0}
CASES = [
    ("T2.shared", "one logit, G = 4", 1.25, 0.05),
    ("T2.shared", "one logit, G = 8", 1.2, 0.2),
    ("T2.bridge", "a pair", 0.05, 0.0),
]


def _rows():
    """By hand: e says joint in both cells of the map, which is wrong in both."""
    kappa = [
        {**HELD, "group_size": 4, "factor": 0.04},
        {**HELD, **POINT, "instance": "sharp", "ratio_max": 0.75},
        {**HELD, **POINT, "instance": "menu", "ratio_max": 0.5},
        {**HELD, "where": "all first-order points", "cells": 1234, "ratio_median": 0.125},
    ]
    cell = {**MAP, "correlation": 0.5, "success_ratio": 1.0, "e_decomposed": 1.0, "e_joint": 2.0}
    cell["best_at_end"] = 2
    race = {"lead_at_start": 1.0, "J_decomposed": 1.0, "lower": -1.0, "upper": 2.0}
    features = {"correlation": 0.5, "success_ratio": 1.0}
    curl = {**HELD, "components": 1, "distinct_rewards": 3, "group_size": 4, "observed": 0.7}
    cells = [{**cell, "gain_lead": 0.1}, {**cell, "gain_lead": 0.2, "best_at_end": 1}]
    benefit = [*cells, {**RACE, **race, **features}]
    names = ("T2.identity", "T2.potential", "T2.zero")
    return {
        **{name: pd.DataFrame([HELD]) for name in names},
        "T2.kappa": pd.DataFrame(kappa),
        "T2.global": pd.DataFrame([{**HELD, "observed": 0.8, "bound": 1.0}]),
        "T2.benefit": pd.DataFrame(benefit),
        "T1.curl": pd.DataFrame([curl]),
        "cases": pd.DataFrame(CASES, columns=["claim", "case", "observed", "bound"]).assign(
            verdict="refuted"
        ),
    }


def _text(rows):
    return " ".join(filled_part(NAME, all_parts()[NAME], rows).split())


def test_the_answer_is_made_of_the_rows():
    """Numbers of the hand-made rows, and none besides."""
    text = _text(_rows())
    assert "at most 4.0% (G = 4) of what the components can move" in text
    assert "(gap/bound is 1 within 2e-01), and over all 1,234 first-order points" in text
    assert "the median of gap/bound is 0.125" in text
    assert "in 1 cells up to 0.80000 of that bound" in text
    assert "loses 1.250, 100% of what the components can move" in text
    assert "would allow 0.050 (certified by sign, 2 group sizes in all)" in text
    assert "G = 4: |A - A^T|/|A| of its Jacobian A is 0.7)" in text
    assert "wrong in 2 of 2 cells. Decomposing gains more in 2 of them; in 1 the longest" in text


@pytest.mark.parametrize("name", [n for n in PARTS[NAME].inputs if n != "T2.benefit"])
def test_it_is_silent_for_other_verdicts(name):
    """One of its claims that comes out otherwise, or a counterexample that is none."""
    rows = _rows()
    rows[name] = rows[name].assign(verdict="inconclusive")
    assert _text(rows) == ""


def test_it_is_silent_where_e_tells():
    """Of the map, in which e is no longer wrong more often than decomposing always."""
    rows = _rows()
    rows["T2.benefit"] = rows["T2.benefit"].assign(gain_lead=-0.1)
    assert _text(rows) == ""
    rows["T2.benefit"] = _rows()["T2.benefit"].assign(verdict="holds")
    assert answer(*(rows[name] for name in PARTS[NAME].inputs)) is None
