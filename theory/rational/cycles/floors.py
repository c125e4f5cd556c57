"""What |E[g]|^2 and |grad J|^2 are at least along runs that go round, for every length T.

``theory.convergence.cycles.rank_cycles`` says where such runs stay; its limits are enclosed, and
the least values there are those of ``theory.rational.cycles.ring``.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from flint import arb, fmpq

from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose
from grpo_checks.theory.convergence.cycles.rank_cycles import (
    circle_weights,
    growth_limit,
    noisy_growth_limit,
)
from grpo_checks.theory.numbers.balls import Number, square, total
from grpo_checks.theory.rational.cycles.ring import Policy, Ring, least_on

Average = Literal["E[g]", "grad J", "grad J, sampled"]
"""Of |E[g]|^2 or |grad J|^2 along expected updates, of E|grad J|^2 along sampled ones."""
LEVELS = (fmpq(7, 5), fmpq(3, 2), fmpq(8, 5))
"""Of Phi less its minimum, in units of its mean, at which Markov's inequality is tried."""
_weights, _growth, _noisy = (enclose(f) for f in (circle_weights, growth_limit, noisy_growth_limit))


class Circle(NamedTuple):
    """Three actions: S as (S_12, S_23, S_31), their mean rewards, and where a run starts."""

    wins: Sequence[Number]
    values: Sequence[Number]
    theta: Sequence[fmpq]
    """With sum 0."""

    @property
    def weights(self) -> list[Number]:
        """w."""
        return list(_weights(np.array(self.wins, object)))

    def ring(self, reach: fmpq) -> Ring:
        """Where all theta_t of a run with steps ``reach``/sqrt(T) are, whatever T."""
        start = self._start
        return Ring(self.weights, start, start * self._limit(_growth, reach).exp())

    @property
    def _start(self) -> arb:
        return Ring(self.weights, fmpq(0), fmpq(1)).potential([arb(t) for t in self.theta])

    def _limit(self, limit: Enclosed, reach: fmpq) -> arb:
        return arb(limit(np.array(self.weights, object), reach))

    def squared_update(self, pi: Policy) -> arb:
        """|E[g]|^2."""
        one, two, three = self.wins
        rows = (
            one * pi[1] - three * pi[2],
            two * pi[2] - one * pi[0],
            three * pi[0] - two * pi[1],
        )
        return arb(total(square(p * row) for p, row in zip(pi, rows, strict=True)))

    def squared_gradient(self, pi: Policy) -> arb:
        """|grad J|^2."""
        v = self.values
        rows = [total(q * (x - y) for q, y in zip(pi, v, strict=True)) for x in v]
        return arb(total(square(p * row) for p, row in zip(pi, rows, strict=True)))

    def floor(self, average: Average, reach: fmpq) -> Number:
        """What that average is at least, for every T; 0 where the ring meets a zero."""
        if average == "grad J, sampled":
            return self._sampled_floor(reach)
        squares = {"E[g]": self.squared_update, "grad J": self.squared_gradient}
        return least_on(self.ring(reach), squares[average])

    def _sampled_floor(self, reach: fmpq) -> Number:
        """By Markov's inequality for Phi less its minimum, at the best of some levels."""
        w, best = self.weights, arb(0)
        least = 3 * arb(w[0] * w[1] * w[2]).root(3)
        excess = self._start + self._limit(_noisy, reach) - least
        for multiple in LEVELS:
            ring = Ring(w, fmpq(0), least + excess * multiple)
            below = least_on(ring, self.squared_gradient)
            best = max(best, (below * (1 - 1 / multiple)).lower(), key=float)
        return best
