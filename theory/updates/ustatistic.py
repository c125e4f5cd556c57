"""The noise of `leave_one_out` from pairs of episodes, and what a baseline can do about it.

arXiv:2603.01162 (its abstract, and its results as readers list them; our formalisation): the update
is a U-statistic with kernel (R-R')(s-s')/2, so its mean squared error is, exactly,

    ((G-2) a + 2 b)/(G(G-1)) = a/G + (2b-a)/(G(G-1)),
    a = tr Cov((R-mu) s),  b = E[(R-R')^2 |s-s'|^2]/4 - |grad J|^2,

where a/G is the error of the *oracle*, which subtracts the value mu instead of the others' mean.

**The best baseline (derived).** E|(R-c) s|^2 is least at c = E[R |s|^2]/E[|s|^2]; a exceeds that
minimum by Cov(R, |s|^2)^2/E[|s|^2]. So the value is the best baseline that depends on the prompt
alone if and only if R and |s|^2 are uncorrelated: the oracle, and `leave_one_out` in the limit, are
not optimal among such estimators in general.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.episode_listing import Listing


class Noise(NamedTuple):
    """Of one prompt, from its episodes; floats, or scalars in JAX."""

    gradient: Any
    """grad J_q, (n,)."""
    oracle: Any
    """a: G times the error with the value as baseline."""
    pairs: Any
    """b: the error of a group of two."""
    best: Any
    """G times the error with the best constant baseline."""
    baseline: Any
    """That baseline; the value where the score is always zero."""

    @property
    def excess(self) -> Any:
        """2b - a >= 0."""
        return 2 * self.pairs - self.oracle

    def error(self, group_size: int) -> Any:
        """Mean squared error of `leave_one_out`: the U-statistic's variance, as it is unbiased."""
        g = group_size
        return ((g - 2) * self.oracle + 2 * self.pairs) / (g * (g - 1))


_moments = eqx.filter_jit(lambda group, law: group.moments(law))


def _pair_square(probability: Any, composite: Any, score: Any) -> Any:
    """E[(R-R')^2 |s-s'|^2], in NumPy a row of pairs at a time: listings are long."""
    square, total = (score**2).sum(1), 0.0
    if not isinstance(score, np.ndarray):
        distances = (square[:, None] + square[None] - 2 * score @ score.T).clip(min=0.0)
        rewards = (composite[:, None] - composite[None]) ** 2
        return probability @ ((rewards * distances) @ probability)
    for chance, reward, s, norm in zip(probability, composite, score, square, strict=True):
        # Clipped: a distance from itself may round below zero.
        distance = (norm + square - 2 * score @ s).clip(min=0.0)
        total += chance * (probability @ ((composite - reward) ** 2 * distance))
    return total


def noise(listed: Listing) -> Noise:
    """All moments by sums over episodes and pairs of episodes."""
    p, s = listed.probability, listed.score
    terms = moments(p, listed.composite, listed.centred, s)
    oracle, pairs, best = map(float, (terms.oracle, terms.pairs, terms.best))
    return Noise(terms.gradient, oracle, pairs, best, float(listed.value + terms.baseline))


def moments(probability: Any, composite: Any, centred: Any, score: Any) -> Noise:
    """Of N episodes that earn R and R - J (N,), with scores (N, n); the baseline is less J.

    In NumPy or JAX, whatever the arrays are.
    """
    p, r, s = probability, centred, score
    size = (s**2).sum(1)
    gradient = (p * r) @ s
    fisher = p @ size
    # The numerator is 0 where all scores are.
    shift = p @ (r * size) / (fisher + (fisher == 0))
    # Sums of squares about grad J, the mean whatever the baseline: never below zero.
    oracle = _error(p, r[:, None] * s - gradient[None])
    best = _error(p, (r - shift)[:, None] * s - gradient[None])
    pairs = _pair_square(p, composite, s) / 4 - gradient @ gradient
    return Noise(gradient, oracle, pairs, best, shift)


def _error(probability: Any, off: Any) -> Any:
    """E|off|^2."""
    return probability @ (off**2).sum(1)


def listed_error(listed: Listing, group: GroupLaw) -> float:
    """E|g - grad J|^2 of any estimator of a group, from the law of its advantages.

    ``group`` needs an engine: this side uses no closed form of the estimator.
    """
    n_classes = np.asarray(group.member).shape[0]
    member = np.asarray(group.member)[listed.reward_class]
    p, s, g = listed.probability, listed.score, int(group.group_size)
    law = np.bincount(listed.reward_class, p, n_classes)
    moments = _moments(group, jnp.asarray(law))
    chance = p @ member
    per_chance = np.where(chance > 0, 1 / np.where(chance > 0, chance, 1.0), 0.0)
    mean_score = (member * p[:, None]).T @ s * per_chance[:, None]
    mean_square = (member * p[:, None]).T @ (s**2).sum(1) * per_chance
    single = np.asarray(moments.square) @ mean_square
    cross = np.einsum("vu,vn,un->", np.asarray(moments.cross), mean_score, mean_score)
    update = np.asarray(moments.mean) @ mean_score
    gradient = (p * listed.centred) @ s
    square = (single + (g - 1) * cross) / g
    return float(square - 2 * update @ gradient + gradient @ gradient)
