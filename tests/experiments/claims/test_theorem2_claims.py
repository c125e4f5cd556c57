"""Claims of Theorem 2: how they come out, and how they could have come out."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

from grpo_checks.experiments.claims.decomposition import gap as t2_gap
from grpo_checks.experiments.claims.decomposition import kappa as t2_kappa
from grpo_checks.experiments.claims.decomposition import zero as t2_zero
from grpo_checks.experiments.claims.decomposition.cases import CONFIRMED
from grpo_checks.experiments.claims.decomposition.region import best_point, corners, residual
from grpo_checks.experiments.claims.decomposition.training_cells import training_cells
from grpo_checks.experiments.claims.surrogates import bridge as t2_bridge
from grpo_checks.experiments.claims.surrogates import corrected_bridge
from grpo_checks.experiments.claims.surrogates import identity as t2_identity
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.claim import Scope, overall
from grpo_checks.experiments.runs.judging import rows_of, runs_of
from grpo_checks.experiments.runs.training import _execute
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.rules.presets import preset

QUICK = Scope("quick")
EXAMPLES = Path(t2_gap.__file__).parents[2] / "examples"


def _verdict(rows):
    return overall([row.verdict for row in rows])


def _mutant(name):
    return replace(QUICK, mutant=name)


def test_identity_in_fractions():
    """0 exactly."""
    rows = t2_identity.rows(QUICK, {})
    assert {row.observed for row in rows} == {0.0}
    assert _verdict(rows) == "holds"
    assert {row.evidence for row in rows} == {"certified"}


@pytest.mark.parametrize("digits", [5, 9, 40])
def test_no_digit_of_the_identity_is_free(digits, monkeypatch):
    """A misalignment of 1e-9 in one member of one group refutes it: these are fractions."""
    misalignments = t2_identity._misalignments
    planted = iter([fmpq(1, 10**digits)])

    def one_off(rewards, weights):
        exact = misalignments(rewards, weights)
        exact[-1, -1] += next(planted, fmpq(0))
        return exact

    monkeypatch.setattr(t2_identity, "_misalignments", one_off)
    rows = t2_identity.rows(QUICK, {})
    assert [row.verdict for row in rows].count("refuted") == 1
    assert _verdict(rows) == "refuted"


def test_the_corrected_bridge_holds():
    """In random groups; the bridge as reported has stored cases alone."""
    rows = corrected_bridge.rows(QUICK, {})
    assert _verdict(rows) == "holds"
    assert sum(row.extra["cells"] for row in rows) > 1e5


@pytest.mark.parametrize(
    ("claim", "mutant"),
    [
        (t2_bridge.CLAIM, None),
        (t2_identity.CLAIM, "eps"),
        (corrected_bridge.CLAIM, "quarter of the range"),
    ],
)
def test_stored_cases_say_nothing_of_an_instance(claim, mutant):
    """A row says so, where a user's instance is asked about."""
    (row,) = rows_of(claim, Scope("quick", named("menu", components=2), mutant), {})
    assert row.verdict == "assumption unmet"


@pytest.mark.parametrize("claim", [t2_gap, t2_kappa, t2_zero])
def test_mutants_are_refuted(claim):
    """On the named instances: `sharp` for most, `saturated` for the vanishing gradient; three
    components or more by cells with so many alone."""
    for name in claim.CLAIM.mutants:
        rows = claim.rows(_mutant(name), {})
        assert _verdict(rows) == "refuted"
        guilty = {row.instance for row in rows if row.verdict == "refuted"}
        if claim is t2_kappa:
            expected = "saturated" if "gradient" in name else "sharp"
            expected = "sharp, deep" if "K >= 3" in name else expected
            assert expected in guilty
            split = {row.parameters.get("components") for row in rows if row.verdict == "refuted"}
            assert "K >= 3" not in name or split == {3, 4}


def test_zero_holds_and_says_where_it_does_not_apply():
    """All four conditions are met by some cells; elsewhere the gap may be positive."""
    rows = t2_zero.rows(QUICK, {})
    assert [row.verdict for row in rows] == ["holds"] * 4 + ["assumption unmet"]
    assert rows[-1].extra["largest_gap"] > 0.01


def test_graded_components_leave_the_assumption_unmet(tmp_path):
    """c_G is for rewards 0 and 1."""
    path = EXAMPLES / "lookup.json"
    content = json.loads(path.read_text())
    content["reward"][0][0][0] = ["1/2", 0]
    (tmp_path / "graded.json").write_text(json.dumps(content))
    scope = replace(QUICK, instance=from_argument(str(tmp_path / "graded.json")))
    for claim in (t2_gap, t2_kappa, t2_zero):
        assert not runs_of(claim.CLAIM, scope)
        (row,) = rows_of(claim.CLAIM, scope, {})
        assert row.verdict == "assumption unmet"
        assert "other rewards than 0 and 1" in row.note


def test_runs_keep_component_values():
    """At every checkpoint and at the end; the same stream gives the same episodes."""
    run = RunSettings(
        CONFIRMED,
        4,
        6,
        3,
        preset("trl-gdpo").rule.estimator,
        2,
        step=0.1,
        checkpoints=(2, 4),
        stream="test",
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
