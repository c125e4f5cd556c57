"""`relay`: a message is passed on D times; each pass fails now and then.

Two answers of the tool to a failure. ``repair`` False: what is lost stays lost, and the chance of
delivery is (1 - failure)^D. ``repair`` True: the next pass finds it again, so that only the last
pass matters, whatever D.
"""

import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers import validation as check


def relay(
    components: int = 1, *, depth: int = 4, failure: float = 0.01, repair: bool = False
) -> Instance:
    """The instance with ``depth`` >= 1 passes; reward 1 for delivery after the last, if not lost.

    States: sound and lost, per layer. Actions: pass, deliver. ``components`` copies of the one
    reward, weight 1. Raises ValueError for a depth below 1 or a failure outside [0, 1].
    """
    if depth < 1 or not 0 <= failure <= 1:
        raise ValueError(
            f"depth = {depth}, failure = {failure}: expected depth >= 1 and failure in [0, 1]"
        )
    states = 2 * (depth + 1)
    check.check_states("depth", states)
    transition = np.zeros((states, 1, states))
    for sound in range(0, states - 2, 2):
        transition[sound, 0, sound + 2 : sound + 4] = 1 - failure, failure
        after_loss = (1 - failure, failure) if repair else (0, 1)
        transition[sound + 1, 0, sound + 2 : sound + 4] = after_loss
    legal = np.ones((states, 2), bool)
    legal[-2:, 0] = False
    reward = np.zeros((1, states, 1, components))
    reward[0, -2] = 1
    initial = np.zeros((1, states))
    initial[0, 0] = 1
    mdp = TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=initial,
        depth=np.repeat(np.arange(depth + 1), 2),
        tool_transition=transition,
        legal=legal,
        reward=reward,
        weights=[1] * components,
    )
    policy = Tabular(mdp)
    return Instance("relay", mdp, policy, policy.zeros())
