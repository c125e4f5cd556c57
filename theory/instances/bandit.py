"""`bandit`: one decision among answers that pay given amounts; the smallest model with many values.

With two distinct values E[g] of `group_normalized` is a gradient; with three it is not (T1.curl).
"""

from collections.abc import Sequence
from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from theory.instances.instance import Instance
from theory.model import TAMDP
from theory.policy import Tabular

PAYS = (Fraction(0), Fraction(1, 2), Fraction(1))


def bandit(components: int = 1, pays: Sequence[Fraction | float | int] = PAYS) -> Instance:
    """One state, uniform start; answer i earns ``pays[i]`` in [0, 1] in each component."""
    n = len(pays)
    reward = np.repeat([[float(x)] for x in pays], components, 1)
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1]],
        depth=[0],
        tool_transition=[],
        legal=np.ones((1, n), bool),
        reward=reward[None, None],
        weights=[1] * components,
    )
    policy = Tabular(mdp)
    best = components * float(max(pays))
    return Instance("bandit", mdp, policy, jnp.zeros((1, n)), best=best)


def pair_update_curl(pays: Sequence[Fraction], policy: Sequence[Fraction]) -> list[list[Fraction]]:
    """J - J^T, J the Jacobian of E[g] in the logits, for `group_normalized` at G = 2, exactly.

    For distinct pays E[g]_b = pi_b h_b with h_b = P(R < r_b) - P(R > r_b), since an advantage in a
    group of two is the sign of a difference; so J_bc = pi_b pi_c (sign(r_b - r_c) - 2 h_b), b != c
    (derived). Two answers: 0. Three equally likely answers: +-2/27.
    """
    n = range(len(pays))
    sign = [[(pays[b] > pays[c]) - (pays[b] < pays[c]) for c in n] for b in n]
    h = [sum((policy[c] * sign[b][c] for c in n), Fraction(0)) for b in n]
    return [[2 * policy[b] * policy[c] * (sign[b][c] - h[b] + h[c]) for c in n] for b in n]
