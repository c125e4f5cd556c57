"""Exact values of a policy, each by one forward sweep over the layers of the model."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.centred import likeliest
from grpo_checks.theory.numbers.kl import kl_of_logs
from grpo_checks.theory.numbers.tracing import traced_once

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


@traced_once
def visits(mdp: TAMDP, probs: Probs) -> Float[Array, "Q S"]:
    """P(an episode of prompt q visits state s); each state is visited at most once."""
    tools = probs[:, : mdp.n_tools]
    return sweep(mdp, mdp.initial_distribution, lambda d, mass: call(mdp, d, mass, tools))


def by_class(mdp: TAMDP, answer_mass: Float[Array, "Q S Y"]) -> Float[Array, "Q C"]:
    """Add up a quantity carried by answers over the answers that earn the same reward vector."""
    # A product with 0/1 columns: scattered additions are slow on every device.
    member = jax.nn.one_hot(mdp.class_index, mdp.class_composite.shape[0], dtype=answer_mass.dtype)
    return jnp.einsum("qsy,qsyc->qc", answer_mass, member)


@traced_once
def reward_law(mdp: TAMDP, probs: Probs) -> Float[Array, "Q C"]:
    """p_q(v) = P(reward vector = v | q) over the attainable vectors; rows sum to 1."""
    return by_class(mdp, visits(mdp, probs)[:, :, None] * probs[None, :, mdp.n_tools :])


def component_values(mdp: TAMDP, probs: Probs) -> Float[Array, "Q K"]:
    """J_qk = E[r_k | q], in [0, 1]."""
    return reward_law(mdp, probs) @ mdp.class_vector


@traced_once
def prompt_values(mdp: TAMDP, probs: Probs) -> Float[Array, " Q"]:
    """J_q = E[R | q], in [0, R_max]."""
    answers = visits(mdp, probs)[:, :, None] * probs[None, :, mdp.n_tools :]
    return jnp.einsum("qsy,qsy->q", answers, mdp.class_composite[mdp.class_index])


def value(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, ""]:
    """J(theta) = sum_q rho_q J_q, in [0, R_max]."""
    return mdp.prompt_distribution @ prompt_values(mdp, policy.probs(theta))


class ActionValues(NamedTuple):
    """What actions are worth under N payoffs of answers, next to their states."""

    value: Float[Array, "N S A"]
    """E[payoff | n, s, a]; 0 for calls in layer D."""
    advantage: Float[Array, "N S A"]
    """The same less E[payoff | n, s]."""


@traced_once
def payoff_values(mdp: TAMDP, probs: Probs, payoff: Float[Array, "N S Y"]) -> ActionValues:
    """By one backward sweep.

    A value has two parts: what the likeliest actions earn, and what the others change. Next to
    certainty the first parts are equal, and a difference keeps all digits of the second ones.
    """
    value = jnp.zeros((payoff.shape[0], *probs.shape))
    values = ActionValues(value, value)
    first_choice = likeliest(probs)
    lead = change = value[:, :0, 0]
    for depth in reversed(range(mdp.horizon)):
        here = mdp.layer(depth)
        earned = payoff[:, here]
        called = [jnp.zeros((*earned.shape[:2], mdp.n_tools))] * 2
        if depth < mdp.max_depth:
            called = [
                (x @ responses(mdp, depth).T).reshape(called[0].shape) for x in (lead, change)
            ]
        first = jnp.concatenate([called[0], earned], -1)
        second = jnp.concatenate([called[1], jnp.zeros_like(earned)], -1)
        lead, least = (jnp.where(first_choice[here][None], x, 0.0).sum(-1) for x in (first, second))
        deviation = (first - lead[..., None]) + (second - least[..., None])
        shift = (deviation * probs[here][None]).sum(-1)
        change = least + shift
        layer = ActionValues(first + second, deviation - shift[..., None])
        values = ActionValues(*(x.at[:, here].set(y) for x, y in zip(values, layer, strict=True)))
    return values


def action_values(mdp: TAMDP, probs: Probs) -> Float[Array, "Q S A"]:
    """E[R | q, s, a]: what an action is worth; 0 for calls in layer D."""
    return payoff_values(mdp, probs, mdp.class_composite[mdp.class_index]).value


@traced_once
def logit_slopes(mdp: TAMDP, probs: Probs, payoff: Float[Array, "Q C"]) -> Float[Array, "Q S A"]:
    """d E[payoff(reward vector) | q] / d logit(s,a).

    By the policy gradient theorem: visit_q(s) pi(a|s) (E[payoff|q,s,a] - E[payoff|q,s]); with no
    difference of numbers that are equal next to certainty, which a derivative of the value forms.
    """
    # Less the payoff of the likeliest vector: its own chance must not hide those of the others.
    usual = likeliest(reward_law(mdp, probs))
    deviation = payoff - jnp.where(usual, payoff, 0.0).sum(-1, keepdims=True)
    earned = jax.vmap(lambda x, index: x[index])(deviation, mdp.class_index)
    taken = visits(mdp, probs)[:, :, None] * probs[None]
    return taken * payoff_values(mdp, probs, earned).advantage


def gradient(mdp: TAMDP, policy: Policy, theta: Theta) -> Theta:
    """grad J(theta)."""
    return jnp.tensordot(mdp.prompt_distribution, prompt_gradients(mdp, policy, theta), 1)


def prompt_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q ..."]:
    """grad J_q(theta) for each prompt."""
    probs, reward = policy.probs(theta), mdp.class_composite
    payoff = jnp.broadcast_to(reward, (mdp.class_index.shape[0], *reward.shape))
    return policy.from_logits(probs, logit_slopes(mdp, probs, payoff))


@traced_once
def class_values(mdp: TAMDP, probs: Probs) -> ActionValues:
    """P(reward vector = v | q, s, a) and what the action adds to it, (Q,C,S,A)."""
    n_prompts, n_states, n_answers = mdp.class_index.shape
    n_classes = mdp.class_composite.shape[0]
    member = jax.nn.one_hot(mdp.class_index, n_classes, axis=1, dtype=probs.dtype)
    values = payoff_values(mdp, probs, member.reshape(-1, n_states, n_answers))
    chance, advantage = (x.reshape(n_prompts, n_classes, n_states, -1) for x in values)
    # All but certain, a vector's own chance no longer tells what is taken from the others.
    of_state = (chance * probs[None, None]).sum(-1).swapaxes(1, 2)
    certain = likeliest(of_state).swapaxes(1, 2)[..., None]
    others = jnp.where(certain, 0.0, advantage).sum(1, keepdims=True)
    return ActionValues(chance, jnp.where(certain, -others, advantage))


@traced_once
def law_gradients(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C ..."]:
    """E[s 1{v} | q] = grad p_q(v), s the score of an episode."""
    probs = policy.probs(theta)
    taken = visits(mdp, probs)[:, :, None] * probs[None]
    return policy.from_logits(probs, taken[:, None] * class_values(mdp, probs).advantage)


def episode_kl(mdp: TAMDP, log_probs: Probs, other: Probs) -> Float[Array, " Q"]:
    """KL(episode law of ``log_probs`` || of ``other``) per prompt, in nats, by the chain rule.

    Both are logarithms, since a probability may underflow. The tool's responses cancel, so it is
    the sum over visited states of the KL of the actions; +inf where ``other`` excludes (-inf) an
    action that is taken.
    """
    seen, per_state = visits(mdp, jnp.exp(log_probs)), kl_of_logs(log_probs, other)
    return jnp.where(seen > 0, seen * per_state[None], 0.0).sum(-1)
