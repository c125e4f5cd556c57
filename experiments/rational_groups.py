"""Groups in rational numbers: stored ones from files, random ones from a seed."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from theory.bridge import Group, Surrogates
from theory.model import TAMDP
from theory.rationals import to_fraction

FOLDER = Path(__file__).parent / "data"
STATED = ("joint", "decomposed", "misalignment", "corrected_bound")


class Stated(NamedTuple):
    """What a file says of its group."""

    joint: Fraction
    decomposed: Fraction
    misalignment: Fraction
    corrected_bound: Fraction

    def agrees(self, exact: Surrogates) -> bool:
        """Whether its rewards, weights and ratios give these numbers."""
        return self == (exact.joint, exact.decomposed, exact.misalignment, exact.bridge)


def stored_group(name: str) -> tuple[Group, Stated]:
    """A stored group, and the numbers that its file states of it.

    Raises ValueError, naming file and field, for what is missing or no rational.
    """
    path = FOLDER / f"{name}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for field in ("rewards", "weights", "ratios", *STATED):
            if field not in content:
                raise ValueError(f"{field} is missing")
        rewards = [_fractions("rewards", row) for row in content["rewards"]]
        weights, ratios = (_fractions(f, content[f]) for f in ("weights", "ratios"))
        _check(rewards, weights, ratios)
        stated = [to_fraction(f, content[f]) for f in STATED]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    return Group(rewards, weights, ratios), Stated(*stated)


def _fractions(field: str, values: list[Any]) -> list[Fraction]:
    return [to_fraction(f"{field}[{i}]", value) for i, value in enumerate(values)]


def _check(rewards: list[list[Fraction]], weights: list[Fraction], ratios: list[Fraction]) -> None:
    shape = {len(row) for row in rewards}
    if shape != {len(weights)} or len(rewards) != len(ratios):
        raise ValueError(
            f"rewards: {len(rewards)} rows of {sorted(shape)}, expected {len(ratios)} rows (one "
            f"for each ratio) of {len(weights)} (one for each weight)"
        )
    rules = (
        ("rewards", [x for row in rewards for x in row], lambda x: 0 <= x <= 1, "in [0, 1]"),
        ("weights", weights, lambda x: x > 0, "> 0"),
        ("ratios", ratios, lambda x: x > 0, "> 0"),
    )
    for field, values, good, expected in rules:
        for value in values:
            if not good(value):
                raise ValueError(f"{field}: {value}, expected a number {expected}")


def _ratios(rng: np.random.Generator, size: int) -> list[Fraction]:
    return [Fraction(int(x), 100) for x in rng.integers(50, 151, size)]


def random_group(rng: np.random.Generator, components: int, size: int) -> Group:
    """Rewards in {0, 1/4, .., 1}, weights in tenths, ratios in hundredths around 1."""
    rewards = [[Fraction(int(x), 4) for x in row] for row in rng.integers(0, 5, (size, components))]
    weights = [Fraction(int(x), 10) for x in rng.integers(1, 21, components)]
    return Group(rewards, weights, _ratios(rng, size))


def group_of(rng: np.random.Generator, mdp: TAMDP, size: int) -> Group:
    """Members with reward vectors that the model can earn, each equally likely."""
    vectors = np.asarray(mdp.class_vector)
    drawn = vectors[rng.integers(0, len(vectors), size)]
    rewards = [[to_fraction("reward", x.item()) for x in row] for row in drawn]
    weights = [to_fraction("weights", w.item()) for w in np.asarray(mdp.weights)]
    return Group(rewards, weights, _ratios(rng, size))
