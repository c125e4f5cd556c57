"""Sampled cells: decided by Holm at a share of one level, their power as planned."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.stored.paper import paper_rows
from scipy import stats

from grpo_checks.experiments.audit.power import power, sampled, seeds_needed, smallest_excess
from grpo_checks.experiments.protocol.claim import Levels, Row, Scope
from grpo_checks.experiments.protocol.error_shares import (
    FAMILY_WISE_ERROR,
    SAMPLED_CLAIMS,
    claim_error,
)
from grpo_checks.experiments.runs.judging import settled
from grpo_checks.theory.convergence.confidence import lower_limit

NEARLY = 0.9 * claim_error()


def _settled(rows):
    return settled(rows, claim_error())


def _row(verdict, levels):
    return Row("T", "i", {"seeds": 9}, 0.5, 0.4, 0.6, 0.55, verdict, levels=levels)


def test_holm_settles_what_simultaneous_limits_leave_open():
    """Three certain cells leave the whole level to the fourth, in either direction."""
    sure, open_ = _row("holds", Levels(1e-9, 1.0)), Levels(NEARLY, 1.0)
    fourth = _row("inconclusive", open_)
    assert [r.verdict for r in _settled([sure] * 3 + [fourth])] == ["holds"] * 4
    weak = _settled([sure] * 3 + [_row("inconclusive", open_._replace(weak=True))])
    assert weak[-1].verdict == "vacuous"
    false = _row("refuted", Levels(1.0, 1e-9))
    more = _settled([false, _row("inconclusive", Levels(1.0, NEARLY))])
    assert [row.verdict for row in more] == ["refuted"] * 2
    still = _settled([_row("inconclusive", Levels(1.0, NEARLY)), _row("holds", Levels(1e-9, 1.0))])
    assert still[0].verdict == "inconclusive"
    assert _settled([_row("inconclusive", None)])[0].verdict == "inconclusive"


@pytest.mark.parametrize("cells", [1, 3])
@pytest.mark.parametrize("direction", ["holds", "refuted"])
def test_holm_settles_at_its_level_alone(direction, cells):
    """Alone a cell needs the level of the claim, of several open ones the first its share of it."""
    for share, verdict in ((0.9, direction), (1.1, "inconclusive"), (9.0, "inconclusive")):
        level = share * claim_error() / cells
        levels = Levels(**{"holds": 1.0, "refuted": 1.0, direction: level})
        others = [_row("inconclusive", Levels(1.0, 1.0))] * (cells - 1)
        assert _settled([*others, _row("inconclusive", levels)])[-1].verdict == verdict


@pytest.mark.parametrize("verdict", ["holds", "refuted", "vacuous", "assumption unmet"])
def test_holm_leaves_what_is_decided(verdict):
    """Levels change nothing where limits decide; those of both directions decide nothing."""
    for levels in (Levels(1e-9, 1.0), Levels(1.0, 1e-9), Levels(1e-9, 1e-9)):
        (row,) = _settled([_row(verdict, levels)])
        assert (row.verdict, row.note) == (verdict, "")
    assert _settled([_row("inconclusive", Levels(1e-9, 1e-9))])[0].verdict == "inconclusive"


def test_what_stays_open_says_its_price():
    """Half-width 0.1 at 9 seeds, slack 0.05: four times as many; a window by its nearer edge."""
    levels = Levels(1.0, 1.0)
    (row,) = _settled([_row("inconclusive", levels)])
    assert row.note == "about 36 seeds would settle it"
    (near,) = _settled([replace(_row("inconclusive", levels), extra={"window_low": 0.475})])
    assert near.note == "about 144 seeds would settle it"
    (edge,) = _settled([replace(_row("inconclusive", levels), observed=0.55, note="why")])
    assert edge.note == "why; no practical number of seeds would settle it"


def test_power_is_what_the_table_says():
    """A scaled Beta law at the smallest excess is found in at least 90 % of the draws; at a third
    of it in fewer than half, so that the figure is not an empty promise."""
    rng, seeds, bound, cells = np.random.default_rng(1), 256, 0.3, 4
    level = claim_error() / cells
    draw = lambda mean, n: mean * rng.beta(8, 24, (n, seeds)) / 0.25  # noqa: E731
    (sample,) = draw(0.1, 1)
    lower = lower_limit(sample, level, 0.0, 2.0)
    cell = {"observed": sample.mean(), "lower": lower, "bound": bound, "seeds": seeds}
    (excess,) = smallest_excess(pd.DataFrame([cell]), level)
    for factor, least, most in ((1.0, 0.9, 1.0), (1 / 3, 0.0, 0.5)):
        every = draw(bound * (1 + factor * excess), 150)
        total = sum(lower_limit(x, level, 0.0, 2.0) > bound for x in every)
        assert total >= stats.binom.ppf(1e-4, 150, least)
        assert total <= stats.binom.isf(1e-4, 150, most)
    (needed,) = seeds_needed(pd.DataFrame([cell]), level, excess)
    assert needed == pytest.approx(seeds, abs=1)


def test_power_of_the_stored_rows():
    """Every claim with seeds and limits is in the table; fewer seeds find less."""
    rows = paper_rows()
    table = power(rows)
    assert {"T1.rate", "T1.path", "T1.slope", "T2.potential"} <= set(table["claim"])
    cells = sampled(rows[rows["claim"] == "T1.rate"])
    every = {x: seeds_needed(cells, 1e-5, x) for x in (0.1, 0.01)}
    assert (every[0.01] > 50 * every[0.1]).all()


def test_a_level_is_shared_among_claims_and_looks():
    """All that can ever be asked for adds up to one level; later seeds are powers of two."""
    rows = paper_rows()
    assert 1 < rows.loc[rows["evidence"] == "statistical", "claim"].nunique() <= SAMPLED_CLAIMS
    looks = [claim_error(2**j) for j in range(60)]
    total = SAMPLED_CLAIMS * sum(looks)
    assert 0.98 * FAMILY_WISE_ERROR < total <= FAMILY_WISE_ERROR
    asked = [Scope("quick", seeds=n) for n in (1, 2, 3, 1000, 1024, 1025)]
    assert [s.seeds for s in asked] == [1, 2, 4, 1024, 1024, 2048]
    assert asked[3].error == asked[4].error > asked[5].error
