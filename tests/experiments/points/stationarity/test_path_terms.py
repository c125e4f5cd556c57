"""T1.path and its sharper forms term by term: how sharply each is tested, and what none can see."""

import numpy as np
import pandas as pd
import pytest
from flint import fmpq

from grpo_checks.experiments.audit.sharpness import BLUNT, sharpness
from grpo_checks.experiments.claims.stationarity.path import CLAIM
from grpo_checks.experiments.claims.stationarity.sharp import descent
from grpo_checks.experiments.claims.stationarity.sharp import rate as sharp_rate
from grpo_checks.experiments.points.stationarity.path_search import PATH
from grpo_checks.experiments.points.stationarity.paths import LOWERED, TERMS, VARIANCE, decide_path
from grpo_checks.experiments.points.stationarity.sharp_runs import LESS_DESCENT, LESS_RATE
from grpo_checks.experiments.protocol.certificates import certified_rows
from grpo_checks.theory.numbers.balls import arb
from grpo_checks.theory.rational.lines.curvature import SHARPEST, largest_curvature
from grpo_checks.theory.rational.lines.line import parse_line, parse_odds, slope


def test_power_of_each_term():
    """The whole bound and two of its terms to 10 %; the variance term as far as a line allows."""
    table = pd.DataFrame([row.flat() for row in certified_rows(CLAIM, None)])
    lines = sharpness(table).set_index("bound")
    assert set(lines.index) == {"", *TERMS}
    assert (lines["certain"].drop(VARIANCE) < 0.1).all()
    assert float(1 - SHARPEST) < lines.loc[VARIANCE, "certain"] < 0.82
    assert lines["power"].eq(BLUNT).to_dict() == {name: name == VARIANCE for name in lines.index}


@pytest.mark.parametrize(
    ("claim", "least"),
    [
        (descent.CLAIM, {"": 1e-6, "gain term": 1e-6, "curvature term": 1e-4}),
        (sharp_rate.CLAIM, {"": 0.05, "gap term": 0.05, "variance term": 0.5}),
    ],
)
def test_power_of_sharper_forms(claim, least):
    """With the line's own L each term is nearly used up; of V at an interior optimum half is."""
    table = pd.DataFrame([row.flat() for row in certified_rows(claim, None)])
    lines = sharpness(table).set_index("bound")
    assert set(lines.index) == {*least}
    assert all(0 < lines.loc[name, "certain"] < most for name, most in least.items())


@pytest.mark.parametrize(
    ("claim", "lowered"),
    [(CLAIM, LOWERED), (descent.CLAIM, LESS_DESCENT), (sharp_rate.CLAIM, LESS_RATE)],
)
def test_mutants_lower_one_term(claim, lowered):
    """Each term is dropped by one, and lowered by another."""
    assert set(lowered) == set(claim.mutants)
    terms = {term for _, term, _ in lowered.values()}
    assert {term for _, term, left in lowered.values() if left == 0} == terms
    assert {term for _, term, left in lowered.values() if left != 0} == terms


def test_a_bound_is_one_of_the_terms():
    """The field is named."""
    with pytest.raises(ValueError, match="bound = 'terms'"):
        decide_path({**CASE, "bound": "terms"}, None)


RNG = np.random.default_rng(5)
assert PATH.search is not None
SEARCH = PATH.search
CASE = SEARCH.document(RNG.normal(size=5), SEARCH.choices[3], 30)


@pytest.mark.parametrize("choice", SEARCH.choices[:3])
def test_no_run_sees_more_of_the_variance_term(choice):
    """At random models, starts and steps: 1 - k is lost at least."""
    for _ in range(5):
        x = 2 * RNG.normal(size=SEARCH.dimension(choice))
        document = {**SEARCH.document(x, choice, 30), "bound": VARIANCE}
        decision = decide_path(document, None)
        assert decision.observed <= SHARPEST * decision.bound


def test_curvature():
    """Differences of the slope stay below kappa, which one prompt attains."""
    for choice in SEARCH.choices:
        document = SEARCH.document(RNG.normal(size=SEARCH.dimension(choice)), choice, 30)
        line = parse_line(document)
        logit = arb(parse_odds(document)).log()
        ends = [slope(line, (logit + h).exp()) for h in (fmpq(0), fmpq(1, 1000))]
        assert abs(ends[1] - ends[0]) * 1000 < largest_curvature(line)
    line = parse_line(CASE)
    worst = arb(2 + arb(3).sqrt()).log()
    ends = [slope(line, (worst + h).exp()) for h in (fmpq(-1, 1000), fmpq(1, 1000))]
    assert float(abs(ends[1] - ends[0]) * 500 / largest_curvature(line)) == pytest.approx(1, 1e-5)
