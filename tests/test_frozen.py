"""What was decided before the house was rebuilt is decided so still, by whatever decides it now."""

import json
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

from grpo_checks.experiments.claims.catalogue import listed
from grpo_checks.experiments.protocol.certificates import load_cases, path_of

ROOT = Path(__file__).resolve().parents[1]
FROZEN = ROOT / "tests" / "data" / "frozen"
DECIDED = json.loads((FROZEN / "certified.json").read_text(encoding="utf-8"))
KEYS = {"verdicts": ["claim"], "cases": ["claim", "case"], "mutants": ["claim", "mutant"]}
CHANGED: dict[str, dict[str, list[str]]] = {
    "verdicts": {
        "T1.rate": ["cells", "evidence"],
        "T1.path": ["cells", "evidence"],
        "T2.kappa": ["cells", "evidence", "margin"],
        "T2.benefit": ["cells", "evidence", "margin"],
        "T3.coverage": ["cells", "evidence", "margin"],
        "T3.ood": ["cells", "evidence", "margin"],
    },
    "cases": {"T2.gap": ["bound_exact"], "T3.tightness": ["observed_exact", "bound_exact"]},
    "mutants": {},
}
"""What differs on purpose from the frozen tables, by claim the columns: T1.rate and T1.path have
stored cases more, for their power, and count copies of a cell apart; T2.kappa has cells more, with
more components, T2.benefit with equal steps, T3.coverage and T3.ood for their price in nats; of
T2.gap a bound is a ball that was a fraction, since equal responses are enclosed one by one; of
T3.tightness balls are smaller, since the inverse of kl is."""


@pytest.mark.parametrize("table", CHANGED)
def test_stored_results_are_those_before(table):
    """Verdicts, counts of cells, stored cases and what caught each mutant, text by text."""
    before = pd.read_csv(FROZEN / f"{table}.csv", dtype=str, keep_default_na=False)
    now = pd.read_csv(ROOT / "results" / "paper" / f"{table}.csv", dtype=str, keep_default_na=False)
    # Claims, cases and mutants that came later are not in it.
    names = [name for name in ("claim", "case", "mutant") if name in before]
    known = pd.MultiIndex.from_frame(before[names])
    now = now.loc[pd.MultiIndex.from_frame(now[names]).isin(known), before.columns]
    now = now.reset_index(drop=True)
    for claim, columns in CHANGED[table].items():
        for frame in (before, now):
            frame.loc[frame["claim"] == claim, columns] = ""
    pd.testing.assert_frame_equal(before, now)


def _share_a_number(now, before):
    """Enclosures of one number must."""
    low, high, stored_low, stored_high = map(Fraction, [*now, *before])
    return low <= stored_high and stored_low <= high


@pytest.mark.parametrize("claim", DECIDED)
def test_stored_cases_are_decided_as_before(claim):
    """The same verdict, and enclosures of the numbers that were stored.

    What is found at a stored case is stored with it, and decided anew by the tests of points, once
    for all: ``test_theorem1_cases`` to ``test_theorem3_points``, ``test_literature_points``.
    """
    known = {None, *listed(claim).mutants}
    cases = {(case.name, case.mutant): case.found for case in load_cases(path_of(claim))}
    for before in DECIDED[claim]:
        assert before["mutant"] in known
        now = cases[before["name"], before["mutant"]]
        assert now["verdict"] == before["verdict"], before["name"]
        assert _share_a_number(now["observed"], before["observed"]), before["name"]
        assert _share_a_number(now["bound"], before["bound"]), before["name"]
