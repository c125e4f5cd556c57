"""The ledger's part on the exact variance: group size, components, budget."""

from collections.abc import Mapping

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.storage.text import counts, markdown, span

SIZE = """
**T1.G** {outcome} on {cells} instances, by exact variances. On a full sweep G V tends to
sum_q rho_q^2 tr Cov_q((R-mu)s) (V summed over all groups; the rest is (2b-a)/(G-1) to a relative
error of {sweep:.0e}). With B sampled prompts V has Var_q(grad J_q)/B on top of that, to
{drawn:.0e}, and does not fall below it. In practice: beyond the G where the two terms meet, more
members per prompt can at most halve V; more prompts are not so limited (figure `t1_g`).
"""

COMPONENTS = """
**T1.K** is refuted as a general statement: on `bits` the exact variance, computed from the model by
listing groups of rewards, has these fitted exponents (1 in K and -1 in G by the claim):

{exponents}

(figure `t1_k`). Proportionality to K needs a sum of uncorrelated rewards and unnormalised
advantages; three rewards that succeed and fail together cost nine times the variance of one, a mean
of rewards costs less with every component, and normalised advantages have no unit. In G the law 1/G
is a limit: G V of std-normalised advantages of three bits is {normalised}.
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
        sweep=_apart(size[size["prompts"].isna()]),
        drawn=_apart(size[size["prompts"].notna()]),
    )
    return first + _components(by_claim["T1.K"]) + _budget(by_claim["T1.budget"])


def _apart(rows: pd.DataFrame) -> float:
    """The largest relative difference of the two sides."""
    return float(((rows["observed"] - rows["bound"]) / rows["bound"]).abs().max())


def _components(growth: pd.DataFrame) -> str:
    names = {
        "grows_in": "in",
        "estimator": "estimator",
        "weights": "weights",
        "correlation": "correlation",
        "observed": "exponent",
        "note": "why",
    }
    table = growth.reindex(columns=[*names, "verdict"]).rename(columns=names)
    normalised = growth[growth["estimator"] == "group_normalized"].filter(like="G V at G=").dropna()
    said = [
        f"{value:.3f} at {str(name).removeprefix('G V at ')}"
        for _, row in normalised.iterrows()
        for name, value in row.items()
    ]
    return COMPONENTS.format(exponents=markdown(table, digits=4), normalised=", ".join(said))


def _budget(budget: pd.DataFrame) -> str:
    held = budget[(budget["verdict"] == "holds") & budget["best_real_group_size"].notna()]
    return BUDGET.format(
        outcome=outcome(budget),
        budget=len(held),
        best=span(held["best_real_group_size"]),
        typical=counts(held["group_size"]),
    )
