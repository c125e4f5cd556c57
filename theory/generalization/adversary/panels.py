"""Many policies of which few are lucky: what the recursive bound needs at a large KL (derived).

The policies stand in R panels of G. On every task type exactly one policy of each panel is wrong,
any with chance 1/G, and the panels are independent: G^R equally likely types. A wrong answer loses
1, a right one b/2. P_1 takes each of the M = G R policies with chance e/M, and with chance 1-e a
perfect one, so that it loses the same on every type,

    b = e (1/G + (1 - 1/G) b/2).

Q is a policy without an error in S_2, where there is one, and any of the M otherwise:
KL(Q ‖ P_1) = ln(M/e) in every sample. A panel has no such policy if each of its own is wrong at
least once (inclusion and exclusion), so that there is one with chance

    1 - (1 - g)^R,  g = sum_{j >= 1} (-1)^{j+1} C(G, j) (1 - j/G)^n.

The excess over b/2 of a right answer is 0, of a wrong one 1 - b/2: of the three parts the first is
1 always, the second whether the answer is wrong, and the third 1-b times it. Without an error in
S_2 the recursive bound is 1 - e^{-N/n} + (bound on b)/2 at N nats, below L(Q) if

    N < -n ln(1 - L(Q) + (bound on b)/2),  L(Q) = 1/G + (1 - 1/G) b/2.

So with more than delta for the chance above, no price below this N is enough. P_1 is P at an
infinite temperature; S_1 is so large that the stage before costs next to nothing, and of its bound
at most b + sqrt(2 b c) + 2 c is taken, c = ln(2 xi/(delta/2))/tasks nats a task and xi at most
2 sqrt(tasks): (u - b)^2/(2u) <= kl(b ‖ u). Units: nats. Source: derived.

*What is given away.* With p = 1/G, and as long as (G g)^2 is nothing, it is

    ln(6 xi(n)) + ln(-ln(1-delta)/delta) + ln(1/e) + n ln(1 + e p^2/((1-p)(2 - e(1-p)))),

where n p is about N. For large n the last term is N^2 e/((2-e) n), and ln xi(n) half of ln(pi n/2).
So n = 2 N^2 e/(2-e) is best and e (2-e) should be 1, which leaves ln 6 + 1/2 + (ln pi)/2 + ln N:
20.9 % of N = 30, and 21.29 % with all terms.

*Other chances of error.* Let policies be wrong with chances z N/n, z >= 0, of law P in the part e
of P_1 and Q for the posterior, E_Q z = 1. To first order in 1/n, and with a = N^2 e/((2-e) n), what
is given away is ln 6 + (ln(pi/2))/2 + ln N - (ln(e (2-e)))/2 and

    KL(Q ‖ P) + a E_P z + a (2-e)/e (E_Q z^2 - 1)/2 - (ln a)/2,

least at e = 1, and there at z = 1 and a = 1/2. For a <= .58: w = dP/dQ has
-ln w + a z w + (1-a) w >= 1 + ln(1 + a t), t = z - 1, and ln(1 + a t) + a t^2/2 >= a t for t >= -1,
so that a - (ln a)/2 or more is left. For larger a it is computed, in the tests.
"""

from itertools import count
from math import comb, fsum
from typing import NamedTuple

import numpy as np
import scipy

from grpo_checks.theory.generalization.adversary.needed import kl_inverse
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.split_prior import GAMMA
from grpo_checks.theory.updates.rounding import accumulated

FIRST = 10**15
"""Tasks in S_1."""


def recursive_log(n: int, delta: float) -> float:
    """ln(6 xi(n)/delta): what each of the three bounds on the excess adds to KL(Q ‖ P_1)."""
    return float(np.log(6 * xi(n) / delta))


class Panels(NamedTuple):
    """``panels`` of ``size`` policies each, ``n`` tasks in S_2, and KL(Q ‖ P_1)."""

    n: int
    size: int
    panels: int
    divergence: float

    @property
    def share(self) -> float:
        """What P_1 gives to all of these policies, e; at most 1."""
        return float(np.exp(np.log(self.size * self.panels) - self.divergence))

    @property
    def right(self) -> float:
        """What a right answer loses: b/2, half of what P_1 does."""
        wrong = 1 / self.size
        return self.share * wrong / (2 - self.share * (1 - wrong))

    @property
    def risk(self) -> float:
        """L of every policy but the perfect one."""
        return (1 + (self.size - 1) * self.right) / self.size


def lucky(crowd: Panels) -> float:
    """P(some policy has no error in S_2), up to some 4 n roundings."""
    parts = range(1, crowd.size)
    terms = [comb(crowd.size, j) * (1 - j / crowd.size) ** crowd.n for j in parts]
    some = fsum(x if j % 2 else -x for j, x in zip(parts, terms, strict=True))
    return float(-np.expm1(crowd.panels * np.log1p(-some)))


def lucky_at_least(crowd: Panels, errors: int) -> float:
    """No more than P(some policy has at most so many errors in S_2).

    Of two policies of a panel each has few errors with chance a, and both with at most a^2, as
    the counts of a multinomial law are negatively associated (Bonferroni).
    """
    one = float(scipy.stats.binom.cdf(errors, crowd.n, 1 / crowd.size))
    some = max(one, crowd.size * one * (1 - (crowd.size - 1) * one / 2))
    return float(-np.expm1(crowd.panels * np.log1p(-some)))


def _stage(crowd: Panels, delta: float) -> float:
    """No less than the bound on what P_1 loses, at delta/2."""
    base, tasks = 2 * crowd.right, FIRST + crowd.n
    nats = float(np.log(2 * 2 * np.sqrt(tasks) / delta)) / tasks
    return base + float(np.sqrt(2 * base * nats)) + 2 * nats


def panel_bound(crowd: Panels, delta: float, nats: float, errors: int = 0) -> float:
    """No less than the recursive bound with ``nats`` for the excess of a policy with so many errors
    in S_2."""
    wrong = np.array([1.0, 1 - 2 * crowd.right])
    limits = kl_inverse(wrong * errors / crowd.n, nats, float(crowd.n), 1.0, 1.0)
    return float(GAMMA * (np.asarray(limits).sum() + _stage(crowd, delta)))


def panel_nats(crowd: Panels, delta: float) -> float:
    """The nats for the excess below which the recursive bound fails with more than ``delta``.

    Raises ValueError where it need not.
    """
    chance = lucky(crowd)
    if not chance * (1 - accumulated(64 + 4 * crowd.n)) > delta:
        raise ValueError(f"{crowd}: P(no error) = {chance}, expected more than delta = {delta}")
    return float(-crowd.n * np.log1p(-crowd.risk + GAMMA * _stage(crowd, delta)))


def most_errors(crowd: Panels, delta: float, nats: float) -> int:
    """With how many errors in S_2 the bound still lies below the risk; -1 if not without any."""
    return next(k for k in count() if panel_bound(crowd, delta, nats, k) >= crowd.risk) - 1
