"""`dice`, `dice_all`: one prompt, one decision, accuracy and format; three tools in a circle.

A earns both rewards or neither, B the format always and accuracy with chance 1/4, C never the
format and accuracy with chance 3/4. Of two episodes B's is better than A's more often than worse,
C's than B's and A's than C's, each by 1/8, for every weight of the format in (0, 1): intransitive
dice. The means, .6, .45 and .75 at weight 1/5, are ordered all the same (derived;
``theory.convergence.cycles.duels``). The answer that hands in the outcome is no decision: all
episodes have one length.

`dice_all`, weight 1/2: A earns exactly one of the two, either with chance 1/2, B the format always
and accuracy with chance 5/16, C never the format and accuracy with chance 11/16. It goes round in
groups of 2, 3, 4 and 8.
"""

from collections.abc import Sequence
from fractions import Fraction

import jax
import numpy as np

from grpo_checks.theory.instances.cycles.rank_cycle import START
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.lotteries import lottery_model
from grpo_checks.theory.mdp.policy import Tabular

WEIGHTS = (1, "1/5")
VECTORS = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Accuracy and format, in the order of the columns of ``LAWS``."""
LAWS = (("1/2", 0, 0, "1/2"), (0, "3/4", 0, "1/4"), ("1/4", 0, "3/4", 0))
WEIGHTS_ALL = (1, "1/2")
LAWS_ALL = ((0, "1/2", "1/2", 0), (0, "11/16", 0, "5/16"), ("5/16", 0, "11/16", 0))
Chance = Fraction | str | int


def dice(components: int = 2, laws: Sequence[Sequence[Chance]] = LAWS) -> Instance:
    """The instance; components beyond the two are never earned, of weight 1.

    ``laws``: chances of ``VECTORS`` under each tool. Raises ValueError for fewer components.
    """
    return _three_tools("dice", components, WEIGHTS, laws)


def dice_all(components: int = 2) -> Instance:
    """Likewise."""
    return _three_tools("dice_all", components, WEIGHTS_ALL, LAWS_ALL)


def _three_tools(
    name: str, components: int, weights: Sequence[Chance], laws: Sequence[Sequence[Chance]]
) -> Instance:
    if components < len(weights):
        raise ValueError(f"components = {components}: expected at least {len(weights)}")
    idle = components - len(weights)
    mdp = lottery_model(laws, [(*v, *[0] * idle) for v in VECTORS], [*weights, *[1] * idle])
    policy = Tabular(mdp)
    theta = np.zeros(policy.zeros().shape)
    theta[0, : len(START)] = START
    return Instance(name, mdp, policy, jax.device_put(theta))
