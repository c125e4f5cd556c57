"""The moments that the noise of `leave_one_out` rests on, by listing pairs of kinds of episodes.

As in ``theory.ustatistic``, in rational numbers: a = tr Cov((R-mu)s) and
b = E[(R-R')^2 |s-s'|^2]/4 - |grad J_q|^2 of each prompt, and f, the spread of grad J_q.
"""

from typing import NamedTuple

from flint import fmpq

from theory.balls import total
from theory.choice import Choice, Kind, composite, full_gradient, gradient, mean_reward


class Noise(NamedTuple):
    """Of one prompt."""

    oracle: fmpq
    """a."""
    pairs: fmpq
    """b."""

    @property
    def excess(self) -> fmpq:
        """2b - a >= 0."""
        return 2 * self.pairs - self.oracle


def _norm2(vector: list[fmpq]) -> fmpq:
    return total(x * x for x in vector)


def noise(kinds: tuple[Kind, ...], weights: tuple[fmpq, ...]) -> Noise:
    """a and b of one prompt."""
    mean, slope = mean_reward(kinds, weights), _norm2(gradient(kinds, weights))
    rewards = [composite(k.rewards, weights) for k in kinds]
    listed = list(zip(kinds, rewards, strict=True))
    oracle = total(k.chance * (r - mean) ** 2 * _norm2(list(k.score)) for k, r in listed)
    apart = total(
        one.chance * two.chance * (r - u) ** 2 * _apart(one, two)
        for one, r in listed
        for two, u in listed
    )
    return Noise(oracle - slope, apart / 4 - slope)


def _apart(one: Kind, two: Kind) -> fmpq:
    """|s - s'|^2."""
    return _norm2([x - y for x, y in zip(one.score, two.score, strict=True)])


def between(of: Choice) -> fmpq:
    """f = Var_q(grad J_q)."""
    mean = full_gradient(of)
    each = [gradient(kinds, of.weights) for kinds in of.kinds]
    spread = [_norm2([x - y for x, y in zip(g, mean, strict=True)]) for g in each]
    return total(rho * x for rho, x in zip(of.prompt_chance, spread, strict=True))
