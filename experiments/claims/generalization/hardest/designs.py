"""Where each PAC-Bayes bound has least to spare, found by a search over laws, n and errors.

*Laws* use the logarithm up: one policy, chosen beforehand, that errs on one of two kinds of tasks;
KL = 0, delta = 1e-8. Its law is placed beyond the bound at ``errors`` errors, where the bound fails
with P(no more errors), exactly. Searched: n of 12..50,000, all numbers of errors up to n/2, for the
least ln(delta/P). Bernoulli losses are the worst: E exp of what each bound needs is largest there.

*Coins* use KL(Q‖P) up at 30 nats and delta = 1/2: the q, p, n with least n (kl - g) + ln(c/delta),
see ``theory.generalization.adversary``. Searched: n of 5..100,000, q of 0..1/2.

Three numbers stay above a fifth of the price whatever was tried. *lambda*: its quadratic is below
kl by a factor 1 - (p-q)/(3p) - p or so, which n of thousands alone brings to 1, and there
ln(2 sqrt n) has grown; 32 % of its logarithm are lost on every problem, 19 % of KL = 30 at
n = 10^5, and 17 % of McAllester's logarithm at n = 60 (``theory.generalization.adversary.enough``).
*Recursive*: of one policy it fails only if the bound on the excess or the one on the stage before
does, with chance at most delta/(6 xi(n_2)) + delta/(2 xi(n)) (Chernoff), so that ln(1.5 xi(n_2))
nats are lost for certain; and it pays nats/n_2 for the third part of the excess, whose mean is 0.
"""

from types import MappingProxyType
from typing import NamedTuple

from grpo_checks.theory.generalization.adversary.coins import Coins


class Law(NamedTuple):
    """One policy: n tasks, and at how many errors its bound fails."""

    n: int
    errors: int
    constant: float | None = None
    """C of Catoni's bound and of the bets."""


DELTA = 1e-8
LAWS = MappingProxyType(
    {
        "kl-xi": Law(25, 0),
        "kl-2sqrt(n)": Law(25, 0),
        "McAllester": Law(60, 13),
        "Catoni": Law(25, 0, 4.0),
        "lambda": Law(50_000, 1306),
        "unexpected Bernstein": Law(50_000, 16),
        "betting mixture": Law(25, 0, 8.0),
    }
)
"""By bound."""
COIN_DELTA = 0.5
COINS = MappingProxyType(
    {
        "kl-xi": Coins(26, 0.1, 0.8),
        "kl-2sqrt(n)": Coins(26, 0.1, 0.8),
        "McAllester": Coins(200, 0.32, 0.59),
        "Catoni": Coins(26, 0.1, 0.8),
        "lambda": Coins(100_000, 0.0226, 0.0264),
        "unexpected Bernstein": Coins(100_000, 0.00025, 0.00086),
        "betting mixture": Coins(26, 0.1, 0.8),
        "split prior": Coins(26, 0.1, 0.8),
    }
)
"""By bound; the split prior's n is that of S_2."""
EXCESS, EXCESS_SHARE, FIRST = Coins(30, 0.0, 0.593), 0.05, 10**6
"""Of the recursive bound: 30 tasks in S_2, coins with chance 1/20, 10^6 tasks in S_1."""
RECURSIVE = (6400, 0.445)
"""Of the logarithm of the recursive bound: tasks in S_2, of 1 in S_1, and the risk of a policy."""
