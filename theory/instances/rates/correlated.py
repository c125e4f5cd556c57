"""Joint laws of K binary components with given success probabilities and one common correlation.

Among all laws with these probabilities, pair probabilities E r_k r_l are linear, so that the
correlations that are possible form an interval around 0, whose ends are linear programs; a law in
between is a mixture of the independent one and of an end (derived; for K = 2 the interval is that
of Fréchet's limits).
"""

from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

MAX_COMPONENTS = 6
Floats = NDArray[np.float64]


def vectors(components: int) -> NDArray[np.int64]:
    """The 2^K reward vectors, lexicographic, shape (2^K, K)."""
    return np.array(list(product((0, 1), repeat=components)), np.int64)


def check_rates(success: Floats) -> None:
    """Raises ValueError for other than 1 to 6 components, or a rate outside [0, 1]."""
    if not 1 <= success.size <= MAX_COMPONENTS:
        raise ValueError(f"success = {success.size} rates: expected 1..{MAX_COMPONENTS}")
    for rate in success:
        if not 0 <= rate <= 1:
            raise ValueError(f"success = {rate}: expected a rate in [0, 1]")


def extreme_law(success: Floats, sign: int) -> tuple[float, Floats]:
    """The largest (``sign`` 1) or least (-1) common correlation, and a law (2^K,) that has it.

    Components that never vary have no correlation and are left out. (0, independent) where fewer
    than two vary.
    """
    table = vectors(success.size)
    varying = np.flatnonzero((success > 0) & (success < 1))
    pairs = list(combinations(varying, 2))
    if not pairs:
        return 0.0, independent_law(success)
    sd = np.sqrt(success * (1 - success))
    # Unknowns: the law, then the correlation.
    moments = [np.r_[table[:, k], 0.0] for k in range(success.size)]
    moments += [np.r_[table[:, k] * table[:, j], -sd[k] * sd[j]] for k, j in pairs]
    values = [1.0, *success, *(success[k] * success[j] for k, j in pairs)]
    columns, target = np.array([np.r_[np.ones(len(table)), 0.0], *moments]), np.array(values)
    possible = independent_law(success) > 0
    bounds = [(0, 1 if able else 0) for able in possible] + [(-1, 1)]
    aim = np.r_[np.zeros(len(table)), -float(sign)]
    end = linprog(aim, A_eq=columns, b_eq=target, bounds=bounds, method="highs").x
    # The solver stops at 1e-7; on the support of its vertex the equations decide.
    support = np.r_[(end[:-1] > 1e-6) & possible, True]
    exact = np.zeros(end.size)
    exact[support] = np.linalg.lstsq(columns[:, support], target)[0]
    return float(exact[-1]), np.maximum(exact[:-1], 0.0)


def independent_law(success: Floats) -> Floats:
    """Of the vectors, shape (2^K,)."""
    return np.asarray(np.where(vectors(success.size) == 1, success, 1 - success).prod(1))


def correlated_law(success: Floats, correlation: float) -> Floats:
    """Law of the 2^K vectors with these success probabilities, every two varying components
    having this correlation.

    Raises ValueError, naming the range, for a correlation that no law has, or that of an end,
    where some vector would have no chance.
    """
    check_rates(success)
    law = independent_law(success)
    if correlation == 0 or ((success > 0) & (success < 1)).sum() < 2:
        return law
    end, extreme = extreme_law(success, 1 if correlation > 0 else -1)
    if not abs(correlation) < abs(end):
        other = extreme_law(success, -1 if correlation > 0 else 1)[0]
        low, high = sorted((end, other))
        rates = ", ".join(f"{x:.6g}" for x in success)
        raise ValueError(
            f"correlation = {correlation:g}: expected a number in ({low:.6g}, {high:.6g}), the "
            f"range that success rates {rates} leave"
        )
    share = correlation / end
    return np.asarray((1 - share) * law + share * extreme)
