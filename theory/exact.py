"""Exact values of a policy, each by one forward sweep over the layers of the model."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.model import TAMDP
from theory.policy import Policy

Probs = Float[Array, "S A"]
Theta = Float[Array, "..."]


def next_state_matrix(mdp: TAMDP, probs: Probs) -> Float[Array, "S S"]:
    """P(next state | state) by a tool call; the missing mass of a row is the mass of answers."""
    return jnp.einsum("su,sut->st", probs[:, : mdp.n_tools], mdp.tool_transition)


def sweep(
    mdp: TAMDP,
    start: Float[Array, "..."],
    step: Callable[[Float[Array, "..."]], Float[Array, "..."]],
) -> Float[Array, "..."]:
    """Sum of ``start``, ``step(start)``, ... over the D + 1 layers."""

    def layer(
        carry: Float[Array, "..."], _: None
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        following = step(carry)
        return following, following

    # D is small and static: unrolled, the layers fuse; the loop's bookkeeping would dominate.
    _, later = jax.lax.scan(layer, start, None, length=mdp.max_depth, unroll=True)
    return start + later.sum(0)


def visits(mdp: TAMDP, probs: Probs) -> Float[Array, "Q S"]:
    """P(an episode of prompt q visits state s); each state is visited at most once."""
    kernel = next_state_matrix(mdp, probs)
    return sweep(mdp, mdp.initial_distribution, lambda mass: mass @ kernel)


def by_class(mdp: TAMDP, answer_mass: Float[Array, "Q S Y"]) -> Float[Array, "Q C"]:
    """Add up a quantity carried by answers over the answers that earn the same reward vector."""
    n_prompts = answer_mass.shape[0]
    classes = mdp.class_index.reshape(n_prompts, -1)
    empty = jnp.zeros(mdp.class_composite.shape)

    def one(mass: Float[Array, " SY"], index: Float[Array, " SY"]) -> Float[Array, " C"]:
        return empty.at[index].add(mass)

    return jax.vmap(one)(answer_mass.reshape(n_prompts, -1), classes)


def reward_law(mdp: TAMDP, probs: Probs) -> Float[Array, "Q C"]:
    """p_q(v) = P(reward vector = v | q) over the attainable vectors; rows sum to 1."""
    return by_class(mdp, visits(mdp, probs)[:, :, None] * probs[None, :, mdp.n_tools :])


def component_values(mdp: TAMDP, probs: Probs) -> Float[Array, "Q K"]:
    """J_qk = E[r_k | q], in [0, 1]."""
    return reward_law(mdp, probs) @ mdp.class_vector


def prompt_values(mdp: TAMDP, probs: Probs) -> Float[Array, " Q"]:
    """J_q = E[R | q], in [0, R_max]."""
    answers = visits(mdp, probs)[:, :, None] * probs[None, :, mdp.n_tools :]
    return jnp.einsum("qsy,qsy->q", answers, mdp.class_composite[mdp.class_index])


def value(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, ""]:
    """J(theta) = sum_q rho_q J_q, in [0, R_max]."""
    return mdp.prompt_distribution @ prompt_values(mdp, policy.probs(theta))


def gradient(mdp: TAMDP, policy: Policy, theta: Theta) -> Theta:
    """grad J(theta), by automatic differentiation of the exact value."""
    return jax.grad(lambda t: value(mdp, policy, t))(theta)


def prompt_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q ..."]:
    """grad J_q(theta) for each prompt."""
    return jax.jacrev(lambda t: prompt_values(mdp, policy.probs(t)))(theta)


def law_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C ..."]:
    """E[s 1{v} | q] = grad p_q(v), s the score of an episode."""
    return jax.jacrev(lambda t: reward_law(mdp, policy.probs(t)))(theta)


def episode_kl(mdp: TAMDP, probs: Probs, other: Probs) -> Float[Array, " Q"]:
    """KL(episode law of ``probs`` || of ``other``) per prompt, in nats, by the chain rule.

    The tool's responses cancel, so it is the sum over visited states of the KL of the actions;
    +inf where ``other`` excludes an action that is taken.
    """
    taken = probs > 0
    # Double where: neither branch may see 0 log 0, or its gradient is NaN.
    ratio = jnp.log(jnp.where(taken, probs, 1.0)) - jnp.log(jnp.where(taken, other, 1.0))
    per_state = jnp.where(taken, probs * ratio, 0.0).sum(-1)
    seen = visits(mdp, probs)
    return jnp.where(seen > 0, seen * per_state, 0.0).sum(-1)
