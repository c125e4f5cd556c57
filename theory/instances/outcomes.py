"""`outcomes`: one decision, one answer for every vector of K binary rewards.

All that matters of a policy is then the joint law of the rewards, and every law with full support
is a policy: success probabilities and the correlation of the components are dials of the start.
"""

from itertools import pairwise, product

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

MAX_COMPONENTS = 6


def joint_law(success: NDArray[np.float64], coupling: float) -> NDArray[np.float64]:
    """Law of the 2^K reward vectors, in lexicographic order, with the given chances of success.

    A mixture of independent components and, with weight |coupling|, of the coupling in which they
    succeed together as far as they can (or, for two components and coupling < 0, fail together as
    little as they can): the correlation is ``coupling`` times the largest (least) possible one.
    """
    vectors = np.array(list(product((0, 1), repeat=len(success))))
    independent = np.where(vectors == 1, success, 1 - success).prod(1)
    # One uniform number u decides: component k succeeds where u < p_k, or where u >= 1 - p_k.
    low = np.zeros(len(success))
    if coupling < 0:
        low[1] = 1 - success[1]
    cuts = np.unique([0.0, 1.0, *low, *(low + success)])
    extreme = np.zeros(len(vectors))
    for a, b in pairwise(cuts):
        middle = (a + b) / 2
        earned = (low <= middle) & (middle < low + success)
        extreme[(vectors == earned).all(1)] += b - a
    return np.asarray((1 - abs(coupling)) * independent + abs(coupling) * extreme)


def outcomes(
    components: int = 2, success: float = 0.5, ratio: float = 1.0, coupling: float = 0.0
) -> Instance:
    """The instance with unit weights; the first component starts at ``success``, others at
    ``ratio`` times it, all of them in (0, 1).

    ``coupling`` in (-1, 1), not below 0 for other than two components. Raises ValueError outside.
    """
    if not 1 <= components <= MAX_COMPONENTS:
        raise ValueError(f"components = {components}: expected 1..{MAX_COMPONENTS}")
    for field, value in (("success", success), ("ratio * success", ratio * success)):
        if not 0 < value < 1:
            raise ValueError(f"{field} = {value}: expected a number in (0, 1)")
    least = -1 if components == 2 else -1e-300
    if not least < coupling < 1:
        raise ValueError(
            f"coupling = {coupling}: expected a number in (-1, 1), and at least 0 for "
            f"{components} components other than two"
        )
    chance = np.array([success, *[ratio * success] * (components - 1)])
    vectors = np.array(list(product((0, 1), repeat=components)))
    mdp = TAMDP(
        prompt_distribution=[1.0],
        initial_distribution=[[1.0]],
        depth=[0],
        tool_transition=[],
        legal=np.ones((1, len(vectors)), bool),
        reward=vectors[None, None],
        weights=[1] * components,
    )
    theta = jax.device_put(np.log(joint_law(chance, coupling))[None])
    return Instance("outcomes", mdp, Tabular(mdp), theta, best=float(components))
