"""`bits`: K binary components with dials for their correlation and their success probabilities.

One prompt, no tools, 2^6 answers. In the state `own` component k reads bit k of the answer, in
the state `shared` all read bit 0; the policy cannot tell the states apart, so the dial is the
chance of `shared`. The policy does not grow with K, and at equal probabilities every answer has
the same |s|^2.
"""

from collections.abc import Sequence

import jax
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

N_BITS = 6


def bits(
    components: int = 3, correlation: float = 0.0, success: float | Sequence[float] = 0.5
) -> Instance:
    """The instance with ``components`` in 1..6 binary components of unit weight.

    ``correlation`` in [0, 1] is the correlation of any two components when all success
    probabilities are equal; ``success`` in (0, 1) gives the starting policy's chance of each bit
    (a number, or one for each of the 6 bits). Raises ValueError outside these ranges.
    """
    if not 1 <= components <= N_BITS:
        raise ValueError(f"components = {components}: expected 1..{N_BITS}")
    if not 0 <= correlation <= 1:
        raise ValueError(f"correlation = {correlation}: expected a number in [0, 1]")
    chance = np.broadcast_to(np.asarray(success, float), (N_BITS,))
    if not ((chance > 0) & (chance < 1)).all():
        raise ValueError(f"success = {success}: expected numbers in (0, 1)")
    answer = np.arange(2**N_BITS)[:, None] >> np.arange(N_BITS) & 1
    separate, shared = answer[:, :components], answer[:, [0] * components]
    mdp = TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=[[1 - correlation, correlation]],
        depth=[0, 0],
        tool_transition=[],
        legal=np.ones((2, 2**N_BITS), bool),
        reward=np.stack([separate, shared])[None],
        weights=[1] * components,
    )
    policy = Tabular(mdp, [0, 0])
    theta = jax.device_put((answer @ np.log(chance / (1 - chance)))[None])
    return Instance("bits", mdp, policy, theta, best=float(components))
