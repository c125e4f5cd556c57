"""The silent share of larger groups than were logged: a range that smaller ones leave.

s(g) = E sum_v p(v)^g = E X^(g-1), X in [0, 1] the chance of the composite that one episode earned.
So s(1) = 1, s(2), ... are moments of one law on [0, 1], and s(G) of a larger G lies between the
least and the largest (G-1)-th moment of all laws whose lower moments lie within their limits: two
linear programs (Hausdorff's moment problem; derived).
"""

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linprog

from grpo_checks.theory.logs.groups import Floats
from grpo_checks.theory.logs.limits import Estimate

POINTS = 400


def predicted_silence(known: Mapping[int, Estimate], size: int) -> Estimate:
    """Of groups of ``size``, from s(g) with limits; the value is that of a law whose moments are
    nearest to the estimates, in units of their limits.

    The law is on a grid of ``POINTS``, finer towards 1, where large powers live. Where the limits
    contradict one another, all that is left is that s falls with g.
    """
    largest = known[max(known)]
    # Cosines: spacing 2e-5 next to both ends.
    x = (1 - np.cos(np.pi * np.arange(POINTS) / (POINTS - 1))) / 2
    powers = np.array([x ** (g - 1) for g in known])
    low, high = (np.array([getattr(e, side) for e in known.values()]) for side in ("low", "high"))
    aim, ends = x ** (size - 1), []
    for sign in (1, -1):
        result = linprog(
            sign * aim, np.concatenate([powers, -powers]), np.concatenate([high, -low]),
            np.ones((1, POINTS)), np.ones(1), method="highs",
        )  # fmt: skip
        if result.status != 0:
            return Estimate(largest.high / 2, 0.0, largest.high)
        ends.append(float(np.clip(sign * result.fun, 0, 1)))
    nearest = float(aim @ _nearest_law(powers, known))
    return Estimate(min(max(nearest, ends[0]), ends[1]), *ends)


def _nearest_law(powers: Floats, known: Mapping[int, Estimate]) -> Floats:
    """(POINTS,) the law whose worst moment is least off."""
    value = np.array([e.value for e in known.values()])
    width = np.array([max(e.high - e.low, 1e-9) for e in known.values()])[:, None]
    one = np.ones((1, POINTS))
    result = linprog(
        np.r_[np.zeros(POINTS), 1.0],
        np.concatenate([np.c_[powers, -width], np.c_[-powers, -width]]), np.r_[value, -value],
        np.c_[one, 0.0], np.ones(1), method="highs",
    )  # fmt: skip
    return np.asarray(result.x[:-1])
