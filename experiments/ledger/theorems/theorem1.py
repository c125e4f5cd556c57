"""The ledger's section on Theorem 1, every number from the rows."""

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.ledger.theorems.bias import bias
from grpo_checks.experiments.ledger.theorems.variance import variance
from grpo_checks.experiments.storage.text import counts, markdown, span

INTRO = """
### Theorem 1 in detail

**What is checked.** The derived constants of `theory/convergence/stationarity.py`, for the unbiased
estimator `leave_one_out`: L from the model (`theory/convergence/smoothness.py`), J* by backward
induction (an upper bound where the policy cannot tell prompts apart: `search`), V_sup <= R_max^2
sup E|s|^2 / G.
"""

RATE = """
**T1.rate** {outcome}, in {holds} of {cells} cells; it is vacuous in {vacuous}{short}, where
the bound is no better than the trivial one on |grad J|^2 (R_max L/4, or a proved supremum).
Tightness at T = {longest:,}, bound over observed, over all group sizes:

{table}

`exact V` replaces V_sup by the exact variance averaged along the path. Step by step, from what was
observed to the bound (shares of the bound, mean over the cells at T = {longest:,}; in every cell
they sum to 1 within {closed:.0e}, figure `t1_waterfall`):

{waterfall}

The step of the proof that loses most: {causes}. V_sup is a supremum over all policies, also over
those that training never visits; |m|^2 is dropped by the polarisation identity, which is only
needed for a biased update (see T1.path).
"""

PATH = """
**T1.path** {outcome}. It was measured on {cells} runs, {biased} of them with a biased estimator.
It is a sum of one inequality per step; what is tested is their average over the realised steps of
all runs, with limits that allow for dependent steps. In {vacuous} runs the bound is no better than
the trivial one. Its three terms sum to the bound (largest rounding difference {gap:.0e}); their
shares of it: {shares}. Bound over observed: {ratio}. For an unbiased update the polarisation
identity is not needed: (2 - L eta) mean |grad J|^2 <= 2 (J_T - J_0)/(eta T) + L eta mean V
(derived) has bound/observed {sharper}. The factor, up to 2, is the price of allowing a bias.
"""

SLOPE = """
**T1.slope** {outcome} on `conflict`, whose optimum is interior: theta_0 = 0, full sweep,
eta = min(1, sqrt(G/T)), one set of runs per T from {shortest:,} to {longest:,}; limits valid at any
number of seeds, from those of each mean:

{table}

The slope is that of the step rule: both terms that T1.path leaves for an unbiased update,
2 (J_T - J_0)/(eta T) and L eta V, fall as T^(-1/2) because this eta does. Another rule has another
slope (with a constant step the average levels off). In practice: with the step that the bound asks
for, the rate of the bound is what is seen.
"""


def section(rows: pd.DataFrame) -> str:
    """The whole section, from the rows of all claims T1."""
    by_claim = {str(name): data for name, data in rows.groupby("claim")}
    parts = [INTRO, _rate(by_claim["T1.rate"]), _path(by_claim["T1.path"])]
    parts += [_slope(by_claim["T1.slope"]), variance(by_claim), bias(by_claim)]
    return "".join(parts)


def _rate(data: pd.DataFrame) -> str:
    longest = data[data["n_steps"] == data["n_steps"].max()]
    # A column that other claims leave empty is stored as floats.
    cells = longest.astype({"components": int}).groupby(["instance", "components"])
    table = cells.apply(_rate_line, include_groups=False).reset_index()
    causes = longest["loosest"].value_counts(normalize=True)
    vacuous = data[data["verdict"] == "vacuous"]["n_steps"]
    slack = longest.filter(like="slack: ").sum(axis=1)
    return RATE.format(
        outcome=outcome(data),
        short=f" (T = {counts(vacuous)})" if len(vacuous) else "",
        closed=((longest["observed"] + slack) / longest["bound"] - 1).abs().max(),
        holds=(data["verdict"] == "holds").sum(),
        vacuous=len(vacuous),
        cells=len(data),
        longest=int(data["n_steps"].max()),
        table=markdown(table),
        causes=", ".join(f"{name} in {share:.0%} of the cells" for name, share in causes.items()),
        waterfall=markdown(_waterfall(longest)),
    )


def _waterfall(longest: pd.DataFrame) -> pd.DataFrame:
    """Mean shares of the bound, by instance."""
    parts = {"observed": longest["observed"] / longest["bound"]}
    for column in map(str, longest.filter(like="slack: ").columns):
        parts[column.removeprefix("slack: ")] = longest[column] / longest["bound"]
    shares = pd.DataFrame(parts).groupby(longest["instance"]).mean()
    return shares.map("{:.0%}".format).reset_index()


def _rate_line(cell: pd.DataFrame) -> pd.Series:
    return pd.Series(
        {
            "bound/observed": span(cell["ratio"]),
            "exact V": span(cell["bound_with_exact_variance"] / cell["observed"]),
            "loses most": cell["loosest"].mode().iloc[0],
            "seeds": counts(cell["seeds"]),
        }
    )


def _path(data: pd.DataFrame) -> str:
    terms = data[["optimisation", "bias", "variance"]]
    largest = terms.div(data["bound"], axis=0).max()
    return PATH.format(
        outcome=outcome(data),
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
    lengths = [int(str(c).removeprefix("average at T=")) for c in _averages(data)]
    return SLOPE.format(
        outcome=outcome(data),
        shortest=min(lengths),
        longest=max(lengths),
        table=markdown(table.rename(columns=names), digits=4),
    )


def _averages(data: pd.DataFrame) -> pd.DataFrame:
    """The columns of averages at each T that these rows fill."""
    return data.filter(like="average at T=").dropna(axis=1, how="all")
