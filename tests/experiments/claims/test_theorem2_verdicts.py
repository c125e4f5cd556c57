"""What Theorem 2's verdicts rest on: errors just seen and just not, and cells without a stake."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from odd.odd_models import one_decision, spec_of

from grpo_checks.experiments.claims.decomposition import gap as t2_gap
from grpo_checks.experiments.claims.decomposition import kappa as t2_kappa
from grpo_checks.experiments.claims.decomposition import potential_cells, summaries
from grpo_checks.experiments.claims.decomposition import zero as t2_zero
from grpo_checks.experiments.claims.decomposition.cases import CONFIRMED, DECOMPOSED, static_cells
from grpo_checks.experiments.claims.decomposition.potential_cells import exact_row
from grpo_checks.experiments.claims.surrogates import corrected_bridge
from grpo_checks.experiments.claims.surrogates import identity as t2_identity
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import EQUAL, FLOATING, rows_of, sober
from grpo_checks.experiments.runs.tables import label

RIGHT_OR_WRONG = [[1], [0]]
OPPOSED = [[1, 0], [0, 1], [0, 0]]


@pytest.fixture(scope="module")
def frame():
    """All static cells of the quick profile."""
    observed = pd.concat([c.frame for c in static_cells("quick", None)], ignore_index=True)
    return observed.assign(idle=observed["stake"] == 0)


def test_stated_errors_are_rounding(frame):
    """Far below anything that matters, and above what was met: equalities of gap and bound."""
    scale = frame["magnitude"]
    assert (frame["rounding"] / scale).between(1e-15, 1e-12).all()
    equal = frame[frame["group_size"].isin([2, 3]) & ~frame["arrived"]]
    off = (equal["gap"] - equal["bound"]).abs()
    assert (off <= equal["rounding"]).all()
    assert off.max() > 0


@pytest.mark.parametrize(("factor", "verdict"), [(0.9, "holds"), (1.1, "refuted")])
@pytest.mark.parametrize("bound", ["bound", "kappa_bound"])
def test_a_planted_excess_is_seen_from_its_rounding_error_on(frame, bound, factor, verdict):
    """At the sharp family, whose gap is its bound; and the note says what floating point says."""
    part = frame[frame["instance"] == "sharp"].iloc[:1]
    planted = part.assign(gap=part[bound] + factor * part["rounding"])
    row = sober(summaries.summary("T2.gap", "sharp", planted, bound, {}))
    assert (row.verdict, row.extra["violations"]) == (verdict, int(factor > 1))
    assert row.rounding == pytest.approx(part["rounding"].iloc[0])
    assert (EQUAL if verdict == "holds" else FLOATING) in row.note


def test_one_violation_among_many_cells_is_shown(frame):
    """Not hidden by cells with larger gaps, nor by being without a stake."""
    for idle in (False, True):
        planted = frame.assign(idle=idle)
        planted.loc[7, "gap"] = planted.loc[7, "bound"] + 1e-9
        row = summaries.summary("T2.gap", "all", planted, "bound", {})
        assert (row.verdict, row.extra["violations"]) == ("refuted", 1)
        assert row.observed == planted.loc[7, "gap"]


@pytest.mark.parametrize(("excess", "verdict"), [(0.0, "holds"), (1e-9, "refuted")])
def test_zero_is_as_strict(frame, excess, verdict):
    """A gap of 1e-9 where it is to be 0."""
    part = frame[frame["arrived"] & (frame["group_size"] == 2)].assign(zero=0.0)
    planted = part.assign(gap=part["gap"] + excess, rounding=t2_zero._allowed(part))
    assert planted["rounding"].max() < 1e-10
    assert t2_zero._row("G in [2, 3]", "all", planted).verdict == verdict


def test_kappa_is_as_strict(frame):
    """An excess of 1e-9 over kappa_G; at G = 2 and 3 nothing is at stake, and yet it is seen."""
    for size in (2, 8):
        part = frame[(frame["group_size"] == size) & (frame["eps"] == 0)]
        (row,) = t2_kappa._largest_kappa(part)
        assert label(row) == ("identity" if size == 2 else "holds")
        (row,) = t2_kappa._largest_kappa(part.assign(kappa=row.bound + 1e-9))
        assert row.verdict == "refuted"


@pytest.mark.parametrize("excess", [0.9, 1.1, 1e6])
def test_a_planted_difference_of_updates(excess, monkeypatch):
    """E[g] off by a multiple of what its rounding may be: T2.potential."""
    true, both = exact_row(CONFIRMED, 8, DECOMPOSED, None), potential_cells._both
    assert 0 < true.rounding < 1e-11
    assert true.extra["size"] > 1e9 * true.rounding
    terms = []
    share = potential_cells._share
    monkeypatch.setattr(potential_cells, "_share", lambda x, t: terms.append(t) or share(x, t))
    exact_row(CONFIRMED, 8, DECOMPOSED, None)
    moved = np.zeros(terms[0].shape)
    moved.flat[0] = excess * true.rounding * terms[0].flat[0]

    def planted(*args):
        slope = both(*args)[1]
        return slope + moved, slope

    monkeypatch.setattr(potential_cells, "_both", planted)
    row = exact_row(CONFIRMED, 8, DECOMPOSED, None)
    assert row.verdict == ("holds" if excess < 1 else "refuted")
    assert row.observed == pytest.approx(excess * true.rounding, rel=1e-3)


@pytest.mark.parametrize(("factor", "verdict"), [(0.9, "holds"), (1.1, "refuted")])
@pytest.mark.parametrize("bridge", [0.0, 0.5])
def test_a_planted_excess_over_the_bridge(bridge, factor, verdict, monkeypatch):
    """Also where the bridge is 0, and the group would count as an identity."""
    gaps = corrected_bridge._gaps
    error = (4 * 2 + 16) * 2.0**-53 * 3.0

    def planted(*args):
        observed = gaps(*args)
        off = bridge + factor * error
        return observed._replace(
            speaks=np.ones(4, bool),
            difference=np.array([0.1, off, 0.0, 0.2]),
            bridge=np.array([0.3, bridge, 0.0, 0.4]),
            magnitude=np.full(4, 3.0),
            misalignment=np.zeros(4),
        )

    monkeypatch.setattr(corrected_bridge, "_gaps", planted)
    drawn = corrected_bridge.draw(np.random.default_rng(0), 2, 2, 4)
    row = corrected_bridge._drawn_row("random groups", drawn, 0, 0)
    assert row.verdict == verdict
    if verdict == "refuted":
        assert (row.bound, row.observed) == (bridge, bridge + factor * error)


def _verdicts(content, folder, monkeypatch):
    """Of the claims that need no training, on a model of one's own."""
    for module in (t2_gap, t2_kappa):
        monkeypatch.setattr(module, "training_runs", lambda scope: [])
    spec = spec_of(content, folder)
    scope, observed = Scope("quick", spec), {}
    for module in (t2_gap, t2_kappa, t2_zero, t2_identity):
        claim = replace(module.CLAIM, runs=lambda scope: [])
        rows = rows_of(claim, scope, {})
        assert {row.instance for row in rows} == {spec.name}
        observed[claim.name] = overall([row.verdict for row in rows])
    return observed


