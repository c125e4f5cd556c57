"""What an optimizer makes of E[g] on average: by its published recursion, and within limits."""

import jax.numpy as jnp
import numpy as np
import optax
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice import optimizers
from grpo_checks.experiments.advice.advise import Advice
from grpo_checks.experiments.commands import advise as command
from grpo_checks.experiments.models.instances import build, named
from grpo_checks.theory.rules.presets import preset


def test_mean_step_of_adam():
    """arXiv:1412.6980, a loop; only the updates that count."""
    sample, counted = np.random.default_rng(0).normal(0.3, 1, (6, 2, 3)), np.arange(6) >= 2
    first, second, total = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 3))
    for t, g in enumerate(sample):
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        scale = np.sqrt(second / (1 - 0.999 ** (t + 1))) + 1e-8
        total += counted[t] * first / (1 - 0.9 ** (t + 1)) / scale
    ours = optimizers._mean_steps(
        jnp.asarray(sample), optax.scale_by_adam(), jnp.asarray(counted * 1.0)
    )
    np.testing.assert_allclose(ours, total / 4, rtol=1e-9)


@pytest.fixture
def _few_updates(monkeypatch):
    """Less than Adam's memory; enough for limits."""
    monkeypatch.setattr(optimizers, "WARM_UP", 50)
    monkeypatch.setattr(optimizers, "STEPS", 400)


@pytest.mark.usefixtures("_few_updates")
def test_limits_and_lengths():
    """SGD's mean is E[g] up to its limits, clipping at the median shortens it, 1 never does."""
    instance = build(named("dice"))
    frame = optimizers.optimizer_table(instance, instance.theta, preset("trl").rule, 4, 4)
    table = frame.set_index("optimizer")
    plain, never, median = (
        table.loc["SGD" + x] for x in ("", ", max_grad_norm = 1", ", max_grad_norm = median")
    )
    assert abs(plain["length"] - 1) < 2 * plain["length_off"] < 0.2
    assert 1 - plain["cosine"] < 1e-2
    assert never["length"] == plain["length"]
    assert (never["clipped"], median["clipped"]) == (0, pytest.approx(0.5, abs=0.02))
    assert median["length"] < plain["length"] - median["length_off"] - plain["length_off"]
    assert table.loc["Adam", "length"] > 5


def test_command(tmp_path, capsys, monkeypatch):
    """The table is stored beside the others; parts of groups are refused at once."""
    signal = pd.DataFrame([("leave_one_out", 1.0, "")], columns=["estimator", "signal", "note"])
    monkeypatch.setattr(command, "advise", lambda *_: Advice(signal, [], list))
    table = pd.DataFrame([("SGD", 1.0, 0.0, 1.0, 0.0, np.nan)], columns=optimizers.COLUMNS)
    monkeypatch.setattr(command, "optimizer_table", lambda *_: table)
    options = ["advise", "--instance", "conflict", "--budget", "4", "--all", "--out", str(tmp_path)]
    for size in ("3", "0"):
        assert cli.main([*options, "--optimizers", size]) == 2
        assert f"optimizers = {size}: expected a whole number of" in capsys.readouterr().err
    assert not (tmp_path / "rows.csv").exists()
    assert cli.main([*options, "--optimizers", "2"]) == 0
    assert "2 groups of 2, sampled" in capsys.readouterr().out
    stored = pd.read_csv(tmp_path / "optimizers.csv")
    assert stored[["optimizer", "preset", "prompts"]].to_numpy().tolist() == [["SGD", "trl", 2]]
