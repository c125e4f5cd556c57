"""What the table of ``advise`` recommends, in sentences."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from grpo_checks.experiments.advice.bias_floor import floor_line
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.updates.budget import BudgetTerms

NO_STEP = "e = 0 for every G, no step is sure to raise J"


def best_size(terms: BudgetTerms, budget: int) -> str:
    """What G* says within a budget: groups have 2 to N members."""
    best = float(terms.best)
    if not terms.between > 0:
        if not terms.excess > 0:
            return "there is nothing to learn, V = 0 for every G"
        return "N V falls with G up to N: grad J is the same for all prompts, there is no G*"
    if best > budget:
        return f"N V falls with G up to N (G* = {best:.3g})"
    if best < 2:
        return f"N V rises with G, so that 2 is best (G* = {best:.3g})"
    return f"N V is least at G* = {best:.3g}"


def best_row(table: pd.DataFrame, *names: str) -> pd.Series | None:
    """Of these estimators, the row with the largest signal per episode; None without one."""
    signals = table[table["estimator"].isin(names)].dropna(subset=["signal"])
    return None if signals.empty else signals.sort_values("signal_per_episode").iloc[-1]


def share(silent: float) -> str:
    """Of groups."""
    return "an unknown share" if np.isnan(silent) else f"{silent:.1%}"


def recommended(
    instance: Instance, theta: Theta, table: pd.DataFrame, estimators: Sequence[Estimator]
) -> list[str]:
    """The best group size of each estimator, and where the biased ones lead."""
    lines = []
    for estimator in estimators:
        best = best_row(table, estimator.name)
        if best is None:
            continue
        if not best["signal"] > 0:
            lines.append(f"{estimator.name}: {NO_STEP}")
            continue
        size = int(best["group_size"])
        lines.append(
            f"{estimator.name}: best G = {size} with step {best['step']:.3g}: one update of "
            f"{best['episodes']:.0f} episodes raises J by at least e/(2L), "
            f"e = {best['signal']:.3g}; {share(best['silent'])} of groups silent"
        )
        if not estimator.is_plain:
            lines.append(floor_line(instance, theta, estimator, size))
    return lines
