"""A trainer's own update beside the estimators: budgets, batches, presets."""

import jax
import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice import advise as asked
from grpo_checks.experiments.advice.advise import SIZES, advise
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.updates.benefit import ascent

SPEC = named("conflict", components=1, start=-0.5)


@pytest.fixture(autouse=True)
def _few_sizes(monkeypatch):
    """Rows take their time; tables have room for the largest, as in other tests."""
    monkeypatch.setattr(asked, "SIZES", (2, 3, 8, max(SIZES)))


def _part(advice, name):
    return advice.table[advice.table["estimator"] == name].set_index("group_size")


def test_one_length_needs_no_divisor():
    """All episodes have one decision: a token mean is a multiple of a sum, and e knows no scale."""
    token_mean, plain = (advise(SPEC, Plan(24), 0, name) for name in ("trl", "trl-luspo"))
    mean, episode_sum = _part(token_mean, "trl"), _part(plain, "trl-luspo")
    assert list(mean.index) == [2, 3, 8]
    for column in ("signal", "cosine", "silent"):
        np.testing.assert_allclose(mean[column], episode_sum[column], rtol=1e-9)
    # As the divisor of the batch has it, a sum over all its totals.
    instance = build(SPEC)
    by_batch = rule_law(instance.mdp, 3, preset("trl").rule, 8)
    update = jax.jit(lambda *at: by_batch.moments(*at))(instance.policy, instance.theta)
    assert mean["signal"][3] == pytest.approx(float(ascent(update).efficiency), rel=1e-9)
    normalized = _part(plain, "group_normalized").loc[mean.index]
    # TRL's ddof and eps scale all groups of one size by numbers that are nearly one.
    np.testing.assert_allclose(episode_sum["signal"], normalized["signal"], rtol=1e-3)
    np.testing.assert_allclose(episode_sum["silent"], normalized["silent"], rtol=1e-9)


def test_a_batch_in_place_of_a_budget():
    """B prompts, whatever the size; the best is by signal per episode."""
    advice = advise(SPEC, Plan(batch=4), 0)
    assert (advice.table["episodes"] >= 4 * 2 - 1e-9).all()
    exact = advice.table[advice.table["estimator"] != "group_normalized, filtered"]
    assert (exact["episodes"] == 4 * exact["group_size"]).all()
    per_episode = _part(advice, "trl")["signal_per_episode"]
    (line,) = [x for x in advice.summary() if x.startswith("trl (TRL 1.16")]
    assert f"best G = {per_episode.idxmax()} " in line
    assert not any("G*" in x for x in advice.summary())


def test_what_the_command_takes(tmp_path, capsys):
    """One of budget and batch; a preset by name; the plan is stored."""
    command = ["advise", "--instance", "conflict", "--all", "--out", str(tmp_path)]
    assert cli.main([*command, "--batch", "2", "--preset", "verl-seq-mean"]) == 0
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert set(rows["plan"]) == {"2 prompts per update"}
    assert "verl-seq-mean (verl 0.9, " in capsys.readouterr().out
    for options, named_value in (
        (["--preset", "grpo"], "preset = 'grpo': expected one of"),
        (["--batch", "0"], "batch = 0: expected 1.."),
    ):
        assert cli.main([*command, *options]) == 2
        assert named_value in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main([*command, "--batch", "2", "--budget", "8"])
    assert "not allowed with" in capsys.readouterr().err


def test_no_exact_sum_is_said(tmp_path, capsys):
    """Of micro-batches that do not fit: nothing is left out silently. Whitened rules have sums."""
    command = ["advise", "--instance", "conflict", "--budget", "4", "--all", "--out", str(tmp_path)]
    assert cli.main([*command, "--preset", "trl-bnpo"]) == 0
    printed = capsys.readouterr().out
    assert "no group size could be computed exactly" in printed
    assert "micro_batch = 8: expected a divisor of the 4 episodes of a batch" in printed
    assert cli.main([*command, "--preset", "trl-gdpo"]) == 0
    assert "trl-gdpo (TRL 1.16" in (printed := capsys.readouterr().out)
    assert "could be computed exactly" not in printed
