"""Limits for an inequality that holds at every step given the past, from the steps of all runs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.claim import STATISTICAL, Levels, judge, settled_by
from grpo_checks.experiments.protocol.verdict import Verdict
from grpo_checks.theory.convergence.confidence import drift_upper_limit, lower_limit, samples_needed
from grpo_checks.theory.convergence.error_levels import drift_level, lower_level
from grpo_checks.theory.training.loop import STEP
from grpo_checks.theory.updates.rounding import accumulated


def not_judged(result: RunResult, step: float, smoothness: float) -> tuple[Verdict, str] | None:
    """Verdict and reason for a run that Theorem 1 cannot be put on; None for all others."""
    if result["diverged"]:
        return "inconclusive", "the run left the finite numbers"
    if step == 0:
        return "assumption unmet", "nothing to learn: the start is optimal or offers no choice"
    # 1/L and its product with L are rounded.
    if step * smoothness > 1 + accumulated(2):
        return "assumption unmet", "step above 1/L"
    return None


def sampled_verdict(
    lower: float,
    upper: float,
    bound: float,
    levels: Levels,
    note: str = "",
    square: str = "|grad J|^2",
) -> tuple[Verdict, str]:
    """Verdict and note of a sampled ``square`` between limits; ``note``: where it is open."""
    verdict = judge(upper, lower, bound)
    if verdict == "holds" and levels.weak:
        return "vacuous", f"no better than the trivial bound on {square}"
    return verdict, STATISTICAL if verdict == "refuted" else note


class PerStep(NamedTuple):
    """Left minus right of one step, whose mean given the past is claimed to be at most 0."""

    coefficients: Float[np.ndarray, " 5"]
    """Of the numbers in ``STEP``."""
    largest: float
    """At most, in one step; at least, with the other sign."""
    smallest: float
    ends: tuple[float, float]
    """Of its average over a run, rounding included."""

    def limits(
        self, run: RunSettings, result: RunResult, level: float
    ) -> tuple[float, float, Levels, str]:
        """Lower and upper limit of its average, their levels, what would settle an open sign.

        The average conditional mean has an upper and a lower limit, valid for dependent steps, the
        expectation over runs another lower one; these two have half of the level each.
        """
        a = self.coefficients
        sample = np.stack([result[name] for name in STEP], -1) @ a
        n, far = sample.size * run.n_steps, self.smallest
        square = max(0.0, float(a @ np.asarray(result["products"]) @ a))
        drift = float(sample.mean()) * n
        upper = drift_upper_limit(n, drift, square, level, self.largest)
        below = -drift_upper_limit(n, -drift, square, level / 2, far)
        lower = max(below, lower_limit(sample, level / 2, *self.ends))
        above = drift_level(n, -drift, square, 0.0, far)
        refuted = 2 * min(above, lower_level(sample, 0.0, *self.ends))
        levels = Levels(drift_level(n, drift, square, 0.0, self.largest), min(1.0, refuted))
        if not lower <= 0 < upper or drift >= 0:
            return lower, upper, levels, ""
        steps = samples_needed(-drift / n, np.sqrt(square / n), self.largest, level)
        return lower, upper, levels, settled_by(steps / run.n_steps)
