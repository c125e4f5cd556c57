"""Random groups in rational numbers, from a seed."""

import numpy as np
from flint import fmpq

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.balls import rational
from grpo_checks.theory.rational.menus.bridge import Group


def _ratios(rng: np.random.Generator, size: int) -> list[fmpq]:
    return [fmpq(int(x), 100) for x in rng.integers(50, 151, size)]


def random_group(rng: np.random.Generator, components: int, size: int) -> Group:
    """Rewards in {0, 1/4, .., 1}, weights in tenths, ratios in hundredths around 1."""
    rewards = [[fmpq(int(x), 4) for x in row] for row in rng.integers(0, 5, (size, components))]
    weights = [fmpq(int(x), 10) for x in rng.integers(1, 21, components)]
    return Group(rewards, weights, _ratios(rng, size))


def group_of(rng: np.random.Generator, mdp: TAMDP, size: int) -> Group:
    """Members with reward vectors that the model can earn, each equally likely."""
    vectors = np.asarray(mdp.class_vector)
    drawn = vectors[rng.integers(0, len(vectors), size)]
    rewards = [[rational("reward", x.item()) for x in row] for row in drawn]
    weights = [rational("weights", w.item()) for w in np.asarray(mdp.weights)]
    return Group(rewards, weights, _ratios(rng, size))
