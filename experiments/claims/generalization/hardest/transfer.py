"""T3.ood with a sample: one policy that errs on hard tasks, at the law its bound forgets most.

``MOVED``: a share of the easy tasks is hard in the target, so that L_T = L_S + TV. ``WEIGHTED``:
hard tasks are half as many again in the target, so that L_T = w_max L_S. Either way the bound fails
with P(no hard task) where L_S lies just above kl-xi's bound on a sample without errors.
"""

from typing import Any

import numpy as np
import scipy

from grpo_checks.experiments.claims.generalization.hardest.cells import limits_of
from grpo_checks.experiments.claims.generalization.hardest.designs import DELTA, LAWS, Law
from grpo_checks.experiments.claims.generalization.hardest.one_policy import inverse_kl, just_beyond
from grpo_checks.experiments.claims.generalization.ood_sampled import MOVED, WEIGHTED
from grpo_checks.experiments.protocol.cell_rows import Floats, inequality
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.numbers.counts import chance_roundings, failing
from grpo_checks.theory.updates.rounding import accumulated

SHARE, FACTOR = 0.2, 1.5
OUTER = (200, 0.1, 0.3, 0.05)
"""Tasks, hard tasks in the source and in the target, delta."""


def _failing(limits: Floats, risk: float, n: int, hard: float) -> tuple[float, float]:
    """Of bounds on the target's risk, by the number of hard tasks among n."""
    weight = scipy.stats.binom.pmf(np.arange(len(limits)), n, hard)
    share = accumulated(chance_roundings(n, np.array([1 - hard, hard])) + n)
    return failing(limits, np.full(len(limits), risk), weight, accumulated(64 + 4 * n), share)


def _row(claim: str, bound: str, n: int, delta: float, *sides: float, **more: Any) -> Row:
    parameters = {"n_tasks": n, "delta": delta, "posterior": "given", "bound_name": bound, **more}
    failure, off = sides
    return inequality(claim, "one policy", parameters, failure, delta, off)


def cells(claim: str) -> list[Row]:
    """Both bounds."""
    law: Law = LAWS["kl-xi"]
    limits, n = limits_of("kl-xi", law), law.n
    hard = float(just_beyond(limits[0]))
    moved = _failing(limits + SHARE, hard + SHARE, n, hard)
    weighted = _failing(limits * FACTOR, hard * FACTOR, n, hard)
    return [
        _row(claim, MOVED, n, DELTA, *moved, shift=f"{SHARE:g} of all tasks"),
        _row(claim, WEIGHTED, n, DELTA, *weighted, shift=f"hard tasks times {FACTOR:g}"),
    ]


def outer_factor(claim: str) -> list[Row]:
    """The false version: a mean of squares is below the largest weight, and no bound on it."""
    n, before, after, delta = OUTER
    easy, top = (1 - after) / (1 - before), after / before
    square = (1 - before) * easy**2 + before * top**2
    every = np.asarray(inverse_kl(np.arange(n + 1) / n, 0.0, float(n), delta, xi(n)))
    return [_row(claim, WEIGHTED, n, delta, *_failing(square * every, after, n, before))]
