"""`bandit`: one decision among answers that pay given amounts; the smallest model with many values.

With two distinct values E[g] of `group_normalized` is a gradient; with three it is not (T1.curl).
"""

from collections.abc import Sequence
from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

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
