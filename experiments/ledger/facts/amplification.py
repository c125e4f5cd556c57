"""Facts on KL-regularised maximisers and their recurrence (arXiv:2503.06639)."""

import pandas as pd

from grpo_checks.experiments.ledger.words import Facts, having, outcome, table
from grpo_checks.experiments.storage.text import instances


def amplification(data: pd.DataFrame) -> Facts:
    """Of L.amplification: maximisers by backward induction, and by gradient ascent."""
    true = having(data, "holds")
    exact = true[true["method"] == "tilting"]
    return {
        "outcome": outcome(data),
        "cells": len(exact),
        "instances": instances(exact),
        "rounding": (exact["observed"] - exact["bound"]).abs().max(),
        "ascents": (true["method"] == "ascent").sum(),
    }


def tools(data: pd.DataFrame) -> Facts:
    """Of L.tools: how far the recurrence is from the maximiser where tools answer at random."""
    return {
        "outcome": outcome(data),
        "share": (data["observed"] / data["bound"]).min(),
        "instances": instances(data),
    }


def convergence(data: pd.DataFrame) -> Facts:
    """Of L.convergence: what settled, what cycles, and the cycle in whole numbers."""
    exact = data["cycle_low"].notna()
    settled, cycles = having(data, "holds"), having(data, "refuted").sort_values("beta")
    lattice = data[exact].iloc[0]
    headings = {"reference": "p_ref", "beta": "beta", "eps": "eps", "observed": "distance"}
    return {
        "outcome": outcome(data),
        "settled": len(settled),
        "cells": len(data[~exact]),
        "slope": settled["map_slope"].abs().max(),
        "cycles": f"{len(cycles)} cells" if len(cycles) != 1 else "cell",
        "table": table(cycles.sort_index(), headings, digits=5),
        "start": lattice["reference"],
        "penalty": lattice["beta"],
        "low": lattice["cycle_low"],
        "high": lattice["cycle_high"],
        "least": cycles["beta"].min(),
        "most": cycles["beta"].max(),
        "easiest": cycles["reference"].max(),
        "smallest": cycles["beta"].iloc[0],
        "hardest": cycles["reference"].iloc[0],
    }