VACUOUS = dict.fromkeys(("T2.gap", "T2.kappa", "T2.zero", "T2.identity"), "vacuous")
HELD = dict.fromkeys(VACUOUS, "holds")


@pytest.mark.parametrize(
    ("content", "verdicts"),
    [
        # One component: the bound is phi/c, which is the gap; A_i is A_i^(1).
        (one_decision(RIGHT_OR_WRONG), HELD | {"T2.gap": "vacuous", "T2.identity": "vacuous"}),
        # p_2 = p_1, or 1 - p_1: one response.
        (one_decision([[1, 1], [0, 0]], theta=[[12, 0]]), HELD | {"T2.gap": "vacuous"}),
        (one_decision([[1, 0], [0, 1]], weights=[1, 2]), HELD | {"T2.gap": "vacuous"}),
        # Equal composites: J is the same for every policy.
        (one_decision([[1, 0], [0, 1]]), VACUOUS | {"T2.identity": "vacuous"}),
        (one_decision(OPPOSED), HELD),
        (one_decision([[1, 0], [0, 0]], [[1, 1], [1, 1]]), HELD | {"T2.gap": "vacuous"}),
        (one_decision(OPPOSED, weights=[10**9, 1]), HELD),
        (one_decision(OPPOSED, weights=["1e-6", "1e-6"]), HELD),
        (one_decision(OPPOSED, theta=[[50, 0, -50]]), HELD),
    ],
)
def test_verdicts_on_models_of_ones_own(content, verdicts, tmp_path, monkeypatch):
    """True theorems hold where something is at stake, and are vacuous where nothing is."""
    assert _verdicts(content, tmp_path, monkeypatch) == verdicts


def test_identities_of_named_models():
    """The first two group sizes of every row of T2.gap: c_G is a constant there."""
    cells = static_cells("quick", named("menu", components=2))[0].frame
    rows = [
        summaries.summary("T2.gap", name, part, "bound", shared)
        for name, shared, part in summaries.grouped(
            cells.assign(idle=t2_gap._tautologies(cells)), ["group_size"]
        )
    ]
    kinds = {row.parameters["group_size"]: label(row) for row in rows}
    assert {g for g, kind in kinds.items() if kind == "identity"} == {2, 3}
    assert {kind for g, kind in kinds.items() if g > 3} == {"holds"}
