"""The ledger's section on Theorem 2, every number from the rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.ledger_benefit import benefit
from experiments.markdown import markdown, span

INTRO = """
## Theorem 2: the decomposition gap

**What the abstract claims.** A theorem on reward decomposition bounds the sub-optimality gap
between optimising components separately and jointly, and characterises when decomposing is
beneficial. It gives no constants. *Joint* normalises the weighted sum of the rewards in each group
(GRPO), *decomposed* normalises each component and then sums (GDPO, MO-GRPO).

**What is checked.** For binary components decomposed GRPO climbs, exactly, the potential
Jtilde = sum_q rho_q sum_k w_k F_G(J_qk), F_G' = c_G (`theory/decomposed.py`). T2.gap and T2.kappa
(`theory/theorem2.py`) bound what J loses by that. Optima are over unrestricted policies of one
prompt, by backward induction.
"""

SURROGATES = """
**T2.identity** holds exactly: in {identity:,} groups in fractions the joint advantage is the sum of
component advantages with weights w_k sd_k/sd, so their misalignment Delta is 0.

**T2.bridge**, a printed equation as reported, would bound the difference of the two surrogates by
Delta, hence by 0. It is refuted by two samples with rewards (0,1) and (1,0), weights 3/4 and 1/4,
ratios 9/10 and 11/10: {bridge}.

**T2.bridge'** is what is true: half the range of the ratios times sum_k w_k |sd_k/sd - 1|. It holds
in {corrected:,} random groups (largest difference/bound {largest:.4f}, largest excess {excess:.0e},
rounding) and is an equality in fractions on a stored group. In practice: the two advantages differ
by how they weigh components, not by a misalignment, and the clipped range of ratios bounds the
effect of that.
"""

POTENTIAL = """
**T2.potential**: E[g] from the exact group law and grad Jtilde agree to {off:.0e} (relative) on
{cells} models, group sizes and options. Training ends where Jtilde is highest, and not J:

{table}

limits valid at any number of seeds, family-wise level 0.001; the residual phi <= {residual:.0e}
proves that the maximiser is a first-order point. With graded components in {{0, 1/2, 1}} there is
no potential: the Jacobian of E[g] is asymmetric by {asymmetry} of its largest entry. There T2.gap,
T2.kappa, T2.zero and T2.potential have their assumption unmet; T2.identity, T2.bridge' and
T2.benefit do not need it.

![What two components can attain](results/paper/figures/t2_region.png)
"""

GAP = """
**T2.gap** holds at all {cells:,} cells (instance, prompt, policy, G): {kinds}. Violations:
{violations}; largest gap minus bound {excess:.0e} (rounding). Gap/bound over groups of cells:
median {median}, 99th percentile up to {high:.4f}, maximum {largest:.6f}. At a random policy the
bound is nearly an equality, because phi itself is: most of what is missing can still be climbed.

**T2.kappa** holds at all {kappa_cells:,} first-order points (residual phi <= 1e-10 of its scale,
reached by exact ascent), {kappa_violations} violations. It is sharp: on two calls (`sharp`, closed
form and proof in `theory/instances/sharp.py`) gap/bound is {sharp}. How unequal responses can be:

{table}

`largest kappa` is over all policies of all instances with eps = 0, ddof = 0; other options stay
below kappa_G too ({options}). Random instances with calls in tension reach gap/bound {tension}; a
search by gradient ascent over the chances, weights and mixtures of three calls went from a median
of {before} to a maximum of {search}.

Where phi is not 0 the claim says nothing: {elsewhere:,} cells, {would} of which would violate it.
One of them has |grad Jtilde| = {gradient:.1e} and a gap of {saturated:.3g}: a vanishing gradient is
not enough.

![Gap and both bounds](results/paper/figures/t2_gap.png)

**T2.zero**, largest gap at first-order points:

{zero}

