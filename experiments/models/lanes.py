"""How many seeds a training program takes at a time: by the sizes of the model, never the machine.

Another number of lanes changes the last bits of a run (seen on `coding`: 32 against 128), so memory
and cores must not choose it: rows are to be the same wherever they are computed.
"""

import jax
import numpy as np

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import LogLinear, Policy
from grpo_checks.theory.training.batch import Training

LANES = 128
"""At most: few enough to stay in the cache, and the same for all runs of small models, so that one
compilation serves every length and number of seeds."""
MOST_BYTES = 2**28
"""What the temporary arrays of a program may take, if it has more than one lane."""
COPIES = 8
"""Arrays of each kind that a step holds at once; 1 to 4 measured."""


def lane_bytes(
    chances: Chances, policy: Policy, theta: Theta, group: GroupLaw | None, training: Training
) -> int:
    """Of the temporary arrays that one seed adds to a training program, from above.

    Policies and scores at places and actions, gradients of each prompt, the episodes of a batch;
    with a table of the group law also the table and the gradients of the reward law.
    """
    places, prompts = chances.belongs.shape[1], chances.prompt_distribution.size
    states, actions = policy.legal.shape
    width = policy.features.shape[-1] if isinstance(policy, LogLinear) else 0
    walk = places * actions * (width + 2)
    gradients = prompts * (states * actions + theta.size)
    batch = (training.prompts or prompts) * training.group_size * len(chances.layers)
    entries = walk + gradients + batch + _table(group, prompts, theta.size)
    return 8 * COPIES * entries


def _table(group: GroupLaw | None, prompts: int, n: int) -> int:
    """What a group law adds; the plain estimators, and those over the batch, have no table."""
    if group is None or group.table is None or group.member is None:
        return 0
    classes = group.member.shape[0]
    table = sum(int(np.size(x)) for x in jax.tree.leaves(group.table))
    return table + prompts * classes * (n + classes)


def lanes(needs: int) -> int:
    """The largest power of two, from 1 to ``LANES``, whose seeds fit at ``needs`` bytes each."""
    count = LANES
    while count > 1 and count * needs > MOST_BYTES:
        count //= 2
    return count
