"""`rank_cycle`: three prompts share one state, and each ranks the three answers in another order.

Answer 1 beats answer 2 at two prompts of three, 2 beats 3 and 3 beats 1 likewise, although rewards
are sure and answer 1 has the largest mean, no vote counts how much better it is. At G = 2
std-normalised GRPO follows these votes: pi_a (S pi)_a with S = 1/3 times the cyclic matrix
(derived; ``theory.convergence.cycles.duels``).

Exchanging answers 2 and 3 and prompts 1 and 2 reverses all differences of rewards: for every
estimator whose advantages change sign with the rewards the field is reversible (derived).
"""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

PAYS = ((1, "19/20", 0), (0, 1, "1/20"), ("1/20", 0, "1/10"))
"""Reward of each answer, prompt by prompt."""
START = (1.0, 0.0, -0.6)
"""Logits at which training begins."""


def rank_cycle(components: int = 1) -> Instance:
    """The instance with ``components`` copies of the one reward, each of weight 1."""
    pays = np.array([[float(Fraction(x)) for x in row] for row in PAYS])
    mdp = TAMDP(
        prompt_distribution=["1/3"] * 3,
        initial_distribution=np.ones((3, 1)),
        depth=[0],
        tool_transition=[],
        legal=np.ones((1, 3), bool),
        reward=np.repeat(pays[:, None, :, None], components, axis=3),
        weights=[1] * components,
    )
    best = components * float(pays.mean(0).max())
    return Instance("rank_cycle", mdp, Tabular(mdp), jnp.array([START]), best=best)
