"""Exact second moments of an episode's score, s = sum_h grad log pi(a_h | s_h)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from theory.exact import Theta, by_class, next_state_matrix, sweep
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
    tool_probs, answer_probs = probs[:, : mdp.n_tools], probs[:, mdp.n_tools :]
    kernel = next_state_matrix(mdp, probs)
    costly = jnp.einsum("su,sut->st", tool_probs * cost[:, : mdp.n_tools], mdp.tool_transition)

    def step(carry: Float[Array, "2 Q S"]) -> Float[Array, "2 Q S"]:
        mass, total = carry
        return jnp.stack([mass @ kernel, total @ kernel + mass @ costly])

    start = jnp.stack([mdp.initial_distribution, jnp.zeros_like(mdp.initial_distribution)])
    mass, total = sweep(mdp, start, step)
    last = total[:, :, None] + mass[:, :, None] * cost[None, :, mdp.n_tools :]
    return by_class(mdp, last * answer_probs[None])


def _log_linear_moments(
    mdp: TAMDP, features: Float[Array, "S A d"], probs: Float[Array, "S A"]
) -> Float[Array, "Q C"]:
    """Carries per state the mass, E[s 1{state}] and E[|s|^2 1{state}], stacked on one axis."""
    phi = jnp.where(probs[:, :, None] > 0, features, 0.0)
    step_score = phi - jnp.einsum("sa,sad->sd", probs, phi)[:, None]
    tool_score, answer_score = step_score[:, : mdp.n_tools], step_score[:, mdp.n_tools :]
    n_prompts, n_states = mdp.initial_distribution.shape

    def add(
        carry: Float[Array, "Q S d+2"], score: Float[Array, "S B d"]
    ) -> tuple[Float[Array, "Q S B"], Float[Array, "Q S B d"], Float[Array, "Q S B"]]:
        """The three moments after one more step with this score."""
        mass, first, second = carry[..., 0], carry[..., 1:-1], carry[..., -1]
        cross = jnp.einsum("qsd,sbd->qsb", first, score)
        square = jnp.square(score).sum(-1)
        new_first = first[:, :, None] + mass[:, :, None, None] * score[None]
        new_second = second[..., None] + 2 * cross + mass[..., None] * square[None]
        return jnp.broadcast_to(mass[..., None], cross.shape), new_first, new_second

    def step(carry: Float[Array, "Q S d+2"]) -> Float[Array, "Q S d+2"]:
        mass, first, second = add(carry, tool_score)
        moved = jnp.concatenate([mass[..., None], first, second[..., None]], -1)
        weighted = moved * probs[None, :, : mdp.n_tools, None]
        return jnp.einsum("qsum,sut->qtm", weighted, mdp.tool_transition)

    start = jnp.zeros((n_prompts, n_states, phi.shape[-1] + 2))
    start = start.at[..., 0].set(mdp.initial_distribution)
    *_, second = add(sweep(mdp, start, step), answer_score)
    return by_class(mdp, second * probs[None, :, mdp.n_tools :])


def expected_squared_score(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, " Q"]:
    """E[|s|^2 | q]."""
    return score_moments(mdp, policy, theta).sum(-1)