In practice: with groups of 2 or 3, or one binary reward, or rewards that one policy can maximise
together, normalising components separately costs nothing at convergence. Otherwise up to
(kappa_G-1)/(kappa_G+1) of what the components can move is lost, {losses}, by giving
most weight to components whose success is nearly certain or nearly impossible.
"""


def section(rows: pd.DataFrame) -> str:
    """The whole section; empty where no row is of Theorem 2."""
    by_claim = {name: data for name, data in rows.groupby("claim")}
    if "T2.gap" not in by_claim:
        return ""
    parts = [INTRO, _surrogates(by_claim), _potential(by_claim["T2.potential"])]
    parts += [_gap(by_claim["T2.gap"], by_claim["T2.kappa"], by_claim["T2.zero"])]
    return "".join([*parts, benefit(by_claim["T2.benefit"])])


def _surrogates(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    corrected = by_claim["T2.bridge'"]
    drawn = corrected[corrected["largest_excess"].notna()]
    return SURROGATES.format(
        identity=int(by_claim["T2.identity"]["cells"].sum()),
        bridge=by_claim["T2.bridge"]["note"].iloc[0].removeprefix("exact: "),
        corrected=int(drawn["cells"].sum()),
        largest=drawn["observed"].max(),
        excess=drawn["largest_excess"].max(),
    )


def _potential(data: pd.DataFrame) -> str:
    exact = data[data["note"].str.contains("relative difference") & data["observed"].notna()]
    trained = data[data["standard_error"].notna()]
    names = {
        "group_size": "G",
        "seeds": "seeds",
        "observed": "mean J at the end",
        "standard_error": "standard error",
        "bound": "J at the maximiser of Jtilde",
        "lower": "lower limit",
        "upper": "upper limit",
        "optimum_of_J": "J*",
        "optimum_in_errors": "errors below J*",
    }
    table = trained[list(names)].rename(columns=names).astype({"G": int, "seeds": int}).round(4)
    asymmetry = data["asymmetry"].dropna()
    return POTENTIAL.format(
        off=exact["observed"].max(),
        cells=len(exact),
        table=markdown(table),
        residual=data["residual"].abs().max(),
        asymmetry=span(asymmetry),
    )


def _losses(kappa: pd.DataFrame) -> str:
    """The factor of T2.kappa in words, for the group sizes that trainers use."""
    known = kappa.dropna(subset=["factor"]).drop_duplicates("group_size").set_index("group_size")
    return ", ".join(f"{known['factor'][g]:.1%} at G = {g}" for g in (4, 8, 16, 64))


def _kappa_table(kappa: pd.DataFrame) -> str:
    plain = kappa[(kappa["where"] == "any policy") & (kappa["ddof"] == 0) & (kappa["eps"] == 0)]
    names = {
        "group_size": "G",
        "kappa_G": "kappa_G",
        "factor": "(kappa_G-1)/(kappa_G+1)",
        "observed": "largest kappa",
        "cells": "cells",
    }
    table = plain.sort_values("group_size")[list(names)].rename(columns=names).round(4)
    return markdown(table.astype({"G": int, "cells": int}))


def _gap(gap: pd.DataFrame, kappa: pd.DataFrame, zero: pd.DataFrame) -> str:
    points = kappa[kappa["where"] == "first-order point"]
    options = kappa[(kappa["where"] == "any policy") & ((kappa["ddof"] > 0) | (kappa["eps"] > 0))]
    unmet = kappa[kappa["verdict"] == "assumption unmet"]
    saturated = unmet[unmet["gradient_norm"].notna()]
    searched = kappa[kappa["where"] == "search over instances"]
    of = {name: points[points["instance"] == name] for name in ("sharp", "menu, in tension")}
    return GAP.format(
        cells=int(gap["cells"].sum()),
        kinds=", ".join(sorted(gap["instance"].unique())),
        violations=int(gap["violations"].sum()),
        excess=gap["largest_excess"].max(),
        median=span(gap["ratio_median"]),
        high=gap["ratio_99"].max(),
        largest=gap["ratio_max"].max(),
        kappa_cells=int(points["cells"].sum()),
        kappa_violations=int(points["violations"].sum()),
        sharp=f"1 to {(of['sharp']['ratio_max'] - 1).abs().max():.0e}",
        table=_kappa_table(kappa),
        options=f"kappa/kappa_G {span(options['observed'] / options['kappa_G'])}",
        tension=span(of["menu, in tension"]["ratio_max"]),
        before=span(searched["ratio_before"]),
        losses=_losses(kappa),
        search=span(searched["observed"]),
        elsewhere=int(unmet["cells"].sum()),
        would=int(unmet["would_violate"].sum()),
        gradient=saturated["gradient_norm"].iloc[0],
        saturated=saturated["largest_gap"].iloc[0],
        zero=_zero_table(zero),
    )


def _zero_table(zero: pd.DataFrame) -> str:
    table = zero[["where", "cells", "largest_gap", "verdict"]].astype({"cells": int})
    table["largest_gap"] = table["largest_gap"].map("{:.2g}".format)
    return markdown(table.rename(columns={"where": "condition", "largest_gap": "largest gap"}))
