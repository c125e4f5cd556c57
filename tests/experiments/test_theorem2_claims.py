"""Claims of Theorem 2: how they come out, and how they could have come out."""

import json
from dataclasses import replace

import numpy as np
import pytest

from experiments import rational_groups
from experiments.claim import Scope, overall
from experiments.claims import t2_benefit, t2_bridge, t2_gap, t2_identity, t2_kappa, t2_zero
from experiments.instances import from_argument, named
from experiments.judging import rows_of, runs_of
from experiments.runs import _execute
from experiments.settings import RunSettings
from experiments.theorem2_cases import CONFIRMED, training_cells
from experiments.theorem2_region import best_point, corners, residual
from theory.instances.menu import menu
from theory.presets import preset

QUICK = Scope("quick")


def _verdict(rows):
    return overall([row.verdict for row in rows])


def _mutant(name):
    return replace(QUICK, mutant=name)


def test_identity_in_fractions():
    """0 exactly, and not with eps or with plain weights."""
    rows = t2_identity.rows(QUICK, {})
    assert {row.observed for row in rows} == {0.0}
    assert _verdict(rows) == "holds"
    for name in t2_identity.MUTANTS:
        assert _verdict(t2_identity.rows(_mutant(name), {})) == "refuted"


def test_bridge_is_refuted_and_its_correction_holds():
    """With the exact fractions in the note; the corrected one is reached."""
    (row,) = t2_bridge.bridge_rows(QUICK, {})
    assert row.verdict == "refuted"
    assert row.note == "exact: joint 1/10, decomposed 1/20, Delta 0"
    rows = t2_bridge.corrected_rows(QUICK, {})
    assert _verdict(rows) == "holds"
    assert rows[-1].extra["reached"] == "True"
    assert sum(row.extra["cells"] for row in rows) > 1e5
    for name in t2_bridge.MUTANTS:
        assert _verdict(t2_bridge.corrected_rows(_mutant(name), {})) == "refuted"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ratios", ["8/10", "11/10"]),
        ("weights", ["3/5", "1/4"]),
        ("rewards", [[0, 1], ["1/2", 0]]),
        ("joint", "2/10"),
        ("corrected_bound", "1/11"),
    ],
)
def test_an_edited_digit_changes_the_verdict(monkeypatch, tmp_path, field, value):
    """A stored counterexample that contradicts itself decides nothing."""
    content = json.loads((rational_groups.FOLDER / "bridge.json").read_text())
    (tmp_path / "bridge.json").write_text(json.dumps({**content, field: value}))
    monkeypatch.setattr(rational_groups, "FOLDER", tmp_path)
    (row,) = t2_bridge.bridge_rows(QUICK, {})
    assert row.verdict == "inconclusive"
    assert "states other numbers" in row.note


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rewards", [[0, 2], [1, 0]], "rewards: 2, expected a number in"),
        ("weights", [1, 0], "weights: 0, expected a number > 0"),
        ("weights", [1], r"rewards: 2 rows of \[2\]"),
        ("ratios", ["x", 1], r"ratios\[0\] = 'x'"),
        ("joint", None, "joint = None"),
    ],
)
def test_bad_files_name_what_is_wrong(monkeypatch, tmp_path, field, value, message):
    """File and field."""
    content = json.loads((rational_groups.FOLDER / "bridge.json").read_text())
    (tmp_path / "bridge.json").write_text(json.dumps({**content, field: value}))
    monkeypatch.setattr(rational_groups, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=f"bridge.json: {message}"):
        t2_bridge.bridge_rows(QUICK, {})


@pytest.mark.parametrize("claim", [t2_gap, t2_kappa, t2_zero])
def test_mutants_are_refuted(claim):
    """On the named instances: `sharp` for most, `saturated` for the vanishing gradient."""
    for name in claim.MUTANTS:
        rows = claim.rows(_mutant(name), {})
        assert _verdict(rows) == "refuted"
        guilty = {row.instance for row in rows if row.verdict == "refuted"}
        if claim is t2_kappa:
            expected = "saturated" if "gradient" in name else "sharp"
            assert expected in guilty


def test_zero_holds_and_says_where_it_does_not_apply():
    """All four conditions are met by some cells; elsewhere the gap may be positive."""
    rows = t2_zero.rows(QUICK, {})
    assert [row.verdict for row in rows] == ["holds"] * 4 + ["assumption unmet"]
    assert rows[-1].extra["largest_gap"] > 0.01


def test_graded_components_leave_the_assumption_unmet(tmp_path):
    """c_G is for rewards 0 and 1."""
    path = rational_groups.FOLDER.parent / "examples" / "lookup.json"
    content = json.loads(path.read_text())
    content["reward"][0][0][0] = ["1/2", 0]
    (tmp_path / "graded.json").write_text(json.dumps(content))
    scope = replace(QUICK, instance=from_argument(str(tmp_path / "graded.json")))
    for claim in (t2_gap, t2_kappa, t2_zero):
        assert not runs_of(claim.CLAIM, scope)
        (row,) = rows_of(claim.CLAIM, scope, {})
        assert row.verdict == "assumption unmet"
        assert "other rewards than 0 and 1" in row.note


def test_a_guarantee_needs_its_max():
    """Where <grad J, m> < 0 a positive step lowers J; with max(0, .) nothing is promised."""
    (row,) = t2_benefit.rows(_mutant("no max(0, .)"), {})
    assert row.verdict == "refuted"
    assert row.bound < 0 < row.observed


def test_runs_keep_component_values():
    """At every checkpoint and at the end; the same stream gives the same episodes."""
    run = RunSettings(
        CONFIRMED, 4, 6, 3, preset("trl-gdpo"), 2, step=0.1, checkpoints=(2, 4), stream="test"
    )
    result = _execute(run)
    assert not result["diverged"]
    assert "variance" not in result
    success = np.array(result["success"])
    assert success.shape == (3, 3, 1, 2)
    assert success.min() >= 0
    assert success[:, :, 0, 0].max() <= 0.6 + 1e-12
    assert {"checkpoints", "stream"} <= set(run.settings())
    plain = replace(run, checkpoints=(), stream="").settings()
    assert not {"checkpoints", "stream"} & set(plain)
    cells = training_cells([run], {run: result}).frame
    assert (cells["gap"] <= cells["bound"] + 1e-10).all()
    assert {"along training, componentwise_normalized"} < set(cells["where"])


def test_best_point_is_first_order_and_highest():
    """On `menu`: no call gains along the gradient, and no mixture of two calls is higher."""
    mdp = menu().mdp
    best = best_point(mdp, 8)
    assert abs(residual(mdp, 8, best)) < 1e-14
    assert residual(mdp, 8, corners(mdp).mean(0)) > 0.1


def test_named_menus_are_settings():
    """Tables of fractions travel through a spec."""
    assert named("menu", components=2, calls=(("1/2", 0),)).settings()["options"]["calls"]
