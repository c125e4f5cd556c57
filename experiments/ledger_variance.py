"""The ledger's part on the exact variance: group size, components, budget."""

from collections.abc import Mapping

import pandas as pd

from experiments.ledger_summary import outcome
from experiments.markdown import counts, markdown, span

SIZE = """
**T1.G** {outcome} on {cells} instances, by exact variances. On a full sweep G V tends to
sum_q rho_q^2 tr Cov_q((R-mu)s) (V summed over all groups; the rest is (2b-a)/(G-1) to a relative
error of {sweep:.0e}). With B sampled prompts V does not fall below Var_q(grad J_q)/B: at
G = 10^13 it is that floor to {drawn:.0e}. In practice: beyond the G where the two terms meet, more
members per prompt can at most halve V; more prompts are not so limited (figure `t1_g`).
"""

COMPONENTS = """
**T1.K** is refuted as a general statement: on `bits` the exact variance grows with the exponent

{exponents}

in the number of components K (figure `t1_k`); that it is not 1 is decided by the ratio
V(K=2)/V(K=1), which is rational. Proportionality to K needs uncorrelated components; three rewards
that succeed and fail together cost nine times the variance of one.
"""

BUDGET = """
**T1.budget** {outcome} ({budget} instances): at a fixed number N >= G* of episodes per update the
exact variance is least next to G* = 1 + sqrt((2b-a)/f), which is {best} here (figure `t1_budget`).
In practice: with prompts drawn at random, groups of {typical} were best on these models; what is
left is better spent on more prompts. `python -m experiments advise` says it for a model of your
own.
"""


def variance(by_claim: Mapping[str, pd.DataFrame]) -> str:
    """From the rows of T1.G, T1.K and T1.budget."""
    size = by_claim["T1.G"]
    first = SIZE.format(
        outcome=outcome(size),
        cells=size["prompts"].isna().sum(),
        sweep=size[size["prompts"].isna()]["observed"].max(),
        drawn=size[size["prompts"].notna()]["observed"].max(),
    )
    return first + _components(by_claim["T1.K"]) + _budget(by_claim["T1.budget"])


def _components(growth: pd.DataFrame) -> str:
    names = {"correlation": "correlation", "observed": "exponent", "note": "why"}
    table = growth[[*names, "verdict"]].rename(columns=names)
    return COMPONENTS.format(exponents=markdown(table, digits=4))


def _budget(budget: pd.DataFrame) -> str:
    held = budget[budget["verdict"] == "holds"]
    return BUDGET.format(
        outcome=outcome(budget),
        budget=len(held),
        best=span(held["best_real_group_size"]),
        typical=counts(held["group_size"]),
    )
