"""A choice model of one prompt as a TA-MDP: actions are tool calls, outcomes states that answer."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from theory.instances.instance import Instance
from theory.model import TAMDP
from theory.policy import Tabular

ODDS = (5, 2, 3)


def document(seed: int, components: int = 1, binary: bool = True) -> dict[str, Any]:
    """A random one with three actions of two outcomes each, in small fractions.

    All have as many reward vectors, with one denominator: one compilation serves them.
    """
    rng = np.random.default_rng(seed)
    odds, shares = rng.permutation(ODDS), rng.integers(1, 6, 6)
    sixths = np.array([rng.permutation([0, 1, 2, 3, 4, 6]) for _ in range(components)]).T
    rewards = [[i % 2] if binary else [f"{x}/6" for x in sixths[i]] for i in range(6)]
    each = [{"share": int(s), "rewards": r} for s, r in zip(shares, rewards, strict=True)]
    actions = [{"odds": int(o), "outcomes": each[2 * a : 2 * a + 2]} for a, o in enumerate(odds)]
    weights = [int(w) for w in rng.integers(1, 4, components)]
    return {"weights": weights, "prompts": [{"share": 1, "actions": actions}]}


def instance(of: dict[str, Any]) -> Instance:
    """The model and the policy of a document of one prompt."""
    (prompt,) = of["prompts"]
    actions = prompt["actions"]
    ends = [(a, outcome) for a, action in enumerate(actions) for outcome in action["outcomes"]]
    n, states = len(actions), 1 + len(ends)
    whole = [sum(o["share"] for o in action["outcomes"]) for action in actions]
    transition = np.zeros((states, n, states))
    legal = np.zeros((states, n + 1), bool)
    legal[0, :n], legal[1:, n] = True, True
    for s, (a, outcome) in enumerate(ends, 1):
        transition[0, a, s] = outcome["share"] / whole[a]
    nothing = [0] * len(of["weights"])
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1] + [0] * len(ends)],
        depth=[0] + [1] * len(ends),
        tool_transition=transition,
        legal=legal,
        reward=[[[nothing]] + [[outcome["rewards"]] for _, outcome in ends]],
        weights=of["weights"],
    )
    policy = Tabular(mdp)
    logits = jnp.log(jnp.array([float(a["odds"]) for a in actions]))
    return Instance("choice", mdp, policy, policy.zeros().at[0, :n].set(logits))
