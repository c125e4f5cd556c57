"""Guidance for one model: exact, stored, and confirmed by training."""

from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice.advise import ESTIMATORS, FILTERED, advise
from grpo_checks.experiments.advice.bias_floor import bias_floor
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.claims.stationarity.bias import stationary_gradient
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.training.batch import Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.score_sums import sampled_update
from grpo_checks.theory.updates.budget import budget_terms

SPEC = named("conflict", components=1, start=-0.5)
BUDGET = 24


@pytest.fixture(scope="module")
def advice():
    """For `conflict` at x = -1/2, where G* = 2.46; trainers have tests of their own."""
    return advise(SPEC, Plan(BUDGET), 0, None)


def test_step_is_the_best_guarantee(advice):
    """<grad J, m>/(L E|g|^2): at most 1/L for an unbiased update, L = 1 on `conflict`."""
    part = advice.table[advice.table["estimator"] == "leave_one_out"]
    assert ((part["step"] > 0) & (part["step"] < 1)).all()
    # e = step L <grad J, m> and, unbiased, <grad J, m> = |grad J|^2: one number for all sizes.
    ratio = part["signal"] / part["step"]
    np.testing.assert_allclose(ratio, ratio.iloc[0], rtol=1e-12)


def test_best_group_size_is_that_of_the_closed_form(advice):
    """For an unbiased estimator the signal is largest where N V is least."""
    part = advice.table[advice.table["estimator"] == "leave_one_out"]
    best = int(part.loc[part["signal"].idxmax(), "group_size"])
    instance = build(SPEC)
    terms = jax.jit(lambda *model: budget_terms(*model).best)
    exact = float(terms(instance.mdp, instance.policy, instance.theta))
    assert abs(exact - 2.46) < 0.005
    assert best in (2, 3)
    assert (part["cosine"] > 1 - 1e-12).all()
    assert part["group_size"].max() == BUDGET


def test_filtering_spends_the_budget_on_groups_that_speak(advice):
    """Drawing silent groups again keeps the direction and, at equal episodes, most of e."""
    table = advice.table.set_index(["estimator", "group_size"])
    for g in (2, 8, 24):
        plain, kept = table.loc[("group_normalized", g)], table.loc[(FILTERED, g)]
        assert abs(plain["cosine"] - kept["cosine"]) < 1e-12
        # E|g|^2 per drawn episode is the same; only the square of the mean weighs more.
        assert 1 <= kept["signal"] / plain["signal"] < 1.2


