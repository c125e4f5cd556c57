"""Claims that people act on, from their rows."""

import pandas as pd
from matplotlib.figure import Figure

from grpo_checks.figures.style import PAGE_WIDTH, SERIES, styled

ESTIMATES = (("k2 as loss", "KL(pi, ref)"), ("k3 as loss", "KL(ref, pi)"))


@styled
def kl(rows: pd.DataFrame) -> Figure | None:
    """P.kl: relative error of an estimate's expected gradient, as the policy leaves the reference.

    Models at which it is right, of one decision, are left out.
    """
    cells = rows[rows["claim"] == "P.kl"]
    if cells.empty:
        return None
    cells = cells[cells["nats"].notna() & (cells["verdict"] == "refuted")]
    if cells.empty:
        return None
    figure = Figure((PAGE_WIDTH, 2.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (estimate, target) in zip(panels, ESTIMATES, strict=True):
        chosen = cells[cells["estimate"] == estimate].sort_values("nats")
        models = chosen.groupby(["instance", "decisions"])
        for ((name, decisions), one), look in zip(models, SERIES, strict=False):
            label = f"{name}, up to {decisions:.0f} decisions"
            axes.plot(one["nats"], one["observed"], label=label, **look)
        axes.set(xscale="log", yscale="log")
        axes.set_xlabel("KL(pi, ref), nats")
        axes.set_title(f"{estimate}, taken for {target}")
    panels[0].set_ylabel("relative error of the gradient")
    panels[0].legend(frameon=False, fontsize=7)
    return figure
