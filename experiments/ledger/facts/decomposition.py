"""Facts on Theorem 2: surrogates, the potential, and the decomposition gap."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, having, outcome, table
from grpo_checks.experiments.storage.text import instances, span

SIZES = (4, 8, 16, 64)
"""Of the groups that trainers use, where responses are not constant."""


def identity(data: pd.DataFrame) -> Facts:
    """Of T2.identity."""
    return {"outcome": outcome(data), "groups": int(data["cells"].sum())}


def bridge(data: pd.DataFrame) -> Facts:
    """Of T2.bridge': random groups."""
    drawn = data[data["largest_excess"].notna()]
    return {
        "outcome": outcome(data),
        "groups": int(drawn["cells"].sum()),
        "largest": (drawn["observed"] / drawn["bound"]).max(),
        "excess": drawn["largest_excess"].max(),
    }


def spread(data: pd.DataFrame, range_rows: pd.DataFrame) -> Facts:
    """Of T2.bridge.sd: random groups, and those of T2.bridge' for comparison."""
    drawn, before = (x[x["largest_excess"].notna()] for x in (data, range_rows))
    plain, worst = (drawn[drawn["instance"].str.contains("worst") == kind] for kind in (0, 1))
    return {
        "outcome": outcome(data),
        "groups": int(drawn["cells"].sum()),
        "plain": span(plain["ratio_median"]),
        "worst": span(worst["ratio_median"]),
        "before": span(before["ratio_median"]),
    }


def potential(data: pd.DataFrame) -> Facts:
    """Of T2.potential: E[g] against grad Jtilde, where training ends, and graded rewards."""
    compared = data[data["size"].notna() & (data["verdict"] != "vacuous")]
    trained = data[data["standard_error"].notna()]
    graded = data[data["asymmetry"].notna()]
    headings = {
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
    return {
        "outcome": outcome(data),
        "trained": instances(trained),
        "graded": instances(graded),
        "off": compared["observed"].max(),
        "cells": len(compared),
        "table": table(trained, headings),
        "residual": data["residual"].abs().max(),
        "asymmetry": span(graded["asymmetry"]),
    }


def gap(data: pd.DataFrame, kappa: pd.DataFrame) -> Facts:
    """Of T2.gap, and gap/bound of all cells of T2.kappa beside its own."""
    both = pd.concat([data, kappa])
    headings = {
        "claim": "claim",
        "where": "at",
        "cells": "cells",
        "ratio_median": "median",
        "ratio_99": "99th percentile",
        "ratio_max": "maximum",
    }
    cells = data[data["instance"] != "all"]
    return {
        "outcome": outcome(data),
        "cells": int(cells["cells"].sum()),
        "identities": int(cells["identities"].sum()),
        "kinds": "; ".join(sorted(cells["instance"].unique())),
        "violations": int(cells["violations"].sum()),
        "excess": cells["largest_excess"].max(),
        "ratios": table(both[both["where"].str.startswith("all ")], headings),
    }


def attained(data: pd.DataFrame) -> Facts:
    """Of T2.kappa: how near gap/bound comes to 1 on two calls, and its median over all first-order
    points."""
    sharp = data[(data["instance"] == "sharp") & (data["where"] == "first-order point")]
    every = data[data["where"] == "all first-order points"]
    return {
        "sharp": (sharp["ratio_max"] - 1).abs().max(),
        "points": int(every["cells"].sum()),
        "typical": f"{every['ratio_median'].max():.3g}",
    }


def kappa(data: pd.DataFrame) -> Facts:
    """Of T2.kappa: at first-order points, by options of the estimator, and where phi is not 0."""
    points, anywhere, searched = (
        data[data["where"] == where]
        for where in ("first-order point", "any policy", "search over instances")
    )
    tension = points[points["instance"] == "menu, in tension"]["ratio_max"]
    plain = (anywhere["ddof"] == 0) & (anywhere["eps"] == 0)
    options = anywhere[(anywhere["ddof"] > 0) | (anywhere["eps"] > 0)]
    unmet = data[data["verdict"] == "assumption unmet"]
    saturated = unmet[unmet["gradient_norm"].notna()].iloc[0]
    headings = {
        "group_size": "G",
        "kappa_G": "kappa_G",
        "factor": "(kappa_G-1)/(kappa_G+1)",
        "observed": "largest kappa",
        "cells": "cells",
    }
    return {
        "outcome": outcome(data),
        "cells": int(points["cells"].sum()),
        "violations": int(points["violations"].sum()),
        "sharp": attained(data)["sharp"],
        "table": table(anywhere[plain].sort_values("group_size"), headings),
        "options": span(options["observed"] / options["kappa_G"]),
        "tension": span(tension),
        "before": span(searched["ratio_before"]),
        "search": span(searched["observed"]),
        "elsewhere": int(unmet["cells"].sum()),
        "would": int(unmet["would_violate"].sum()),
        "gradient": saturated["gradient_norm"],
        "saturated": saturated["largest_gap"],
    }


def kappa_by_components(data: pd.DataFrame) -> Facts | None:
    """Of T2.kappa near its bound: gap/bound by the number of components; None for older rows."""
    near = data[data["bound_name"].notna()]
    if near.empty:
        return None
    ratios = near.groupby("bound_name", sort=True)["ratio_max"].max()
    return {
        "cells": int(near["cells"].sum()),
        "ratios": ", ".join(f"{ratio:.4f} ({name})" for name, ratio in ratios.items()),
    }


def factors(kappa: pd.DataFrame) -> pd.Series:
    """(kappa_G-1)/(kappa_G+1) by G, for the group sizes that trainers use."""
    known = kappa.dropna(subset=["factor"]).drop_duplicates("group_size")
    return known.set_index("group_size")["factor"].reindex(SIZES).dropna()


def zero(data: pd.DataFrame, kappa: pd.DataFrame) -> Facts:
    """Of T2.zero, and what is lost where it does not apply."""
    headings = {
        "where": "condition",
        "cells": "cells",
        "largest_gap": "largest gap",
        "verdict": "verdict",
    }
    rounded = data.assign(largest_gap=data["largest_gap"].map("{:.2g}".format))
    return {
        "outcome": outcome(data),
        "table": table(rounded, headings),
        "losses": ", ".join(f"{loss:.1%} at G = {size}" for size, loss in factors(kappa).items()),
    }


def global_maximum(data: pd.DataFrame) -> Facts:
    """Of T2.global: the classes, and the largest share of the bound that is lost."""
    live = data[data["verdict"] != "vacuous"]
    names = live.groupby("instance", sort=False)["policies"].first()
    return {
        "outcome": outcome(data),
        "cells": len(live),
        "classes": "; ".join(f"`{name}` ({policies})" for name, policies in names.items()),
        "policies": int(live["cells"].max()),
        "largest": f"{(live['observed'] / live['bound']).max():.5f}",
    }


def shared(cases: pd.DataFrame) -> Facts | None:
    """Of T2.shared: its counterexamples; None where there are none."""
    refuted = having(cases[cases["claim"] == "T2.shared"], "refuted")
    if refuted.empty:
        return None
    headings = {"case": "point", "observed": "lost", "bound": "allowed"}
    return {"table": table(refuted, headings)}