def _after_one_update(group_size, step, seeds=16_384):
    """J after one update of BUDGET episodes at the step that was advised, over seeds."""
    _, mdp, policy, theta, *_ = build(SPEC)
    training = Training(Estimator("leave_one_out"), group_size, prompts=BUDGET // group_size)
    chances = Chances(mdp)

    @jax.jit
    @jax.vmap
    def one(key):
        batch = sample_batch(key, chances, action_cdf(policy.probs(theta)), training)
        update = sampled_update(mdp, policy, theta, batch, training)
        return value(mdp, policy, theta + step * update)

    return np.asarray(one(jax.random.split(jax.random.key(group_size), seeds)))


def test_a_training_sweep_agrees(advice):
    """The order of the signal is the order of the mean J after an update, where both are clear."""
    part = advice.table[advice.table["estimator"] == "leave_one_out"].set_index("group_size")
    observed = {g: _after_one_update(g, part["step"][g]) for g in (2, 3, 8, 24)}
    error = {g: x.std() / np.sqrt(x.size) for g, x in observed.items()}
    compared = 0
    for g in observed:
        for h in observed:
            distance = observed[g].mean() - observed[h].mean()
            if abs(distance) > 4 * np.hypot(error[g], error[h]):
                compared += 1
                assert (part["signal"][g] > part["signal"][h]) == (distance > 0)
    # 2 and 3 are too close to tell apart; every other pair is settled, both ways round.
    assert compared >= 10


def test_bias_floor_is_that_of_the_enclosure():
    """Following E[g] on `conflict` at G = 8 ends where the certified zero is."""
    instance = conflict()
    end = bias_floor(instance, instance.theta, ESTIMATORS[1], 8)
    assert end["squared_update"] <= 1e-20
    low, high = ends(stationary_gradient(8))
    # The descent stops at |E[g]| <= 1e-10, far outside an enclosure of width 1e-12.
    assert float(high - low) < 1e-12
    assert end["squared_gradient"] == pytest.approx(float(low), rel=1e-6)


def test_stored_and_printed(tmp_path, capsys):
    """rows.csv holds the table; the summary names the best size and the silent share."""
    arguments = [
        "advise",
        "--instance",
        "conflict",
        "--budget",
        "8",
        "--all",
        "--out",
        str(tmp_path),
    ]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert set(rows["estimator"]) == {*(e.name for e in ESTIMATORS), FILTERED, "trl"}
    assert rows[["signal", "variance", "silent", "cosine"]].notna().all().all()
    assert "best G = " in printed
    assert "of groups silent" in printed
    assert "bias floor of group_normalized" in printed


def test_training_first():
    """After exact ascent J is larger, and groups are silent more often."""
    before, after = (
        advise(SPEC, Plan(BUDGET), steps, None, (2, 8), ESTIMATORS[:1]) for steps in (0, 200)
    )
    assert (after.table["silent"] > before.table["silent"]).all()
    assert after.summary()[0] > before.summary()[0]


@pytest.mark.parametrize(
    ("option", "value", "named_value"),
    [("--budget", "1", "budget = 1"), ("--train", "-1", "train = -1")],
)
def test_bad_arguments(option, value, named_value, tmp_path, capsys):
    """One line, exit status 2."""
    arguments = ["advise", "--instance", "conflict", option, value, "--out", str(tmp_path)]
    assert cli.main(arguments) == 2
    assert named_value in capsys.readouterr().err


CERTAIN = Path(__file__).parents[2] / "data"


@pytest.mark.parametrize(("name", "theta"), [("near_certain", 50), ("rare_success", -25)])
def test_next_to_certainty(name, theta):
    """Two answers worth 1 and 0: e = 2 p^2 q^2 for G = 2 that speaks, V = 0, cosine 1, 64 episodes.

    Of `leave_one_out`, unbiased: e = |grad J|^4/(|grad J|^2 + V), V = pq(p^3+q^3)/32 at G = 2 with
    B = 32, up to pq.
    """
    observed = advise(from_argument(str(CERTAIN / f"{name}.json")), Plan(64), 0).table
    table = observed.set_index(["estimator", "group_size"])
    q = np.exp(-abs(theta))
    kept, plain = table.loc[(FILTERED, 2)], table.loc[("leave_one_out", 2)]
    assert kept["signal"] == pytest.approx(2 * q**2, rel=1e-10)
    assert kept["variance"] == 0
    assert kept["episodes"] == pytest.approx(64, rel=1e-13)
    assert plain["signal"] == pytest.approx(4 * q**4 / (q / 32), rel=1e-9)
    np.testing.assert_allclose(observed["cosine"], 1, rtol=1e-14)
    assert (observed["variance"] >= 0).all()


def test_other_budgets_are_those_budgets(advice):
    """A quarter of the episodes, asked for by itself; nothing where that is less than a group."""
    table = advice.table.set_index(["estimator", "group_size"])
    quarter = advise(SPEC, Plan(BUDGET // 4), 0, None, (2, 6)).table
    for row in quarter.itertuples():
        expected = table.loc[(row.estimator, row.group_size), "at_quarter"]
        assert row.signal_per_episode == pytest.approx(expected, rel=1e-12)
    assert np.isnan(table.loc[("leave_one_out", 8), "at_quarter"])
    assert (table["at_fourfold"].dropna() > 0).all()
