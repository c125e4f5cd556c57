"""Sums of what an episode's tokens cost: ahead by a sweep backward, before by one forward."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Probs, call, responses, sweep
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy

Table = Float[Array, "S A"]


def log_ratio(policy: Policy, log_probs: Table, reference: Table) -> Table:
    """x = log pi(a|s) - log ref(a|s); 0 where illegal."""
    legal = policy.legal
    return jnp.where(legal, log_probs, 0.0) - jnp.where(legal, reference, 0.0)


def costs_ahead(mdp: TAMDP, probs: Probs, cost: Float[Array, "Q S A"]) -> Float[Array, "Q S A"]:
    """E[sum of this token's cost and all later ones' | q, s, a]."""
    total, below = jnp.zeros_like(cost), cost[:, :0, 0]
    for depth in reversed(range(mdp.horizon)):
        here = mdp.layer(depth)
        layer = cost[:, here]
        if depth < mdp.max_depth:
            called = below @ responses(mdp, depth).T
            layer = layer.at[:, :, : mdp.n_tools].add(called.reshape(*layer.shape[:2], -1))
        total = total.at[:, here].set(layer)
        below = (layer * probs[here][None]).sum(-1)
    return total


def costs_before(mdp: TAMDP, probs: Probs, cost: Table) -> Float[Array, "Q S"]:
    """E[sum of earlier tokens' costs 1{the episode visits s} | q]."""
    tools = probs[:, : mdp.n_tools]
    spent = tools * cost[:, : mdp.n_tools]
    n_prompts = mdp.initial_distribution.shape[0]

    def step(depth: int, mass: Float[Array, "N R"]) -> Float[Array, "N T"]:
        carried = call(mdp, depth, mass, tools)
        return carried.at[n_prompts:].add(call(mdp, depth, mass[:n_prompts], spent))

    start = mdp.initial_distribution
    return sweep(mdp, jnp.concatenate([start, jnp.zeros_like(start)]), step)[n_prompts:]
