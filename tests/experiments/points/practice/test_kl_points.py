"""P.kl: its counterexamples by hand, its table, and what a search finds."""

from dataclasses import replace
from math import log

import pandas as pd
import pytest
from flint import fmpq

from grpo_checks.experiments.claims.practice.kl import CLAIM, TWO, facts, point, rows
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.points.practice.kl import FALSE, ROWS, STATEMENT, places
from grpo_checks.experiments.protocol.certificates import certified_rows
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.figures.theorems.practice import kl as drawn

WRONG = {"k1, sequence_mean", "k1, token_mean", "k2 as loss", "k3 as loss", "k3+ as loss"}


@pytest.fixture(scope="module")
def cells():
    """Both columns of the table."""
    return rows(Scope("quick"), {})


def test_both_columns(cells):
    """One decision holds; of several, five lines are refuted, and no other."""
    one, several = (
        {r.parameters["estimate"]: r.verdict for r in cells if r.instance == f"{n} decision{s}"}
        for n, s in (("one", ""), ("several", "s"))
    )
    assert set(one) == set(several) == set(ROWS)
    assert set(one.values()) == {"holds"}
    assert {row for row, verdict in several.items() if verdict == "refuted"} == WRONG
    assert {*several.values()} == {"holds", "refuted"}


def test_counterexamples_by_hand(cells):
    """Fractions and logarithms of the two binary decisions, worked on paper."""
    at = {r.parameters["estimate"]: r for r in cells if r.instance == "several decisions"}
    assert at["k2 as loss"].observed == pytest.approx(log(1 / 3) / 4, abs=1e-15)
    slope = (log(1 / 3) + log(4 / 3) / 2) / 4
    assert at["k2 as loss"].bound == pytest.approx(slope, abs=1e-15)
    third = at["k3 as loss"].extra
    assert (third["observed_exact"], third["bound_exact"]) == ("1/8", "3/16")
    # p(1-p) (1/2 - 1), and of two episodes grad of (1-p)^2/2 + 2p(1-p)/3 + p^2/4, at p = 1/2.
    assert at["k1, sequence_mean"].extra["observed_exact"] == "-1/8"
    assert at["k1, token_mean"].extra["observed_exact"] == "-1/16"


@pytest.mark.parametrize("name", list(FALSE))
def test_false_versions_are_refused_at_one_decision(name):
    """There all true lines hold, so that nothing but the falsehood is seen."""
    (row,) = certified_rows(CLAIM, name)
    assert row.verdict == "refuted"
    assert STATEMENT.decide(point(FALSE[name][0], several=False)).verdict == "holds"


def test_more_stops_than_actions_are_no_point():
    """A document that says so is told."""
    decision = STATEMENT.decide({"row": "k2 as loss", **TWO, "stops": 3})
    assert decision.verdict == "assumption unmet"


def test_search_finds_that_k2_is_wrong():
    """From the domain alone; what is left has no smaller odds, and a uniform policy."""
    domain = replace(STATEMENT.domain, places=places("k2 as loss"))
    claim = replace(CLAIM, exact=replace(STATEMENT, domain=domain).exact())
    result = falsify(claim, 2.0)
    assert result.refuted
    assert result.decision.observed == fmpq(0)
    assert result.document["policy_first"] == [1, 1]


def test_models_agree_next_to_the_reference(cells):
    """Errors shrink with the distance; one decision, and k1 in the reward, have none."""
    on = [r for r in cells if "step" in r.parameters]
    first = [r for r in on if r.parameters["estimate"] == "k1 in the reward"]
    assert {r.verdict for r in [*first, *(r for r in on if r.instance == "bandit")]} == {"holds"}
    for estimate in ("k2 as loss", "k3 as loss"):
        near, far = (
            r.observed for r in on if (r.instance, r.parameters["estimate"]) == ("relay", estimate)
        )
        assert 0.01 < near < 0.3 * far
    figure = drawn(pd.DataFrame([row.flat() for row in cells]))
    (line,) = figure.axes[0].get_lines()
    assert list(line.get_ydata()) == sorted(
        r.observed for r in on if r.verdict == "refuted" and "k2" in r.parameters["estimate"]
    )


def test_the_ledger_tells_both_columns(cells):
    """Counts and numbers are those of the rows."""
    told = facts(pd.DataFrame([row.flat() for row in cells]))
    assert (told["one"], told["one_cells"]) == (len(ROWS), len(ROWS))
    assert told["instances"] == "`relay`"
    assert told["refuted"] == len(WRONG)
    assert "| k3 as loss | holds | refuted | 1/8 | 3/16 |" in told["table"]
