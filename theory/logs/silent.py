"""Groups whose rewards are all equal, now and in smaller groups, exactly by subsets.

A group of n holds C(n, g) groups of g; the share of them whose composites are all equal is
sum_v C(c_v, g)/C(n, g), c_v the members with composite v. Over groups it is the unbiased estimate
of least variance of E sum_v p(v)^g, the silent share at size g (a U-statistic; derived).
"""

import numpy as np

from grpo_checks.theory.logs.groups import Floats, Groups, levels
from grpo_checks.theory.updates.rounding import accumulated


def silent_shares(groups: Groups, sizes: tuple[int, ...]) -> Floats:
    """(M, len(sizes)) the share of subsets that are silent; NaN where a group is smaller.

    ``sizes`` at least 1, increasing.
    """
    level, n_groups = levels(groups), groups.sizes.size
    size = groups.sizes[level.group].astype(float)
    shares, chance = [], np.ones(level.members.size)
    for g in range(max(sizes)):
        # One more member is drawn, of the same level.
        chance *= np.maximum(level.members - g, 0) / np.maximum(size - g, 1)
        if g + 1 in sizes:
            total = np.bincount(level.group, chance, n_groups)
            shares.append(np.where(groups.sizes > g, total, np.nan))
    return np.stack(shares, 1)


def share_error(groups: Groups) -> float:
    """How far rounding may put a share: two for each member drawn, and a sum of the levels."""
    return accumulated(3 * int(groups.sizes.max()))
