"""Exact values of a policy, each by one forward sweep over the layers of the model."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.kl import kl_of_logs
from theory.model import TAMDP
from theory.policy import Policy

Probs = Float[Array, "S A"]
Theta = Float[Array, "..."]


def responses(mdp: TAMDP, depth: int) -> Float[Array, "SU T"]:
    """P from the (state, call) pairs of a layer to the states of the next."""
    block = mdp.tool_transition[mdp.layer(depth)][:, :, mdp.layer(depth + 1)]
    return block.reshape(block.shape[0] * mdp.n_tools, block.shape[2])


def call(
    mdp: TAMDP, depth: int, mass: Float[Array, "N R"], tools: Float[Array, "S U"]
) -> Float[Array, "N T"]:
    """Where the mass on a layer's R states goes by tool calls of probability ``tools``.

    One matrix product whose large factor all policies share: the shape that batches best.
    """
    called = mass[:, :, None] * tools[mdp.layer(depth)][None]
    return called.reshape(mass.shape[0], mass.shape[1] * mdp.n_tools) @ responses(mdp, depth)


def sweep(
    mdp: TAMDP,
    start: Float[Array, "N S ..."],
    step: Callable[[int, Float[Array, "N R ..."]], Float[Array, "N T ..."]],
) -> Float[Array, "N S ..."]:
    """Carry ``start``, which lies in layer 0, down the layers; the result has all states."""
    # Unrolled: D is small and static, and each layer has a block of its own size.
    total, here = jnp.zeros_like(start), start[:, mdp.layer(0)]
    for depth in range(mdp.max_depth):
        total = total.at[:, mdp.layer(depth)].set(here)
        here = step(depth, here)
    return total.at[:, mdp.layer(mdp.max_depth)].set(here)


def visits(mdp: TAMDP, probs: Probs) -> Float[Array, "Q S"]:
    """P(an episode of prompt q visits state s); each state is visited at most once."""
    tools = probs[:, : mdp.n_tools]
    return sweep(mdp, mdp.initial_distribution, lambda d, mass: call(mdp, d, mass, tools))


def by_class(mdp: TAMDP, answer_mass: Float[Array, "Q S Y"]) -> Float[Array, "Q C"]:
    """Add up a quantity carried by answers over the answers that earn the same reward vector."""
    # A product with 0/1 columns: scattered additions are slow on every device.
    member = jax.nn.one_hot(mdp.class_index, mdp.class_composite.shape[0], dtype=answer_mass.dtype)
    return jnp.einsum("qsy,qsyc->qc", answer_mass, member)


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


def action_values(mdp: TAMDP, probs: Probs) -> Float[Array, "Q S A"]:
    """E[R | q, s, a]: what an action is worth, by one backward sweep; 0 for calls in layer D."""
    tools, answers = probs[:, : mdp.n_tools], probs[:, mdp.n_tools :]
    earned = mdp.class_composite[mdp.class_index]
    state_value = (earned * answers[None]).sum(-1)
    n_prompts = state_value.shape[0]
    worth = jnp.zeros((n_prompts, *tools.shape))
    for depth in reversed(range(mdp.max_depth)):
        here, below = mdp.layer(depth), mdp.layer(depth + 1)
        ahead = state_value[:, below] @ responses(mdp, depth).T
        ahead = ahead.reshape(n_prompts, len(mdp.layers[depth]), mdp.n_tools)
        worth = worth.at[:, here].set(ahead)
        state_value = state_value.at[:, here].add((ahead * tools[here][None]).sum(-1))
    return jnp.concatenate([worth, earned], -1)


def prompt_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q ..."]:
    """grad J_q(theta) for each prompt, by the policy gradient theorem.

    d J_q / d logit(s,a) = visit_q(s) pi(a|s) (E[R|q,s,a] - E[R|q,s]); a forward and a backward
    sweep cost a fraction of one reverse-mode pass per prompt.
    """
    probs = policy.probs(theta)
    worth = action_values(mdp, probs)
    advantage = worth - (worth * probs[None]).sum(-1, keepdims=True)
    by_logit = visits(mdp, probs)[:, :, None] * probs[None] * advantage
    _, pull = jax.vjp(policy.logits, theta)
    return jax.vmap(lambda g: pull(g)[0])(by_logit)


def law_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C ..."]:
    """E[s 1{v} | q] = grad p_q(v), s the score of an episode."""
    return jax.jacrev(lambda t: reward_law(mdp, policy.probs(t)))(theta)


def episode_kl(mdp: TAMDP, log_probs: Probs, other: Probs) -> Float[Array, " Q"]:
    """KL(episode law of ``log_probs`` || of ``other``) per prompt, in nats, by the chain rule.

    Both are logarithms, since a probability may underflow. The tool's responses cancel, so it is
    the sum over visited states of the KL of the actions; +inf where ``other`` excludes (-inf) an
    action that is taken.
    """
    seen, per_state = visits(mdp, jnp.exp(log_probs)), kl_of_logs(log_probs, other)
    return jnp.where(seen > 0, seen * per_state[None], 0.0).sum(-1)
