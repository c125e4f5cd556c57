"""T1.path term by term: how sharply each is tested; of the variance's no more can be seen."""

import numpy as np
import pandas as pd
import pytest
from flint import fmpq

from grpo_checks.experiments.audit.sharpness import BLUNT, sharpness
from grpo_checks.experiments.claims.stationarity.path import CLAIM
from grpo_checks.experiments.points.stationarity.path_search import PATH
from grpo_checks.experiments.points.stationarity.paths import LOWERED, TERMS, VARIANCE, decide_path
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


def test_mutants_lower_one_term():
    """Each term is dropped by one, and lowered by another."""
    assert set(LOWERED) == set(CLAIM.mutants)
    dropped = [term for term, left in LOWERED.values() if left == 0]
    assert set(dropped) == set(TERMS)
    assert {term for term, left in LOWERED.values() if left != 0} == set(TERMS)
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
