"""Policies that err by independent coins, one a task type: a class with a large KL (derived).

N equally likely types; the policies are all tables of losses in {0, 1}; the prior P tosses a coin
with chance p for every type, the posterior Q one with chance q < p for the types that the sample
has shown, and p for the others. With n tasks of m <= n distinct types, in every sample,

    Lhat(Q) = q,   L(Q) = p - (p-q) m/N >= p - (p-q) n/N,   KL(Q ‖ P) = m kl(q ‖ p) <= n kl(q ‖ p),

so that a bound needs n g(q, p) nats up to O(n/N), and has n kl(q ‖ p) + ln(c/delta). By the choice
of q, p and n it loses the logarithm and what g loses against kl, in samples that all fail if the
price is lowered below: no tail of a law is paid for. A class of a few solved types is the same with
q = 0: KL = ln C(N, n) is n ln(N/n) but for a logarithm.

*Split prior*: of S_1 nothing is learned (an infinite temperature), so that P_1 = P.
*Recursive*: P is the perfect policy with chance 1-e and coins with chance e, and again P_1 = P; Q
holds coins alone, KL = n kl(q ‖ p) + ln(1/e). The loss of P_1 is the same b on every task. A wrong
answer loses 1, a right one b/2, so that its excess over b/2 is 0: of the three parts of the excess
the first is 1 always, the second whether the answer is wrong, and the third 1-b times it. With b
next to 0 (rare errors, many tasks) nothing is lost but the logarithm, and with many tasks in S_1
the stage before costs nothing.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.generalization.adversary.needed import bracket, kl_inverse, kl_nats
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.split_prior import GAMMA

TYPES = 10**12
"""N: p - (p-q) n/N is p up to 1e-7 at n = 10^5."""


class Coins(NamedTuple):
    """Of a class with ``n`` tasks; ``seen`` is q and ``before`` is p."""

    n: int
    seen: float
    before: float

    @property
    def risk(self) -> float:
        """The least L(Q) of any sample."""
        return self.before - (self.before - self.seen) * self.n / TYPES

    @property
    def divergence(self) -> float:
        """The largest KL(Q ‖ P) of any sample."""
        return self.n * kl_nats(self.seen, self.before)


def recursive_log(n: int, delta: float) -> float:
    """ln(6 xi(n)/delta): what each of the three bounds on the excess adds to KL(Q ‖ P_1)."""
    return float(np.log(6 * xi(n) / delta))


class Staged(NamedTuple):
    """Of the recursive bound: coins with weight ``share`` in P_1, ``first`` tasks in S_1."""

    coins: Coins
    share: float
    first: int

    @property
    def right(self) -> float:
        """What a right answer loses: half of what P_1 does, share (right + (1 - right) before)."""
        return self.share * self.coins.before / (2 - self.share * (1 - self.coins.before))

    @property
    def risk(self) -> float:
        """The least L(Q) of any sample."""
        return self.right + (1 - self.right) * self.coins.risk

    @property
    def divergence(self) -> float:
        """The largest KL(Q ‖ P_1) of any sample."""
        return self.coins.divergence - float(np.log(self.share))


def recursive_bound(staged: Staged, delta: float, nats: float) -> float:
    """The recursive bound with ``nats`` for the excess."""
    coins, base, n = staged.coins, 2 * staged.right, staged.coins.n
    tasks = staged.first + n
    stage = float(kl_inverse(base, 0.0, float(tasks), delta / 2, xi(tasks)))
    total = -GAMMA + GAMMA * stage
    for low, high in pairwise((-GAMMA, 0.0, 1 - GAMMA, 1.0)):
        losses = np.array([1.0, staged.right])
        wrong, right = np.clip((losses - GAMMA * base - low) / (high - low), 0, 1)
        mean = coins.seen * wrong + (1 - coins.seen) * right
        total += (high - low) * float(kl_inverse(mean, nats, float(n), 1.0, 1.0))
    return total


def recursive_nats(staged: Staged, delta: float, most: float) -> float:
    """The most nats, up to ``most``, at which the recursive bound is below the risk: by bisection.

    Raises ValueError where it is not even without nats.
    """

    def reached(nats: float) -> bool:
        return recursive_bound(staged, delta, nats) >= staged.risk

    if reached(0.0):
        raise ValueError(f"staged = {staged}: expected a bound below the risk at a price of 0")
    return bracket(0.0, most, reached)[0]
