"""Random choice models of one prompt, and any choice model as a TA-MDP."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.rational.choices.instance import instance_fields

ODDS = (5, 2, 3)


def document(seed: int, components: int = 1, binary: bool = True) -> dict[str, Any]:
    """A random one with three actions of two outcomes each, in small fractions.

    All have as many reward vectors, with one denominator: one compilation serves them.
    """
    rng = np.random.default_rng(seed)
    odds, shares = rng.permutation(ODDS), rng.integers(1, 6, 6)
    sixths = np.array([rng.permutation([0, 1, 2, 3, 4, 6]) for _ in range(components)]).T
    rewards = [[i % 2] if binary else [f"{x}/6" for x in sixths[i]] for i in range(6)]
    values = [{"share": int(s), "rewards": r} for s, r in zip(shares, rewards, strict=True)]
    actions = [{"odds": int(o), "outcomes": values[2 * a : 2 * a + 2]} for a, o in enumerate(odds)]
    weights = [int(w) for w in rng.integers(1, 4, components)]
    return {"weights": weights, "prompts": [{"share": 1, "actions": actions}]}


def instance(model: dict[str, Any]) -> Instance:
    """The model and the policy of a document."""
    fields = instance_fields(model)
    observation, theta = fields.pop("observation"), fields.pop("theta")
    mdp = TAMDP(**fields)
    return Instance("choice", mdp, Tabular(mdp, observation), jnp.asarray(theta))


def four_answers(odds: tuple[int, int, int, int]) -> dict[str, Any]:
    """Sure rewards (0,0), (0,1), (1,0), (1,1), as a document, taken with these odds."""
    actions = [
        {"odds": o, "outcomes": [{"share": 1, "rewards": list(vector)}]}
        for o, vector in zip(odds, np.ndindex(2, 2), strict=True)
    ]
    return {"weights": [1, 1], "prompts": [{"share": 1, "actions": actions}]}
