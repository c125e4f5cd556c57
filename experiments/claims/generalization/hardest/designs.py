"""Where each PAC-Bayes bound has least to spare, found by a search over laws, n and errors.

*Laws* use the logarithm up: one policy, chosen beforehand, that errs on one of two kinds of tasks;
KL = 0, delta = 1e-8. Its law is placed beyond the bound at ``errors`` errors, where the bound fails
with P(no more errors), exactly. Searched: n of 12..50,000, all numbers of errors up to n/2, for the
least ln(delta/P). Bernoulli losses are the worst: E exp of what each bound needs is largest there.

*Coins* use KL(Q‖P) up at 30 nats and delta = 1/2: the q, p, n with least n (kl - g) + ln(c/delta),
see ``theory.generalization.adversary``. Searched: n of 5..100,000, q of 0..1/2.

Five numbers stay above a fifth of the price whatever was tried; of four it is proved that every
problem gives more than a fifth away. *Lambda*, both parts: its quadratic is below kl by a factor
1 - (p-q)/(3p) - p or so, which n of thousands alone brings to 1, and there ln(2 sqrt n) has grown.
*McAllester's logarithm*, at KL = 0: its square is below kl by a fourth power of p-q, which small n
do not forgive, and for large n a tail is e^-x/sqrt(4 pi x), not e^-x. *The recursive logarithm*,
where Q is its own prior P_1: of the three parts of the excess one alone is random, and it pays for
all (``theory.generalization.adversary.enough``, ``own_prior``). Not proved is the fifth, next.

*Panels* of policies (``theory.generalization.adversary.panels``) use up KL = 30 of the recursive
bound but for 21.30 %. Listed: G of 20..200, e from .8 to 1, delta from 1/2 to 1e-8, with R the
least for which the bound fails. It is flat there: at delta from .03 to .1 and e = .9, all n from
1,620 to 2,300 are within .2 % of KL. No panels at any n, e or delta give less than 21.29 % away (a
simplex search and a grid, in the tests), and other chances of error do not help (there too, by a
convex programme). Coins in a part of P_1, at delta = 1/2, give 23.4 % away. A search over a wider
class (two classes of policies, two kinds of types, three outcomes with any losses, any tilt of
these on S_2 and any weights of Q: ``tests/trials/recursive_price.py``) comes back to panels from
random starts: 20.90 %, their share but for what delta costs. Proved where Q is one of countably
many policies, chosen by S: each part of each policy has Chernoff's tail, so that KL + ln(6/delta)
are enough and ln xi(n) is given away, 13.5 % at the n of ``PANELS``, and a fifth from n = 103,000
or so. Not known is whether every problem gives a fifth away. From n = 2,822 on ln(6 xi(n)) is a
fifth: there one had to prove that neither the union of the stage and the three parts nor E e^{n kl}
can be used up; below, that what P_1 loses costs the rest.
"""

from types import MappingProxyType
from typing import NamedTuple

from grpo_checks.theory.generalization.adversary.coins import Coins
from grpo_checks.theory.generalization.adversary.panels import Panels


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
PANELS, PANEL_DELTA = Panels(n=2026, size=62, panels=167_875_027_087, divergence=30.0), 0.05
"""Of the recursive bound."""
RECURSIVE = (6400, 0.445)
"""Of the logarithm of the recursive bound: tasks in S_2, of 1 in S_1, and the risk of a policy."""
