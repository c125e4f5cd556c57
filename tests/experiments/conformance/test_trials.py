"""A trainer's own sampler and path: against the group law, scipy, and what was recorded."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import softmax

from grpo_checks.experiments.conformance.cases.catalogue import MUTANTS
from grpo_checks.experiments.conformance.episodes import list_tokens
from grpo_checks.experiments.conformance.models import model
from grpo_checks.experiments.conformance.reference import closed_form
from grpo_checks.experiments.conformance.trials.paths import (
    RATE,
    dice_lotteries,
    exact_orbit,
    rounds,
)
from grpo_checks.experiments.conformance.trials.sampler import chi_square, largest_z
from grpo_checks.experiments.ledger.facts.answers.trainer import trainer
from grpo_checks.experiments.storage.table_file import read_table
from grpo_checks.figures.theorems.trainers import paths as draw
from grpo_checks.theory.rules.presets import preset

RESULTS = Path(__file__).resolve().parents[3] / "results" / "conformance"


def test_the_orbit_steps_by_the_group_law():
    """Pairs and their duels, against E[g] of the whole two-decision model."""
    path, law = exact_orbit(1), closed_form(model("dice"), 2, preset("trl-luspo").rule, 1)
    step = (path[1] - path[0]) / RATE
    assert step == pytest.approx(law.mean.reshape(-1, 4)[0, :3], rel=1e-12)


def test_rounds_count_turns():
    """A circle in the plane of fixed sums, two and a quarter times."""
    angle = np.linspace(0, 4.5 * np.pi, 400)
    plane = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
    circle = np.stack([np.cos(angle), np.sin(angle)], 1) @ plane + 7
    assert rounds(circle) == pytest.approx(2.25, abs=1e-9)


def test_chi_square_is_that_of_scipy():
    """And a sampler that never draws a rare answer is told."""
    episodes = list_tokens(model("wide"))
    drawn = np.random.default_rng(0).choice(64, 20_000, p=episodes.chance)
    result = chi_square(episodes, drawn)
    reference = stats.chisquare(np.bincount(drawn, minlength=64), 20_000 * episodes.chance)
    assert result.statistic == pytest.approx(reference.statistic, rel=1e-9)
    assert result.freedom == 63
    assert result.chance == pytest.approx(reference.pvalue, rel=1e-9)
    likely = np.isin(drawn, np.argsort(episodes.chance)[14:])
    assert chi_square(episodes, drawn[likely]).chance < 1e-20


def test_largest_z_leaves_out_what_never_moves():
    """Against a mean by hand."""
    gradient = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    z, many = largest_z(gradient, np.array([1.0, 5.0]))
    assert (z, many) == (pytest.approx(np.sqrt(3)), 1)


@pytest.fixture(scope="module")
def recorded():
    return read_table(RESULTS / "rows.csv")


def test_the_recorded_path_is_on_the_simplex(recorded):
    """J is that of its policy, and the sum of theta never changed."""
    policy = recorded[["first", "second", "third"]].to_numpy()
    assert policy.sum(1) == pytest.approx(1, abs=1e-6)
    assert recorded["J"].to_numpy() == pytest.approx(policy @ dice_lotteries().value, abs=1e-6)
    # theta is log pi plus a constant; its sum .4 gives the sum of exp(-theta).
    theta = np.log(policy)
    theta += ((0.4 - theta.sum(1)) / 3)[:, None]
    near = recorded["conserved"].to_numpy() < 10
    assert np.exp(-theta).sum(1)[near] == pytest.approx(
        recorded["conserved"].to_numpy()[near], rel=1e-4
    )
    assert softmax(theta, 1) == pytest.approx(policy)


def test_the_ledger_says_what_was_recorded(recorded):
    """Three rounds of the defaults, the others arrive; without them nothing is said."""
    facts = trainer(recorded)
    defaults = recorded[recorded["setting"] == "defaults"]
    assert float(facts["rounds"]) == pytest.approx(defaults["rounds"].iloc[-1], abs=0.05)
    assert float(facts["rounds"]) > 3
    assert facts["version"] == "1.16.0"
    assert trainer(recorded[recorded["setting"] == "defaults"]) is None
    stays = recorded.assign(J=recorded["J"].where(recorded["setting"] != "GDPO", 0.6))
    assert trainer(stays) is None


def test_the_figure_shows_the_rows(recorded):
    """J of the defaults, point by point."""
    axes = draw(recorded).axes[1]
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    expected = recorded[recorded["setting"] == "defaults"]["J"].tolist()
    assert lines["TRL, defaults"].tolist() == expected
    assert draw(pd.DataFrame({"claim": ["conformance"]})) is None


def test_every_fault_is_another_option_of_one_rule():
    """Mutants plant faults into the trainer, never into what is expected of it."""
    for cases in MUTANTS.values():
        assert len(cases) == 9
        assert {case.rule for case in cases} == {cases[0].rule}
        assert not cases[0].options.get("fault")
