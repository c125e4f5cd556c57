"""The ledger's section on Theorem 3, continued: transfer, depth, false bounds."""

from collections.abc import Mapping

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.ledger.theorems.visual_arft import visual_arft
from grpo_checks.experiments.storage.text import markdown

OOD = """
**T3.ood** {outcome}, in {holds} cells; it is vacuous in {vacuous} and has its assumption
unmet in {unmet} (importance weights for types that the source never shows). Target laws move from
the source to its rarest type, then to types that the source lacks. Bound over exact target risk,
for the policy with the least slack, where the bound says anything:

{table}

In practice: no number of training tasks enters these terms. What is new in the target must be
bounded by what is known of it: osc(l) TV is the least that a TV allows; with TV near 1 nothing is
left. The importance-weighted bound needs the weights, and pays their maximum.

**T3.depth** {depth_outcome}, in {depth} cells. On `relay` {failing:.0%} of tool calls fail in the
target only. Where a failure is final the gap {final}; where the next call repairs it, the gap
{repaired}, and at D = {deepest} the bound is {loose:.3g} times the gap. The product form 1 - (1 -
max TV)^D (derived) is attained where a failure is final, within {attained:.0e}.
"""

FALSE = """
**T3.shift** {outcome}, in exact arithmetic. The appendix's equation (as reported) divides the
shift term by sqrt n: more *source* tasks would bring the *target* closer. One policy that fails on
hard tasks only, target all hard, delta = {delta}:

{swept}

With the undivided term sqrt(KL/2) the largest failure probability in the same settings is
{undivided:.2g}. In practice: sqrt(KL(D_T,D_S)/2n) must not be used; the distance between
environments does not shrink with the sample.

**T3.klorder**: kl(L_T, L_S) <= KL(D_T, D_S) is true (data processing), and false with D_S and D_T
swapped on the right; it rests on certified cases alone.
"""


def section(by_claim: Mapping[str, pd.DataFrame]) -> str:
    """From the rows of each claim."""
    parts = [_ood(by_claim["T3.ood"], by_claim["T3.depth"])]
    parts += [_false(by_claim["T3.shift"])]
    return "".join([*parts, visual_arft(by_claim["T3.visual_arft"])])


def _ood(data: pd.DataFrame, depth: pd.DataFrame) -> str:
    exact = data[data["shown_risk"].notna() & (data["bound"] < 1)]
    cells = exact.groupby("bound_name", sort=False)["ratio"]
    table = cells.agg(cells="size", median="median", largest="max").reset_index()
    final, repaired = (depth[depth["kind"] == kind] for kind in ("final", "repaired"))
    deepest = repaired.sort_values("depth").iloc[-1]
    return OOD.format(
        outcome=outcome(data),
        depth_outcome=outcome(depth),
        failing=final["responses"].max(),
        deepest=int(deepest["depth"]),
        loose=deepest["ratio"],
        attained=(final["sharper_bound"] / final["observed"] - 1).abs().max(),
        holds=(data["verdict"] == "holds").sum(),
        vacuous=(data["verdict"] == "vacuous").sum(),
        unmet=(data["verdict"] == "assumption unmet").sum(),
        table=markdown(table.rename(columns={"bound_name": "bound"}), digits=4),
        depth=(depth["verdict"] == "holds").sum(),
        final=_growth(depth, 1),
        repaired=_growth(depth, 0),
    )


def _growth(depth: pd.DataFrame, expected: int) -> str:
    """How the gap of `relay` grows, in words."""
    return str(depth[depth["kind"] == f"exponent {expected}"]["note"].iloc[0])


def _false(swept: pd.DataFrame) -> str:
    names = {"n_tasks": "n", "hard": "D_S(hard)", "note": "failure", "verdict": "verdict"}
    return FALSE.format(
        outcome=outcome(swept),
        swept=markdown(swept[list(names)].rename(columns=names).astype({"n": int})),
        delta=", ".join(f"{x:g}" for x in swept["delta"].unique()),
        undivided=swept["failure_undivided"].max(),
    )
