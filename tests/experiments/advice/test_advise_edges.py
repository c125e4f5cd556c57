"""Guidance where there is nothing to learn, or nothing that float64 could follow."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.advice.advise import ESTIMATORS, advise
from grpo_checks.experiments.advice.bias_floor import floor_line
from grpo_checks.experiments.advice.place import Plan
from grpo_checks.experiments.advice.words import BUDGETS
from grpo_checks.experiments.models.building.argument import from_argument
from grpo_checks.experiments.models.instances import build

CERTAIN = Path(__file__).parents[2] / "data"


def _file(name, tmp_path, rewards, weights, theta):
    """A model of one state with an answer for each row of rewards."""
    document = {
        "format": "ta-mdp/1",
        "name": name,
        "policy": {"kind": "tabular"},
        "prompt_distribution": [1],
        "initial_distribution": [[1]],
        "depth": [0],
        "tool_transition": [],
        "legal": [[True] * len(rewards)],
        "reward": [[rewards]],
        "weights": weights,
        "theta": [theta],
    }
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(document))
    return path


def _asked(path, tmp_path, capsys):
    """What `advise` prints and stores."""
    command = ["advise", "--instance", str(path), "--budget", "4", "--all", "--out", str(tmp_path)]
    assert cli.main(command) == 0
    return capsys.readouterr().out, pd.read_csv(tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("rewards", "weights", "learn"),
    [
        ([[1], [1]], [1], False),
        ([[0], [0]], [1], False),
        ([[1, 0], [0, 1]], [1, 1], False),
        ([[1, 0], [1, 1]], [1, 1], True),
        ([[0, 0], [0, 1]], [1, 2], True),
    ],
    ids=str,
)
def test_nothing_to_learn_is_said_in_words(rewards, weights, learn, tmp_path, capsys):
    """Equal rewards, components that cancel, or one that never varies: no nan, no inf."""
    theta = [0.5] + [0.0] * (len(rewards) - 1)
    path = _file("dull", tmp_path, rewards, weights, theta)
    printed, rows = _asked(path, tmp_path, capsys)
    assert not re.search(r"\b(nan|inf|NaN)\b", printed)
    assert not np.isinf(rows.select_dtypes(float)).any().any()
    assert ("nothing to learn, V = 0 for every G" in printed) != learn
    assert printed.count("e = 0 for every G") == (0 if learn else len(ESTIMATORS) + 1)
    assert ("group_normalized, filtered: no group speaks" in printed) != learn
    assert ("G*" in printed) == learn
    numbers = rows.dropna(subset=["signal"])
    assert numbers.notna().drop(columns=["note", *BUDGETS]).all().all()
    # 3 estimators and sizes 2, 3, 4; a trainer with 2 and 4; filtered ones where there are any.
    assert len(numbers) == (14 if learn else 11)
    np.testing.assert_equal(np.isclose(numbers["silent"], 1, 0, 1e-15).all(), not learn)


def test_opposed_components_are_silent_for_every_size(tmp_path):
    """(1, 0) and (0, 1) with equal weights cancel in groups of any size; with (1, 1) they speak."""
    path = _file("opposed", tmp_path, [[1, 0], [0, 1], [1, 1]], [1, 1], [0, 0, 0])
    rows = advise(from_argument(str(path)), Plan(4), 0, None).table
    silent = rows.set_index(["estimator", "group_size"])["silent"]
    # Three answers alike, two of which are as one.
    for g in (2, 3, 4):
        for estimator in ("componentwise_normalized", "group_normalized"):
            assert silent[(estimator, g)] == pytest.approx((2**g + 1) / 3**g, rel=1e-13)


def test_what_cannot_be_followed_is_not_called_a_zero():
    """theta = 50: |E g|^2 is 1e-43 without a zero; equal rewards: E[g] is 0."""
    instance = build(from_argument(str(CERTAIN / "near_certain.json")))
    line = floor_line(instance, instance.theta, ESTIMATORS[1], 4)
    assert line.endswith("too small to follow")
    rare = build(from_argument(str(CERTAIN / "rare_success.json")))
    assert "no zero of E[g]" in floor_line(rare, rare.theta, ESTIMATORS[1], 64)
