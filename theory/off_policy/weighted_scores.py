"""Moments of x = sum_t W_t s_t over the episodes of another policy, s_t the scores of this one.

    M(v) = E_mu[1{v} x],    T(v) = E_mu[1{v} |x|^2],    W_t = f_1 ... f_{t-1} w_t,

by one sweep forward and one backward for M, f and w functions of state and action: token weights
have f = 1, the product of ratios up to t has f = w = rho. The kernel k of the sweeps is mu, times
what multiplies all of an episode: the product of all its ratios. For a table of logits the steps
of an episode are orthogonal,

    T(v) = sum_t E_k[1{v} W_t^2 |s_t|^2];

for features a forward sweep carries E_k[F^2], E_k[F x] and E_k[|x|^2] to the states where episodes
end, F = f_1 ... f_t (derived).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.pull import pull
from grpo_checks.theory.evaluation.values import (
    Probs,
    Theta,
    by_class,
    responses,
    reward_law,
    sweep,
    visits,
)
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy
from grpo_checks.theory.off_policy.weights import Table, TokenWeights, ratios


class WeightedScores(NamedTuple):
    """Of C classes and Q prompts; the axis of two is the sign of the advantage, + then -."""

    law: Float[Array, "Q C"]
    """P(v | q) under the policy that samples."""
    mean: Float[Array, "Q 2 C n"]
    """M(v), theta flattened."""
    square: Float[Array, "Q 2 C"]
    """T(v)."""


class Weighing(NamedTuple):
    """Kernel k, carried factor f, and w of a step itself."""

    kernel: Table
    carried: Table
    counted: Table


def token_scores(
    mdp: TAMDP, policy: Policy, theta: Theta, sampler: Probs, weights: TokenWeights
) -> WeightedScores:
    """W of every token by its state and action; ``sampler``: mu(a|s), unknown to theta."""
    ways = [Weighing(sampler, jnp.ones_like(w), w) for w in weights]
    return _by_sign(mdp, policy, theta, sampler, [(x, x) for x in ways])


def product_scores(mdp: TAMDP, policy: Policy, theta: Theta, sampler: Probs) -> WeightedScores:
    """W = the product of an episode's ratios, not clipped.

    M(v) = grad p_pi(v) where mu takes whatever pi does.
    """
    rho = ratios(policy.probs(theta), sampler)
    one = jnp.ones_like(rho)
    first, second = (Weighing(sampler * x, one, one) for x in (rho, jnp.square(rho)))
    return _by_sign(mdp, policy, theta, sampler, [(first, second)])


def cumulative_scores(mdp: TAMDP, policy: Policy, theta: Theta, sampler: Probs) -> WeightedScores:
    """W_t = the product of the ratios up to t, not clipped and not differentiated itself."""
    rho = ratios(policy.probs(theta), sampler)
    way = Weighing(sampler, rho, rho)
    return _by_sign(mdp, policy, theta, sampler, [(way, way)])


def _by_sign(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    sampler: Probs,
    ways: list[tuple[Weighing, Weighing]],
) -> WeightedScores:
    """Of the first and second moment of each sign, or of both."""
    probs = policy.probs(theta)
    mean = [_first(mdp, policy, probs, way) for way, _ in ways]
    square = [_second(mdp, policy, probs, way) for _, way in ways]
    both = 2 // len(ways)
    stacked = jnp.stack(mean * both, 1), jnp.stack(square * both, 1)
    return WeightedScores(reward_law(mdp, sampler), *stacked)


def _later(mdp: TAMDP, kernel: Table) -> Float[Array, "Q C S A"]:
    """E_k[1{v} | q, s, a] over the steps after (s, a); the kernel's rows may have any sum."""
    n_prompts, n_states, n_answers = mdp.class_index.shape
    n_classes = mdp.class_composite.shape[0]
    member = jax.nn.one_hot(mdp.class_index, n_classes, axis=1, dtype=kernel.dtype)
    payoff = member.reshape(-1, n_states, n_answers)
    total, below = jnp.zeros((len(payoff), *kernel.shape)), payoff[:, :0, 0]
    for depth in reversed(range(mdp.horizon)):
        here = mdp.layer(depth)
        called = jnp.zeros((*payoff[:, here].shape[:2], mdp.n_tools))
        if depth < mdp.max_depth:
            called = (below @ responses(mdp, depth).T).reshape(called.shape)
        layer = jnp.concatenate([called, payoff[:, here]], -1)
        total, below = total.at[:, here].set(layer), (layer * kernel[here][None]).sum(-1)
    return total.reshape(n_prompts, n_classes, *kernel.shape)


def _mass(mdp: TAMDP, before: Table, step: Table, after: Table) -> Float[Array, "Q C S A"]:
    """Of classes that come by (s, a): kernels of the steps before it, of its own, and after."""
    return (visits(mdp, before)[:, :, None] * step[None])[:, None] * _later(mdp, after)


def _first(mdp: TAMDP, policy: Policy, probs: Probs, way: Weighing) -> Float[Array, "Q C n"]:
    k, f, w = way
    mean = pull(policy, probs, _mass(mdp, k * f, k * w, k))
    return mean.reshape(*mean.shape[:2], -1)


def _second(mdp: TAMDP, policy: Policy, probs: Probs, way: Weighing) -> Float[Array, "Q C"]:
    if isinstance(policy, LogLinear):
        return _log_linear_second(mdp, policy, probs, way)
    k, f, w = way
    # |s_t|^2 of an action: (1 - pi_a)^2 + sum of the other squares.
    square = 1 - 2 * probs + jnp.square(probs).sum(-1, keepdims=True)
    return _mass(mdp, k * f * f, k * w * w * square, k).sum((-1, -2))


def _log_linear_second(
    mdp: TAMDP, policy: LogLinear, probs: Probs, way: Weighing
) -> Float[Array, "Q C"]:
    (k, f, w), scores = way, policy.scores(probs)
    moved, length = w[..., None] * scores, jnp.square(w) * jnp.square(scores).sum(-1)

    def after(here: Any, at: Float[Array, "Q R m"]) -> Float[Array, "Q R A m"]:
        """E_k of F^2, F x and |x|^2 together with the next action."""
        mass, along, square = at[:, :, None, :1], at[:, :, None, 1:-1], at[:, :, None, -1]
        pull, kernel = moved[here][None], k[here][None]
        both = 2 * (along * pull).sum(-1) + mass[..., 0] * length[here][None]
        parts = (
            jnp.square(f[here])[None, ..., None] * mass,
            f[here][None, ..., None] * (along + pull * mass),
            (square + both)[..., None],
        )
        return kernel[..., None] * jnp.concatenate(parts, -1)

    def step(depth: int, at: Float[Array, "Q R m"]) -> Float[Array, "Q T m"]:
        called = after(mdp.layer(depth), at)[:, :, : mdp.n_tools]
        flat = called.reshape(called.shape[0], -1, called.shape[-1])
        return jnp.einsum("qim,it->qtm", flat, responses(mdp, depth))

    first = mdp.initial_distribution[..., None]
    start = jnp.pad(first, ((0, 0), (0, 0), (0, scores.shape[-1] + 1)))
    ended = after(slice(None), sweep(mdp, start, step))[..., -1]
    return by_class(mdp, ended[:, :, mdp.n_tools :])
