"""A trainer that samples and steps by itself on `dice`, beside the exact orbit of E[g].

One decision is one token and the lottery over rewards is drawn by the reward functions; the
model's second decision, which hands the outcome in, has no alternative and no score.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import softmax

from grpo_checks.experiments.conformance.episodes import Floats
from grpo_checks.theory.instances.cycles.dice import LAWS, VECTORS, WEIGHTS
from grpo_checks.theory.instances.cycles.rank_cycle import START
from grpo_checks.theory.numbers.rationals import to_fraction

RATE, EVERY, DIGITS, EXACT = 0.4, 20, 7, "expected updates"
"""Learning rate; steps between stored points; their decimals; what is beside the trainer."""
SETTINGS: Mapping[str, dict[str, Any]] = {
    "defaults": {"steps": 5400, "groups": 256, "num_generations": 2},
    "scale_rewards none": {
        "steps": 3000, "groups": 256, "num_generations": 2, "scale_rewards": "none",
    },
    "GDPO": {
        "steps": 3000, "groups": 128, "num_generations": 2,
        "multi_objective_aggregation": "normalize_then_sum",
    },
    "defaults, G = 8": {"steps": 3000, "groups": 32, "num_generations": 8},
}  # fmt: skip
"""What TRL is asked for; the first makes three rounds and more, the others arrive."""


class Dice(NamedTuple):
    """The lotteries in floating point."""

    lottery: Floats
    """(A, E)"""
    vectors: Floats
    """(E, K)"""
    weights: Floats
    """(K,)"""

    @property
    def value(self) -> Floats:
        """(A,): the mean composite reward of each action."""
        return np.asarray(self.lottery @ self.vectors @ self.weights)

    @property
    def duels(self) -> Floats:
        """S (A, A): chance that the first action's reward is larger, less that it is smaller."""
        composite = self.vectors @ self.weights
        sign = np.sign(composite[:, None] - composite[None])
        return np.asarray(self.lottery @ sign @ self.lottery.T)


def dice_lotteries() -> Dice:
    """Of the instance `dice`."""
    law = [[float(to_fraction("law", x)) for x in row] for row in LAWS]
    weights = [float(to_fraction("weights", x)) for x in WEIGHTS]
    return Dice(np.array(law), np.array(VECTORS, float), np.array(weights))


def write_path_job(path: Path, options: dict[str, Any]) -> None:
    """What the trainer's Python is given; ``options`` by the trainer's own names, and steps."""
    dice, actions = dice_lotteries(), len(START)
    one, rule = np.arange(actions), {"trainer": {"learning_rate": RATE, **options}}
    np.savez_compressed(
        path, features=np.eye(actions)[None], theta=np.array(START, float),
        legal=np.ones((1, actions), bool), tokens=one[:, None], row=0 * one[:, None],
        is_token=np.ones((actions, 1), bool), is_action=np.ones((actions, 1), bool),
        prompt=0 * one, sample=0, rule=json.dumps(rule), **dice._asdict(),
    )  # fmt: skip


def exact_orbit(steps: int) -> Floats:
    """theta (steps + 1, A) of expected updates: groups of 2, their sd with ddof 1 and eps 1e-4.

    The two members of a group that differ by x have advantages of +-x/2 over sd + eps, where sd is
    |x|/sqrt(2); E[g] = pi_a (S pi)_a with the duels S so weighted.
    """
    dice = dice_lotteries()
    composite = dice.vectors @ dice.weights
    gap = composite[:, None] - composite[None]
    advantage = gap / 2 / (np.abs(gap) / np.sqrt(2) + 1e-4)
    duels = dice.lottery @ advantage @ dice.lottery.T
    path = [np.array(START, float)]
    for _ in range(steps):
        pi = softmax(path[-1])
        path.append(path[-1] + RATE * pi * (duels @ pi))
    return np.array(path)


def path_rows(setting: str, path: Floats, versions: dict[str, Any]) -> list[dict[str, Any]]:
    """Of every ``EVERY``-th step of a path (steps + 1, A) under one setting, or ``EXACT``."""
    dice, policy = dice_lotteries(), softmax(path, -1)
    options = {} if setting == EXACT else SETTINGS[setting]
    line = ", ".join(f"{name} {x}" for name, x in versions.items())
    labels = {
        "claim": "conformance", "instance": "dice", "setting": setting,
        "group_size": options.get("num_generations", 2), "groups": options.get("groups", 0),
    }  # fmt: skip
    rows = []
    for step in range(0, len(path), EVERY):
        numbers = {
            "first": policy[step, 0], "second": policy[step, 1], "third": policy[step, 2],
            "J": policy[step] @ dice.value, "conserved": np.exp(-path[step]).sum(),
            "rounds": rounds(path[: step + 1]),
        }  # fmt: skip
        shown = {name: round(float(x), DIGITS) for name, x in numbers.items()}
        rows.append({**labels, "step": step, **shown, "versions": "" if step else line})
    return rows


def rounds(path: Floats) -> float:
    """How often theta (steps + 1, 3) went round its mean, on the plane where the sum is fixed."""
    off = path - path.mean(1, keepdims=True)
    plane = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
    x, y = plane @ off.T
    angle = np.unwrap(np.arctan2(y, x))
    return float(abs(angle[-1] - angle[0]) / (2 * np.pi))


def read_path(path: Path, setting: str) -> tuple[Floats, dict[str, Any]]:
    """theta of every step and versions. Raises ValueError where a step is missing or not finite."""
    with np.load(path) as stored:
        theta, versions = stored["path"].astype(float), json.loads(str(stored["versions"]))
    expected = (SETTINGS[setting]["steps"] + 1, len(START))
    if theta.shape != expected or not np.isfinite(theta).all():
        raise ValueError(f"path of {setting}: shape {theta.shape}: expected finite {expected}")
    return theta, versions
