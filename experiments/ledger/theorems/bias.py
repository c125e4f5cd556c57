"""The ledger's part on the bias of normalised estimators: where they lead, and how fast."""

from collections.abc import Mapping

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.storage.text import enclosed, markdown, span
from grpo_checks.theory.instances.conflict import MAXIMISER, NORMALIZED_ZERO

BIAS = """
**T1.bias** is refuted, in rational arithmetic alone. `group_normalized` is what most trainers run
as GRPO; its expected update is not a multiple of grad J. At the zero of E[g] on `conflict`, |grad
J|^2 has these values (rational enclosures, to the digits shown; for G = 2 and 3 the response c_G
is constant, and the claim is true):

{table}

The gamble: one action pays 2/5, the other 1 with chance 2/5, both have probability 1/2. Then
{gambles}.
In practice: normalising by the group's standard deviation moves the stationary points; the shift
vanishes for groups of 2 and 3 with one binary reward and grows with G.
"""

FLOOR = """
**T1.floor** {outcome}. On `conflict` with G = {size} E[g] vanishes where |grad J|^2 >= {floor:.4g}
(certified, T1.bias), and the average of |grad J|^2 along std-normalised runs flattens towards that:
its local slopes against T are {slopes}, the flattening is {flattening} (first minus last slope,
limits at the family-wise level). It is the end that is not stationary, not the way: from theta = 0
expected updates {crossing}. With the same estimator and steps G = {kept} keep the slope of -1/2
(figure `t1_floor`).
"""

CURL = """
**T1.curl** holds: with m >= 3 distinct composites at a prompt, whose grad p(v) span m - 1
dimensions in parameters of that prompt alone, E[g] of `group_normalized` is the gradient of
nothing. The relative asymmetry |J - J^T|/|J| of its Jacobian at the clearest of the policies tried:

{table}

With two rewards it is rounding, since there E[g] = c_G(p) grad p. At G = 2 on three equally likely
answers that pay 0, 1/2 and 1 the entries of J - J^T are +-2/27, by hand and in fractions. Fewer
dimensions are not enough, and prompts that share parameters can cancel each other (mutants). In
practice: std-normalised GRPO with graded rewards follows the gradient of no objective.
"""

SURROGATE = """
**T1.surrogate** {outcome}, in {holds} of {cells} cells ({vacuous} vacuous): decomposed GRPO
converges at the rate of T1.rate to stationary points of Jtilde = sum_q rho_q sum_k w_k F_G(J_qk),
bound over observed {ratio}. On `conflict` with G = {size}, where |grad J|^2 flattens, the average
of |grad Jtilde|^2 falls with slope {slope}, with the steps of T1.slope, at most 1/sqrt(G-1). What
it converges to is a stationary point of another objective.
"""


def bias(by_claim: Mapping[str, pd.DataFrame]) -> str:
    """From the rows of T1.bias, T1.floor, T1.curl and T1.surrogate."""
    parts = [_bias(by_claim["T1.bias"]), _floor(by_claim["T1.floor"])]
    parts += [_curl(by_claim["T1.curl"]), _surrogate(by_claim["T1.surrogate"])]
    return "".join(parts)


def _limits(row: pd.Series) -> str:
    return f"{row['observed']:.3f} [{row['lower']:.3f}, {row['upper']:.3f}]"


def _bias(data: pd.DataFrame) -> str:
    conflict = data[data["instance"] == "conflict"]
    table = pd.DataFrame(
        {
            "G": conflict["group_size"].astype(int),
            "|grad J|^2": [
                enclosed(row["lower"], row["upper"], 6) for _, row in conflict.iterrows()
            ],
            "verdict": conflict["verdict"],
        }
    )
    gambles = data[data["instance"] == "gamble"]
    said = [f"{row['note']} at G = {row['group_size']:.0f}" for _, row in gambles.iterrows()]
    return BIAS.format(table=markdown(table), gambles="; ".join(said))


def _floor(data: pd.DataFrame) -> str:
    stalled = data[data["floor"].notna()].iloc[0]
    kept = data[data["floor"].isna()]
    local = stalled.filter(like="slope up to T=").dropna()
    first, least, most = (-float(stalled[c]) for c in ("observed", "upper", "lower"))
    return FLOOR.format(
        outcome=outcome(data),
        size=int(stalled["group_size"]),
        crossing=_crossing(MAXIMISER, NORMALIZED_ZERO),
        floor=stalled["floor"],
        slopes=", ".join(f"{slope:.2f}" for slope in local),
        flattening=f"{first:.3f} [{least:.3f}, {most:.3f}]",
        kept=" and ".join(f"{int(r['group_size'])} ({_limits(r)})" for _, r in kept.iterrows()),
    )


def _crossing(maximiser: float, zero: float) -> str:
    """Whether a path from 0 to the zero of E[g] passes the maximiser of J."""
    where = f"to x = {zero:.4f}"
    if zero < maximiser < 0:
        return (
            f"cross the maximiser of J, x = {maximiser:.4f}, where grad J = 0, on their way {where}"
        )
    return f"do not meet the maximiser of J, x = {maximiser:.4f}, on their way {where}"


def _curl(data: pd.DataFrame) -> str:
    names = {
        "instance": "instance",
        "distinct_rewards": "distinct rewards",
        "group_size": "G",
        "eps": "eps",
        "largest": "largest",
    }
    table = data[[*names, "verdict"]].rename(columns=names)
    table = table.astype({"G": int, "distinct rewards": int})
    table["eps"] = table["eps"].fillna(0).map("{:g}".format)
    table["largest"] = table["largest"].map("{:.2g}".format)
    return CURL.format(table=markdown(table))


def _surrogate(data: pd.DataFrame) -> str:
    sloped = data["window_low"].notna()
    rate, slope = data[~sloped], data[sloped].iloc[0]
    return SURROGATE.format(
        outcome=outcome(data),
        size=int(slope["group_size"]),
        holds=(rate["verdict"] == "holds").sum(),
        vacuous=(rate["verdict"] == "vacuous").sum(),
        cells=len(rate),
        ratio=span(rate["ratio"]),
        slope=_limits(slope),
    )
