"""Optima by backward induction: best and worst values, and how often a state can be visited."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.tracing import traced_once


@traced_once
def best_values(mdp: TAMDP, answer_value: Float[Array, "Q S Y"]) -> Float[Array, " Q"]:
    """max over unrestricted policies of one prompt of E[answer_value | q].

    Exact for each prompt on its own. The mean over prompts is attained by a tabular policy only
    if the model is prompt-separable; otherwise it is an upper bound on what one policy attains.
    """
    tools, answers = mdp.legal[:, : mdp.n_tools], mdp.legal[:, mdp.n_tools :]
    # A finite floor instead of -inf: a state without a legal answer must not meet 0 * inf.
    floor = answer_value.min()
    stop = jnp.where(answers[None], answer_value, floor).max(-1)

    def layer(ahead: Float[Array, "Q S"], _: None) -> tuple[Float[Array, "Q S"], None]:
        call = jnp.einsum("sut,qt->qsu", mdp.tool_transition, ahead)
        called = jnp.where(tools[None], call, floor).max(-1, initial=-jnp.inf)
        return jnp.maximum(stop, called), None

    top, _ = jax.lax.scan(layer, stop, None, length=mdp.max_depth)
    return (mdp.initial_distribution * top).sum(-1)


def optimal_values(mdp: TAMDP) -> Float[Array, " Q"]:
    """J*_q, the best composite reward of each prompt, in [0, R_max]."""
    return best_values(mdp, mdp.class_composite[mdp.class_index])


def optimal_value(mdp: TAMDP) -> Float[Array, ""]:
    """sum_q rho_q J*_q: J* if prompt-separable and tabular, else an upper bound on it."""
    return mdp.prompt_distribution @ optimal_values(mdp)


def visit_bounds(mdp: TAMDP, groups: Float[Array, "S O"]) -> Float[Array, "Q O"]:
    """sup over policies of the expected number of visits to each group of states, per prompt.

    ``groups[s, o]`` is 1 where state s belongs to group o.
    """
    tools = mdp.legal[:, : mdp.n_tools, None]

    def layer(ahead: Float[Array, "S O"], _: None) -> tuple[Float[Array, "S O"], None]:
        call = jnp.einsum("sut,to->suo", mdp.tool_transition, ahead)
        return groups + jnp.where(tools, call, 0.0).max(1, initial=0.0), None

    total, _ = jax.lax.scan(layer, groups, None, length=mdp.max_depth)
    return mdp.initial_distribution @ total
