"""A price of length inside the reward: DAPO's soft overlong punishment (arXiv:2503.14476, eq. 13).

0 for l <= L - cache,    ((L - cache) - l)/cache up to L,    -1 beyond.
"""

from fractions import Fraction

import numpy as np

from grpo_checks.theory.mdp.mdp import TAMDP


def punishment(length: int, limit: int, cache: int) -> Fraction:
    """In [-1, 0], of an episode of so many tokens."""
    return max(Fraction(-1), min(Fraction(0), Fraction(limit - cache - length, cache)))


def overlong(mdp: TAMDP, limit: int, cache: int, weight: float = 1.0, offset: int = 0) -> TAMDP:
    """The model with one reward component more, 1 + punishment, in [0, 1]; call it outside jit.

    A trainer's own component is ``weight`` less, which no advantage that is invariant to a shift
    of all rewards sees; J is ``weight`` above that of its rewards. ``limit``: L, the longest
    length; ``cache``: tokens over which the price rises; ``offset``: tokens of an episode besides
    its decisions. Raises ValueError for a cache outside 1..L.
    """
    if not 1 <= cache <= limit:
        raise ValueError(f"cache = {cache}: expected 1..{limit}, the limit")
    depths = np.asarray(mdp.depth).tolist()
    price = [float(1 + punishment(d + 1 + offset, limit, cache)) for d in depths]
    component = np.broadcast_to(np.array(price)[None, :, None, None], (*mdp.reward.shape[:3], 1))
    return TAMDP(
        prompt_distribution=np.asarray(mdp.prompt_distribution),
        initial_distribution=np.asarray(mdp.initial_distribution),
        depth=np.asarray(mdp.depth),
        tool_transition=np.asarray(mdp.tool_transition),
        legal=np.asarray(mdp.legal),
        reward=np.concatenate([np.asarray(mdp.reward), component], -1),
        weights=np.append(np.asarray(mdp.weights), weight),
    )
