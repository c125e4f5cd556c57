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
"""

from typing import NamedTuple

from grpo_checks.theory.generalization.adversary.needed import kl_nats

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
