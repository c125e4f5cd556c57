"""How sharply bounds are tested: hand-made rows, a simulation, and the committed rows."""

import numpy as np
import pandas as pd
import pytest
from helpers.stored.paper import paper_rows
from scipy import stats

from grpo_checks.experiments.audit.sharpness import BLUNT, NOTHING, seen, sharpness
from grpo_checks.experiments.ledger.facts.overview import top
from grpo_checks.experiments.ledger.ledger import PAPER
from grpo_checks.experiments.protocol.certificates import STORED
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.protocol.error_shares import claim_error


def _row(observed, bound, verdict="holds", limits=None, parameters=None, **others):
    low, high = limits or (observed, observed)
    return Row("T", "i", parameters or {}, observed, low, high, bound, verdict, **others)


def _lines(*rows, points=()):
    return sharpness(pd.DataFrame([row.flat() for row in rows]), points).to_dict("records")


def test_a_bound_used_to_four_fifths_can_fall_by_a_fifth():
    """The tightest cell counts, and its rounding error; looser, vacuous and identical ones do not
    but are counted apart."""
    cells = [
        _row(0.8, 1.0, rounding=0.01),
        _row(0.5, 1.0, evidence="certified"),
        _row(0.0, 1.0, rounding=0.0),
        _row(0.99, 1.0, "vacuous"),
        _row(1.0, 1.0, rounding=0.0, identity=True),
        _row(1.0, 1.0 + 1e-12, rounding=1e-11),
    ]
    (line,) = _lines(*cells)
    assert line["certain"] == pytest.approx(0.21)
    groups = ("telling", "reached", "identity", "idle")
    assert [line[name] for name in groups] == [2, 1, 1, 2]
    assert line["power"] == ""
    assert np.isnan(line["sampled"])
    (blunt,) = _lines(*cells[1:])
    assert blunt["certain"] == 0.5
    assert blunt["power"] == ""
    (blunt,) = _lines(_row(0.49, 1.0, rounding=0.0))
    assert blunt["power"] == BLUNT


def test_copies_are_no_evidence():
    """Not even where they are tighter: the first of them counts."""
    (line,) = _lines(_row(0.6, 1.0), _row(0.9, 1.0, extra={"copy_of": "K = 1"}))
    assert line["certain"] == pytest.approx(0.4)
    assert line["telling"] == 1


def test_words_in_place_of_a_number():
    """Equations, refuted claims, and bounds at which nothing is at stake."""
    equal, zero = _row(0.3, 0.3, rounding=1e-15), _row(0.0, 0.0, rounding=0.0)
    assert [line["power"] for line in _lines(equal, zero)] == ["equality"]
    assert [line["power"] for line in _lines(_row(0.1, 1.0), _row(2.0, 1.0, "refuted"))] == [
        "refuted"
    ]
    assert [line["power"] for line in _lines(_row(2.0, 1.0, "refuted"))] == ["refuted"]
    assert [line["power"] for line in _lines(_row(0.0, 1.0, rounding=0.0))] == [NOTHING]
    assert [line["power"] for line in _lines(_row(0.5, 1.0, "vacuous"))] == ["vacuous"]


def test_bounds_are_told_apart():
    """By name; a bound for one policy is an easier relative, the falsifier's point included."""
    tight, loose = (
        _row(x, 1.0, parameters={"bound_name": name}, rounding=0.0)
        for x, name in ((0.9, "kl-xi"), (0.2, "lambda"))
    )
    relative = _row(0.999, 1.0, parameters={"bound_name": "Chernoff"})
    found = {"verdict": "holds"}
    points = [
        {"claim": "T", "document": {"bound": bound}, "ratio": ratio, "found": found}
        for bound, ratio in (("Chernoff", 0.9999), ("kl-xi", 0.95), ("kl-xi", 0.93))
    ]
    first, second = _lines(tight, loose, relative, points=points)
    assert (first["bound"], second["bound"]) == ("kl-xi", "lambda")
    assert (first["certain"], second["certain"]) == pytest.approx((0.1, 0.8))
    assert first["falsifier"] == pytest.approx(0.05)
    assert np.isnan(second["falsifier"])


