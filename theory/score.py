"""Exact second moments of an episode's score, s = sum_h grad log pi(a_h | s_h)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.exact import Theta, by_class, call, responses, sweep
from theory.model import TAMDP
from theory.policy import LogLinear, Policy


def score_moments(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C"]:
    """sigma2_q(v) = E[|s|^2 1{reward vector = v} | q], without listing episodes."""
    probs = policy.probs(theta)
    if isinstance(policy, LogLinear):
        return _log_linear_moments(mdp, policy.features, probs)
    # An episode meets each observation at most once: the steps' scores are orthogonal.
    return _additive_moments(mdp, probs, _squared_steps(probs))


def _squared_steps(probs: Float[Array, "S A"]) -> Float[Array, "S A"]:
    """|grad log pi(a|s)|^2 = |e_a - pi|^2 for a table of logits."""
    return 1 - 2 * probs + jnp.square(probs).sum(-1, keepdims=True)


def _additive_moments(
    mdp: TAMDP, probs: Float[Array, "S A"], cost: Float[Array, "S A"]
) -> Float[Array, "Q C"]:
    """E[sum of the steps' ``cost`` 1{v} | q]: carries per state its mass and E[cost so far]."""
    tools, answers = probs[:, : mdp.n_tools], probs[:, mdp.n_tools :]
    n_prompts = mdp.prompt_distribution.shape[0]

    def step(depth: int, carry: Float[Array, "N R"]) -> Float[Array, "N T"]:
        added = call(mdp, depth, carry[:n_prompts], tools * cost[:, : mdp.n_tools])
        return call(mdp, depth, carry, tools).at[n_prompts:].add(added)

    initial = mdp.initial_distribution
    carried = sweep(mdp, jnp.concatenate([initial, jnp.zeros_like(initial)]), step)
    mass, total = carried[:n_prompts], carried[n_prompts:]
    last = total[:, :, None] + mass[:, :, None] * cost[None, :, mdp.n_tools :]
    return by_class(mdp, last * answers[None])


def _log_linear_moments(
    mdp: TAMDP, features: Float[Array, "S A d"], probs: Float[Array, "S A"]
) -> Float[Array, "Q C"]:
    """Carries per state the mass, E[s 1{state}] and E[|s|^2 1{state}], stacked on the last axis."""
    phi = jnp.where(probs[:, :, None] > 0, features, 0.0)
    score = phi - jnp.einsum("sa,sad->sd", probs, phi)[:, None]
    n_prompts, n_tools = mdp.prompt_distribution.shape[0], mdp.n_tools

    def step(depth: int, carry: Float[Array, "Q R m"]) -> Float[Array, "Q T m"]:
        here = mdp.layer(depth)
        moved = _add_step(carry, score[here, :n_tools]) * probs[here, :n_tools, None][None]
        flat = moved.reshape(n_prompts, -1, moved.shape[-1])
        return jnp.einsum("qrm,rt->qtm", flat, responses(mdp, depth))

    start = jnp.zeros((*mdp.initial_distribution.shape, phi.shape[-1] + 2))
    start = start.at[..., 0].set(mdp.initial_distribution)
    second = _add_step(sweep(mdp, start, step), score[:, n_tools:])[..., -1]
    return by_class(mdp, second * probs[None, :, n_tools:])


def _add_step(
    carry: Float[Array, "Q R m"], score: Float[Array, "R B d"]
) -> Float[Array, "Q R B m"]:
    """The stacked moments after one more step with this score, for each action."""
    mass, first, second = carry[..., None, :1], carry[..., 1:-1], carry[..., None, -1:]
    cross = jnp.einsum("qsd,sbd->qsb", first, score)[..., None]
    square = jnp.square(score).sum(-1, keepdims=True)[None]
    new_first = first[:, :, None] + mass * score[None]
    new_second = second + 2 * cross + mass * square
    new_mass = jnp.broadcast_to(mass, new_second.shape)
    return jnp.concatenate([new_mass, new_first, new_second], -1)
