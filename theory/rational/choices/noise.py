"""The noise of `leave_one_out` on a ``theory.rational.choices.choice`` model, in rational numbers.

The moments of ``theory.updates.ustatistic``, by sums over kinds of episodes and over pairs of them,
and f, the spread of the prompts' gradients.
"""

from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import total
from grpo_checks.theory.rational.choices.choice import (
    Choice,
    Kind,
    composite,
    full_gradient,
    gradient,
    mean_reward,
)


class Noise(NamedTuple):
    """Of one prompt: a, b and the least error, as ``theory.updates.ustatistic`` names them."""

    oracle: fmpq
    pairs: fmpq
    best: fmpq
    baseline: fmpq
    """The best constant; the value where the score is always zero."""

    @property
    def excess(self) -> fmpq:
        """2b - a >= 0."""
        return 2 * self.pairs - self.oracle

    def error(self, group_size: int) -> fmpq:
        """((G-2) a + 2 b)/(G(G-1))."""
        g = group_size
        return ((g - 2) * self.oracle + 2 * self.pairs) / (g * (g - 1))


def _square(vector: Sequence[fmpq]) -> fmpq:
    return total(x * x for x in vector)


def baseline_error(kinds: Sequence[Kind], weights: Sequence[fmpq], baseline: fmpq) -> fmpq:
    """E|(R-c) s|^2 - |grad J|^2."""
    terms = (
        k.chance * (composite(k.rewards, weights) - baseline) ** 2 * _square(k.score) for k in kinds
    )
    return total(terms) - _square(gradient(kinds, weights))


def noise(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> Noise:
    """All of them."""
    value = mean_reward(kinds, weights)
    fisher = total(k.chance * _square(k.score) for k in kinds)
    lean = total(k.chance * composite(k.rewards, weights) * _square(k.score) for k in kinds)
    best = lean / fisher if fisher > 0 else value
    pairs = total(
        mine.chance
        * other.chance
        * (composite(mine.rewards, weights) - composite(other.rewards, weights)) ** 2
        * _square([a - b for a, b in zip(mine.score, other.score, strict=True)])
        for mine in kinds
        for other in kinds
    )
    return Noise(
        baseline_error(kinds, weights, value),
        pairs / 4 - _square(gradient(kinds, weights)),
        baseline_error(kinds, weights, best),
        best,
    )


def between(choice: Choice) -> fmpq:
    """f = Var_q(grad J_q)."""
    mean = full_gradient(choice)
    gradients = [gradient(kinds, choice.weights) for kinds in choice.kinds]
    spread = [_square([x - y for x, y in zip(g, mean, strict=True)]) for g in gradients]
    return total(rho * x for rho, x in zip(choice.prompt_chance, spread, strict=True))