def test_a_window_has_two_bounds():
    """Its upper edge is lowered, its lower edge raised, each to what was certainly observed."""
    cell = _row(-0.5, -0.4, extra={"window_low": -0.8}, rounding=0.0)
    upper, lower = _lines(cell)
    assert (upper["bound"], lower["bound"]) == ("upper edge", "lower edge")
    assert (upper["certain"], lower["certain"]) == pytest.approx((0.25, 0.375))


def test_a_failure_probability_is_measured_in_nats():
    """At f = delta^2 half of ln(1/f) has been given away."""
    cell = _row(0.0025, 0.05, parameters={"bound_name": "kl-xi", "delta": 0.05}, rounding=0.0)
    stored = Row("T", STORED, {"case": "x", "bound_name": "kl-xi"}, *[0.01] * 3, 0.05, "holds")
    (line,) = _lines(cell)
    assert line["certain"] == pytest.approx(0.5)
    (line,) = _lines(cell, stored)
    assert line["certain"] == pytest.approx(np.log(5) / np.log(100))


def test_a_sampled_cell_refutes_as_often_as_is_said():
    """Means of a normal law, limits at the level of one cell: 0.95 of the redrawn cells."""
    mean, error, bound, draws = 0.6, 0.02, 1.0, 20_000
    width = error * stats.norm.isf(claim_error())
    limits = (mean - width, mean + width)
    (line,) = _lines(_row(mean, bound, limits=limits, evidence="statistical"))
    lowered = bound * (1 - line["sampled"])
    means = np.random.default_rng(3).normal(mean, error, draws)
    refuted = int((means - width > lowered).sum())
    assert stats.binom.ppf(1e-4, draws, 0.95) <= refuted <= stats.binom.isf(1e-4, draws, 0.95)
    assert np.isnan(line["certain"])


@pytest.fixture(scope="module")
def stored():
    """The committed rows and cases."""
    tables = [paper_rows(), pd.read_csv(PAPER / "cases.csv", low_memory=False)]
    return tables, sharpness(pd.concat(tables, ignore_index=True))


def test_agrees_with_the_smallest_changes_of_the_mutants(stored):
    """A bound on a failure probability is seen to a share of nats no larger than the row says that
    comes nearest to its delta, at most 1/5; of a claim with one bound no number is below the least
    lowering that any of its rows notices."""
    smallest = pd.read_csv(PAPER / "mutants_smallest.csv", keep_default_na=False)
    change = smallest["smallest change seen"].str.extract(r"^([\d.e-]+)%$")[0].astype(float) / 100
    known = smallest.assign(change=change).dropna(subset="change")
    _, lines = stored
    both = known.merge(lines[lines["power"].isin(["", BLUNT])], on=["claim", "bound"])
    coverage = both[(both["claim"] == "T3.coverage") & ~both["bound"].str.contains("KL")]
    least = coverage.apply(seen, axis=1)
    assert len(coverage) == 9
    # The last digits of a per cent are not printed.
    nats = -np.log(np.maximum(1 - coverage["change"] - 5e-5, 0.0) + 1e-300)
    assert (least <= nats / (nats + np.log(5))).all()
    claims = {"T1.rate", "T1.path", "T1.curl", "T1.cycle"}
    others = both[both["claim"].isin(claims)]
    assert set(others["claim"]) == claims
    assert (others.apply(seen, axis=1) >= others["change"] - 5e-5).all()


def test_the_top_table_says_what_is_not_sharp(stored):
    """A number where a bound is tested, words where it is not, for every claim."""
    (rows, cases), lines = stored
    verdicts = pd.read_csv(PAPER / "verdicts.csv", keep_default_na=False)
    assert set(lines["claim"]) == set(verdicts["claim"])
    text = str(top(verdicts, rows, cases, [])["table"])
    line = {row.split(" | ")[0].removeprefix("| "): row for row in text.splitlines()}
    blunt = {claim: part["power"].eq(BLUNT).any() for claim, part in lines.groupby("claim")}
    assert {claim: BLUNT in line[claim] for claim in blunt} == blunt
    assert len({*blunt.values()}) == 2
    assert "| equality |" in line["T2.identity"]
    assert "| refuted | " in line["T2.bridge"]
