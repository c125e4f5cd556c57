"""Tables of Gymnasium against value iteration on the tables themselves, by NumPy."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np
import pytest

from grpo_checks.experiments.models.building.argument import EXAMPLES
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.building.toy_text import ACTIONS, from_gymnasium, from_table
from grpo_checks.theory.evaluation.optimum import best_values
from grpo_checks.theory.evaluation.values import component_values

RECORDED = json.loads((Path(__file__).parents[3] / "data" / "toy_text.json").read_text())
"""P and the law of the start, as Gymnasium 1.4.0 ships them; (1.0, s, r, t) without its chance."""


def _table(name):
    outcome = lambda x: (x[0], x[1], x[2], bool(x[3]))  # noqa: E731
    return {
        s: {
            a: [outcome(x) for x in rows] if isinstance(rows[0], list) else [outcome([1.0, *rows])]
            for a, rows in enumerate(actions)
        }
        for s, actions in enumerate(RECORDED[name]["P"])
    }


def _start(name, n_states):
    chances = np.zeros(n_states)
    for state, chance in RECORDED[name]["start"].items():
        chances[int(state)] = chance
    return chances


def _iterated(table, depth, goal, pick):
    """Chance of the goal within ``depth`` steps, by state: ``pick`` is max or mean over actions."""
    ahead = np.zeros(len(table))
    for _ in range(depth):
        ahead = np.array(
            [
                pick(
                    [
                        sum(p * (float(r == goal) if ends else ahead[t]) for p, t, r, ends in rows)
                        for rows in actions.values()
                    ]
                )
                for actions in table.values()
            ]
        )
    return ahead


@jax.jit
def _uniform_values(mdp, policy):
    return component_values(mdp, policy.probs(policy.zeros()))


def _uniform(instance):
    return np.asarray(_uniform_values(instance.mdp, instance.policy))


CASES = {"FrozenLake-v1": (12, 1), "CliffWalking-v1": (14, -1), "Taxi-v4": (11, 20)}


@pytest.mark.parametrize("name", CASES)
def test_goal_in_time(name):
    """The best and the uniform policy reach the goal as often as iteration on the table says."""
    depth, goal = CASES[name]
    table = _table(name)
    start = _start(name, len(table))
    if name == "Taxi-v4":
        start = np.where(np.arange(500) == 328, 1.0, 0.0)  # One prompt of the 300, for its size.
    instance, labels = from_table(table, start, depth, "toy").build()
    uniform = _uniform(instance)
    best = best_values(instance.mdp, instance.mdp.reward[..., 0])
    for ours, pick in ((uniform[:, 0], np.mean), (best, max)):
        expected = _iterated(table, depth, goal, pick)[start > 0]
        assert np.asarray(ours) == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert labels.answers == ["stop"]
    assert np.asarray(instance.mdp.legal)[:, -1].sum() == len(
        {s for s in labels.states if s.startswith(("goal", "end"))}
        | {s for s in labels.states if s.endswith(f"@{depth}")}
    )


def test_returns_keep_the_running_sum():
    """J of the uniform policy in the units of the rewards, by iteration on the table."""
    table, depth = _table("CliffWalking-v1"), 13
    model = from_table(table, 36, depth, returns=True)
    instance = model.build().instance
    value = _uniform(instance)[0, 1]
    ahead = np.zeros(48)
    for _ in range(depth):
        ahead = np.array(
            [
                np.mean([r + (0 if ends else ahead[t]) for ((_, t, r, ends),) in actions.values()])
                for actions in table.values()
            ]
        )
    low, high = (float(x) for x in model.components["return"][1:3])
    assert low + (high - low) * value == pytest.approx(ahead[36], rel=1e-12)
    assert (low, high) == (-1300, -13)
    assert "states without the running sum" in model.description


def test_chances_are_the_fractions_they_round():
    """1/3 three times, two of them above it in float64; one prompt for every start."""
    model = from_table(_table("FrozenLake-v1"), 0, 6, actions=("left", "down", "right", "up"))
    assert model.tools[0].tool == "left"
    assert model.tools[0].to == {"0": Fraction(2, 3), "4": Fraction(1, 3)}
    assert model.description == "At most 6 steps; goal reached in time; no other rewards."
    half = np.eye(16)[[0, 1]].sum(0) / 2
    assert len(from_table(_table("FrozenLake-v1"), half, 6).prompts) == 2
    assert len(from_table(_table("FrozenLake-v1"), half, 6, one_prompt=True).prompts) == 1


def test_taxi_is_refused_where_arrays_end():
    """With the depth that they hold."""
    table = _table("Taxi-v4")
    model = from_table(table, _start("Taxi-v4", 500), 60, "taxi")
    with pytest.raises(ValueError, match=r"depth = 60: \d+ states after .*: depth <= \d+") as error:
        model.build()
    assert str(error.value).endswith("depth <= 11")


TABLE = {0: {0: [(1.0, 1, 1, True)]}}
WRONG = {
    "expected (chance, state, reward, ends)": lambda: from_table([1], 0, 3),
    "P[0][0][0] = 'x': expected a number": lambda: from_table({0: {0: [("x", 0, 0, True)]}}, 0, 1),
    "P[7]: missing: expected every state": lambda: from_table({0: {0: [(1, 7, 0, False)]}}, 0, 1),
    "no episode ever ends": lambda: from_table({0: {0: [(1, 0, 0, False)]}}, 0, 1),
    "start = 3: expected a state of P": lambda: from_table(TABLE, 3, 1),
    "depth = 5: expected a number of steps >= 6": lambda: from_table(_table("FrozenLake-v1"), 0, 5),
    "environment = 3: expected one with a table P": lambda: from_gymnasium(3, 3),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_said(told):
    """In one line."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        WRONG[told]()
    assert told in str(error.value)


@pytest.mark.parametrize("name", CASES)
def test_recorded_tables_are_those_that_are_shipped(name):
    """Where Gymnasium is installed."""
    gymnasium = pytest.importorskip("gymnasium")
    inner = gymnasium.make(name).unwrapped
    assert {s: {**a} for s, a in inner.P.items()} == _table(name)
    assert np.array_equal(inner.initial_state_distrib, _start(name, len(inner.P)))
    depth = 13
    if name != "Taxi-v4":
        ours = from_gymnasium(gymnasium.make(name), depth)
        assert ours.tools[0].tool in ("left", "up")
        assert ours.name == name.replace("-", "_")


def test_the_packaged_lake_is_the_table():
    """frozen_lake was imported from what is recorded here."""
    packaged = Model.load(EXAMPLES / "frozen_lake.json")
    lake = from_table(_table("FrozenLake-v1"), 0, 10, "frozen_lake", ACTIONS["FrozenLake"])
    assert replace(packaged, description="") == replace(lake, description="")
