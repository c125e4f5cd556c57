"""`conflict`: two prompts pull one shared logit in opposite directions; the optimum is interior.

Success probabilities sigmoid(x) and sigmoid(-2x), equally likely prompts. With z = exp(x),
grad J = 0 reads (1+z^2)^2 = 2z(1+z)^2, a palindrome: y = z + 1/z solves y^2 - 2y - 4 = 0, so
y = 1 + sqrt 5 and the maximum lies at x* = -arccosh(golden ratio) = -1.0613, the minimum at -x*
(derived).

The gradient is steepest at 0: |grad J| <= 1/8. With v = (1 - t^2)/(1 + t^2), t = tanh(x/2), it is
|2v/(1+v) - 2v^2|/8, v in [0, 1]; the expression is concave, 0 and -1 at the ends, so >= -1, and
at most 2v/(1+v) <= 1 (derived).
"""

from math import acosh, exp, sqrt

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear

MAXIMISER = -acosh((1 + sqrt(5)) / 2)
MAXIMUM = (1 / (1 + exp(-MAXIMISER)) + 1 / (1 + exp(2 * MAXIMISER))) / 2

NORMALIZED_ZERO = -1.191488
"""Where E[g] of `group_normalized` vanishes for G = 8 (eps = 0, ddof = 0), to six decimals."""


def conflict(components: int = 1, start: float = 0.0) -> Instance:
    """The instance with ``components`` copies of the one success bit, each of weight 1.

    ``start`` is the logit x at which training begins.
    """
    reward = np.zeros((2, 2, 2, components))
    reward[:, :, 0] = 1
    mdp = TAMDP(
        prompt_distribution=[0.5, 0.5],
        initial_distribution=np.eye(2),
        depth=[0, 0],
        tool_transition=[],
        legal=np.ones((2, 2), bool),
        reward=reward,
        weights=[1] * components,
    )
    policy = LogLinear(mdp, [[[1.0], [0.0]], [[-2.0], [0.0]]])
    return Instance(
        "conflict",
        mdp,
        policy,
        jnp.array([start]),
        best=components * MAXIMUM,
        steepest=components**2 / 64,
    )
