"""The ledger's section on Theorem 1, every number from the rows."""

import pandas as pd

from experiments.markdown import markdown, span

INTRO = """## Theorem 1: stationarity at O(1/sqrt T)

**What the abstract claims.** GRPO under composite verifiable rewards reaches first-order
stationarity at rate O(1/sqrt T), with explicit dependence on the group size and on the number of
reward components. It gives no constants.

**What is checked.** The derived constants of `theory/theorem1.py`, for the unbiased estimator
`leave_one_out`: L from the model (`theory/smoothness.py`), J* by backward induction (an upper bound
where the policy cannot tell prompts apart: `search`), V_sup <= R_max^2 sup E|s|^2 / G.
"""

RATE = """
**T1.rate** holds in {holds} of {cells} cells and is vacuous in {vacuous}: short runs, where the
bound is no better than the trivial one on |grad J|^2 (R_max L/4, or a proved supremum).
Tightness at T = {longest:,}, bound over observed, over all group sizes:

{table}

`exact V` replaces V_sup by the exact variance averaged along the path, as small as the theorem
allows. The step of the proof that loses most: {causes}.
V_sup is a supremum over all policies, also over those that training never visits; the descent lemma
loses a factor 2 in the polarisation identity (see T1.path).
"""

PATH = """
**T1.path** was measured on {cells} runs, {biased} of them with a biased estimator. It is a sum of
one inequality per step; what is tested is their average over the realised steps of all runs, with
limits that allow for dependent steps. In {vacuous} runs the bound is no better than the trivial
one.
Its three terms sum to the bound (largest rounding difference {gap:.0e}); their shares of it:
{shares}.
Bound over observed: {ratio}. For an unbiased update the polarisation identity is not needed:
(2 - L eta) mean |grad J|^2 <= 2 (J_T - J_0)/(eta T) + L eta mean V (derived) is within a factor of
{sharper} of what was observed. The factor 2 is the price of allowing a bias.
"""

SLOPE = """
**T1.slope** on `conflict`, whose optimum is interior: theta_0 = 0, full sweep,
eta = min(1, sqrt(G/T)), one set of runs per T from 100 to {longest:,}; limits by jackknife over
blocks of seeds (asymptotic):

{table}

In practice: the 1/sqrt T law is real where the optimum is interior. Where it is deterministic, the
gradient vanishes with the policy's entropy, and the bound is loose.
"""

BIAS = """
**T1.bias** is refuted, in rational arithmetic alone. `group_normalized` is what most trainers run
as GRPO; its expected update is not a multiple of grad J. At the zero of E[g] on `conflict`,
|grad J|^2 has these values (rational enclosures; for G = 2 and 3 the response c_G is constant, and
the claim is true):

{table}

The gamble: one action pays 2/5, the other 1 with chance 2/5, both have probability 1/2. Then
{gamble}, at G = 2 already.
In practice: normalising by the group's standard deviation moves the stationary points; the shift
vanishes for groups of 2 and 3 with one binary reward and grows with G.
"""

EXACT = """
**T1.K** is refuted as a general statement: on `bits` the exact variance grows with the exponent

{exponents}

in the number of components K; that it is not 1 is decided by the ratio V(K=2)/V(K=1), which is
rational. Proportionality to K needs uncorrelated components; three rewards
that succeed and fail together cost nine times the variance of one.

**T1.budget** holds on {budget} instances: at a fixed number of episodes per update the exact
variance is least next to G* = 1 + sqrt((2b-a)/f), which is {best} here. In practice: with prompts
drawn at random, groups of {typical} are enough on such models; what is left is better spent on more
prompts.
"""


def section(rows: pd.DataFrame) -> str:
    """The whole section, from the rows of T1.rate, T1.path and T1.slope."""
    by_claim = {name: data for name, data in rows.groupby("claim")}
    parts = [INTRO, _rate(by_claim["T1.rate"]), _path(by_claim["T1.path"])]
    parts += [_slope(by_claim["T1.slope"]), _exact(by_claim["T1.K"], by_claim["T1.budget"])]
    return "".join([*parts, _bias(by_claim["T1.bias"])])


def _rate(data: pd.DataFrame) -> str:
    longest = data[data["n_steps"] == data["n_steps"].max()]
    # A column that other claims leave empty is stored as floats.
    cells = longest.astype({"components": int}).groupby(["instance", "components"])
    table = cells.apply(_rate_line, include_groups=False).reset_index()
    causes = longest["loosest"].value_counts(normalize=True)
    return RATE.format(
        holds=(data["verdict"] == "holds").sum(),
        vacuous=(data["verdict"] == "vacuous").sum(),
        cells=len(data),
        longest=int(data["n_steps"].max()),
        table=markdown(table),
        causes=", ".join(f"{name} in {share:.0%} of the cells" for name, share in causes.items()),
    )


def _rate_line(cell: pd.DataFrame) -> pd.Series:
    return pd.Series(
        {
            "bound/observed": span(cell["ratio"]),
            "exact V": span(cell["bound_with_exact_variance"] / cell["observed"]),
            "loses most": cell["loosest"].mode().iloc[0],
            "seeds": f"{int(cell['seeds'].min())} to {int(cell['seeds'].max())}",
        }
    )


def _path(data: pd.DataFrame) -> str:
    terms = data[["optimisation", "bias", "variance"]]
    largest = terms.div(data["bound"], axis=0).max()
    return PATH.format(
        cells=len(data),
        biased=(data["bias"] > 0).sum(),
        vacuous=(data["verdict"] == "vacuous").sum(),
        gap=(terms.sum(axis=1) - data["bound"]).abs().max(),
        shares=", ".join(f"{name} up to {share:.0%}" for name, share in largest.items()),
        ratio=span(data["ratio"]),
        sharper=span(data["sharper_bound"] / data["observed"]),
    )


def _slope(data: pd.DataFrame) -> str:
    names = {"group_size": "G", "observed": "slope", "lower": "lower limit", "upper": "upper limit"}
    table = data[[*names, "seeds", "verdict"]].astype({"group_size": int, "seeds": int})
    table = table.rename(columns=names).round(4)
    return SLOPE.format(longest=int(data["n_steps"].max()), table=markdown(table))


def _bias(data: pd.DataFrame) -> str:
    names = {"group_size": "G", "observed": "|grad J|^2", "lower": "at least", "upper": "at most"}
    conflict = data[data["instance"] == "conflict"]
    table = conflict[[*names, "verdict"]].rename(columns=names).astype({"G": int})
    gamble = data[data["instance"] == "gamble"]["note"].iloc[0].removeprefix("exact: ")
    return BIAS.format(table=markdown(table), gamble=gamble)


def _exact(growth: pd.DataFrame, budget: pd.DataFrame) -> str:
    names = {
        "correlation": "correlation",
        "observed": "exponent",
        "note": "why",
        "verdict": "verdict",
    }
    held = budget[budget["verdict"] == "holds"]
    best = held["best_real_group_size"]
    return EXACT.format(
        exponents=markdown(growth[list(names)].rename(columns=names).round(3)),
        budget=len(held),
        best=span(best),
        typical=f"{int(held['group_size'].min())} to {int(held['group_size'].max())}",
    )
