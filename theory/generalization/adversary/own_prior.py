"""The recursive bound where Q is its own prior P_1, KL(Q ‖ P_1) = 0: what is enough (derived).

Statement: of the n tasks of S_2 let each of the three parts of the excess get N nats, c = N/n, and
let B(q) be the largest p with kl(q ‖ p) <= c. Where the bound on the stage before holds, the
recursive bound lies below the risk of Q = P_1 with chance at most

    exp(-n min_q kl(q ‖ B(q) + 1 - e^-c)),

whatever the class, prior, temperature and law, losses in [0, 1]. At N = ln(2/delta) that is at most
delta/2, so that at least ln(3 xi(n)) of ln(6 xi(n)/delta) is given away.

Proof: let l be E_Q of a task's loss, and b of it what the excess subtracts gamma = 1/2 of. With
Q = P_1 they are the same, and the parts F_1, F_2, F_3 of the excess add up to 1 + 2 (l - b/2) =
1 + b. The bound is -1/2 + (B(F_1) + B(F_2) + B(F_3))/2, at means over S_2, + 1/2 of one that is not
below L(Q). It lies below L(Q) only if sum_j (B(F_j) - F_j) < L(Q) - Lhat, Lhat the mean of b over
S_2. Now kl is convex, hence B concave, and the sum is least where the F_j with sum 1 + Lhat are
1, Lhat and 0: so that L(Q) > B(Lhat) + 1 - e^-c. P_1 does not depend on S_2, which makes Lhat a
mean of n independent numbers in [0, 1], and a tail of it lies beyond (Chernoff, Hoeffding).

One policy of losses 0 or 1 has just these parts, so that it needs the N at which
B(Lhat) + 1 - e^-c is its risk, once S_1 is so large that the stage costs nothing. Units: nats.
Source: derived; in floating point, see ``least_exponent``.
"""

import numpy as np

from grpo_checks.theory.generalization.adversary.forms import kl_form
from grpo_checks.theory.generalization.adversary.needed import bracket, kl_inverse

ODDS, SHARES = 12.0, 2**15
"""The grid of q is even in log-odds up to these, with so many numbers."""


def least_exponent(n: int, nats: float) -> float:
    """No more than n min_q kl(q ‖ B(q) + 1 - e^-c); infinite if nothing reaches so far.

    Between two neighbours q < r of the grid it is at least kl(r ‖ B(q) + 1 - e^-c), where r is
    below, or 0. At least N anyhow.
    """
    grid = 1 / (1 + np.exp(-np.linspace(-ODDS, ODDS, SHARES - 2)))
    shares = np.concatenate([[0.0], grid, [1.0]])
    far = np.asarray(kl_inverse(shares, nats, float(n), 1.0, 1.0))[:-1] - np.expm1(-nats / n)
    inside = far < 1
    exponents = kl_form(shares[1:][inside], far[inside])
    return max(nats, n * float(exponents.min(initial=np.inf)))


def nats_enough(n: int, delta: float) -> float:
    """N at which the excess fails with chance at most delta/2, for n >= 1 tasks in S_2."""
    most = float(np.log(2 / delta))
    return bracket(0.0, most, lambda nats: least_exponent(n, nats) >= most)[1]


def nats_needed(n: int, seen: float, risk: float) -> float:
    """N at which the bound of one policy is its ``risk``, with a loss of ``seen`` below it on S_2.

    S_1 is so large that the stage before costs nothing.
    """

    def reached(nats: float) -> bool:
        limit = float(kl_inverse(seen, nats, float(n), 1.0, 1.0))
        return limit - float(np.expm1(-nats / n)) >= risk

    most = n * float(-np.log1p(-risk))
    return bracket(0.0, most, reached)[1]
