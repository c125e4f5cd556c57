"""The ledger's section on Theorem 2, every number from the rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.ledger.theorems.benefit import benefit
from grpo_checks.experiments.ledger.theorems.theorem2_text import GAP, INTRO, POTENTIAL, SURROGATES
from grpo_checks.experiments.storage.text import instances, markdown, span


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
        identity_outcome=outcome(by_claim["T2.identity"]),
        corrected_outcome=outcome(corrected),
        identity=int(by_claim["T2.identity"]["cells"].sum()),
        corrected=int(drawn["cells"].sum()),
        largest=(drawn["observed"] / drawn["bound"]).max(),
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
    table = trained[list(names)].rename(columns=names).astype({"G": int, "seeds": int})
    graded = data[data["asymmetry"].notna()]
    return POTENTIAL.format(
        outcome=outcome(data),
        trained=instances(trained),
        graded=instances(graded),
        off=exact["observed"].max(),
        cells=len(exact),
        table=markdown(table),
        residual=data["residual"].abs().max(),
        asymmetry=span(graded["asymmetry"]),
    )


def _ratios(every: pd.DataFrame) -> str:
    """gap/bound of all cells of both claims."""
    names = {
        "claim": "claim",
        "where": "at",
        "cells": "cells",
        "ratio_median": "median",
        "ratio_99": "99th percentile",
        "ratio_max": "maximum",
    }
    table = every[list(names)].rename(columns=names).astype({"cells": int})
    return markdown(table)


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
    table = plain.sort_values("group_size")[list(names)].rename(columns=names)
    return markdown(table.astype({"G": int, "cells": int}))


def _gap(gap: pd.DataFrame, kappa: pd.DataFrame, zero: pd.DataFrame) -> str:
    outcomes = {"gap_outcome": outcome(gap), "kappa_outcome": outcome(kappa)}
    every = pd.concat([gap, kappa])
    every = every[every["where"].str.startswith("all ")]
    gap = gap[gap["instance"] != "all"]
    points = kappa[kappa["where"] == "first-order point"]
    options = kappa[(kappa["where"] == "any policy") & ((kappa["ddof"] > 0) | (kappa["eps"] > 0))]
    unmet = kappa[kappa["verdict"] == "assumption unmet"]
    saturated = unmet[unmet["gradient_norm"].notna()]
    searched = kappa[kappa["where"] == "search over instances"]
    of = {name: points[points["instance"] == name] for name in ("sharp", "menu, in tension")}
    return GAP.format(
        **outcomes,
        zero_outcome=outcome(zero),
        cells=int(gap["cells"].sum()),
        kinds="; ".join(sorted(gap["instance"].unique())),
        violations=int(gap["violations"].sum()),
        excess=gap["largest_excess"].max(),
        ratios=_ratios(every),
        kappa_cells=int(points["cells"].sum()),
        kappa_violations=int(points["violations"].sum()),
        sharp=(of["sharp"]["ratio_max"] - 1).abs().max(),
        table=_kappa_table(kappa),
        options=span(options["observed"] / options["kappa_G"]),
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
