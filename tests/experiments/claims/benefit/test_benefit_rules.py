"""Rules that tell decomposed from joint GRPO: hand-made rows, and the committed ones."""

import pandas as pd
import pytest

from grpo_checks.experiments.claims.benefit.rules import (
    ALWAYS,
    DECOMPOSED,
    FITTED,
    JOINT,
    TRUE,
    fitted,
    rankings,
)
from grpo_checks.experiments.runs.stored import PAPER
from grpo_checks.experiments.storage.table_file import read_table


def _cells(*points):
    names = ["correlation", "success_ratio", "gain_lead", "e_decomposed", "e_joint"]
    shared = {"instance": "outcomes", "where": "one update", "verdict": "holds"}
    return pd.DataFrame([[*p, 2.0, 3.0] for p in points], columns=names).assign(**shared)


def _races(*ends):
    shared = {"instance": "outcomes", "where": "training", "verdict": "holds", "J_joint": 0.0}
    rows = [
        {"lead_at_start": -1.0, "J_decomposed": x, "lower": x - 0.5, "upper": x + 0.5} for x in ends
    ]
    return pd.DataFrame(rows).assign(**shared, correlation=0.5, success_ratio=1.0)


POINTS = [(-0.9, 1.0, -1.0), (-0.9, 1.0, -1.0), (-0.9, 0.1, 1.0), (0.5, 1.0, 1.0), (0.5, 0.1, 1.0)]


def test_the_fit_finds_the_thresholds():
    """Joint gains more where components exclude each other and both succeed."""
    rule = fitted(_cells(*POINTS))
    assert rule == (-0.9, 1.0)
    assert rule.decomposed(_cells(*POINTS)).tolist() == [False, False, True, True, True]


def test_each_rule_counts_its_own_mistakes():
    """By hand: e says joint everywhere (2 < 3), which two cells of five confirm."""
    lines, rule = rankings(pd.concat([_cells(*POINTS), _races(1.0, 0.1)], ignore_index=True))
    wrong = lines.set_index("rule")
    assert wrong["all"][[TRUE, DECOMPOSED, JOINT, ALWAYS]].tolist() == [3, 3, 2, 2]
    # Kept back: the second and the fourth cell.
    assert wrong["kept"][[TRUE, ALWAYS, FITTED]].tolist() == [1, 1, 0]
    assert wrong.loc[[TRUE, ALWAYS, FITTED], "races"].tolist() == [2, 0, 0]
    assert wrong.loc[[TRUE, ALWAYS], "decisive"].tolist() == [1, 0]
    assert pd.isna(wrong["all"][FITTED])
    assert rule.correlation < 0


def test_a_denominator_that_is_wrong_is_seen_on_one_side():
    """In the committed rows: decomposed's times 3 ranks far more cells wrongly than e, joint's
    fewer, since e itself leans to joint."""
    rows = read_table(PAPER / "rows.csv")
    lines, _ = rankings(rows[rows["claim"] == "T2.benefit"])
    wrong = lines.set_index("rule")["all"]
    assert wrong[DECOMPOSED] > 1.5 * wrong[TRUE]
    assert wrong[JOINT] == pytest.approx(wrong[ALWAYS], abs=5)
    assert wrong[JOINT] < wrong[TRUE]
