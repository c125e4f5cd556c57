"""How an episode's score varies, exactly: s = sum_h grad log pi(a_h | s_h).

Given the reward vector v an episode is again a walk through the layers: it takes action a in state
s with probability c(a|s) = pi(a|s) P(v|s,a)/P(v|s), and the tools answer likewise. By the law of
total variance what s varies by, given v, is a sum of squares over the steps of this walk: no second
moment loses its digits to the square of a mean, and none can come out negative (derived).

For a table of logits the steps of an episode are orthogonal: with nu(o) = P(visit o | v),

    E[|s - E[s|v]|^2 | v] = sum_o nu sum_a c (1-c) + nu (1-nu) |c - pi|^2.
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import (
    Theta,
    class_values,
    law_gradients,
    responses,
    reward_law,
    visits,
)
from grpo_checks.theory.mdp.action_axis import complement
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.numbers.centred import centred, share
from grpo_checks.theory.numbers.tracing import traced_once


def score_moments(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C"]:
    """sigma2_q(v) = E[|s|^2 1{reward vector = v} | q], without listing episodes."""
    law = reward_law(mdp, policy.probs(theta))
    slopes = law_gradients(mdp, policy, theta).reshape(*law.shape, -1)
    return score_spread(mdp, policy, theta) + (slopes * share(slopes, law[..., None])).sum(-1)


@traced_once
def score_spread(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q C"]:
    """E[|s - E[s|v]|^2 1{v} | q] >= 0, v the reward vector."""
    probs = policy.probs(theta)
    chance = class_values(mdp, probs).value
    if isinstance(policy, LogLinear):
        # One at a time, since each takes an array over pairs of states and parameters.
        one = partial(_log_linear_spread, mdp, probs, policy.scores(probs))
        of_prompt = lambda x: jax.lax.map(partial(one, x[0]), x[1])  # noqa: E731
        return jax.lax.map(of_prompt, (mdp.initial_distribution, chance))
    assert isinstance(policy, Tabular)
    slopes = law_gradients(mdp, policy, theta)
    mass = (visits(mdp, probs)[:, :, None] * probs[None])[:, None] * chance
    return _tabular_spread(mdp, policy, mass, slopes)


def _tabular_spread(
    mdp: TAMDP, policy: Tabular, mass: Float[Array, "Q C S A"], slopes: Float[Array, "Q C O A"]
) -> Float[Array, "Q C"]:
    """``mass``: P(visit s, take a, earn v)."""
    taken = jnp.zeros_like(slopes).at[:, :, policy.observation].add(mass)
    met = taken.sum(-1)
    choice = share(taken, met[..., None])
    among = taken * complement(choice.reshape(-1, choice.shape[-1])).reshape(choice.shape)
    between = _absent(mdp, policy, mass, met) * (slopes * share(slopes, met[..., None])).sum(-1)
    return (among.sum(-1) + between).sum(-1)


def _absent(
    mdp: TAMDP, policy: Tabular, mass: Float[Array, "Q C S A"], met: Float[Array, "Q C O"]
) -> Float[Array, "Q C O"]:
    """1 - nu(o): the episode ended before, or went elsewhere in the layer of o."""
    answered = mass[..., mdp.n_tools :].sum(-1)
    total, layers = answered.sum(-1, keepdims=True), jnp.arange(mdp.horizon)
    before = answered @ (mdp.depth[:, None] < layers[None]).astype(met.dtype)
    layer = jnp.zeros((mdp.horizon, met.shape[-1])).at[mdp.depth, policy.observation].set(1.0)
    nu = share(met, total)
    likely = nu > 0.5
    rest = share(before, total) + jnp.where(likely, 0.0, nu) @ layer.T
    return jnp.where(likely, rest @ layer, 1 - nu)


def _log_linear_spread(
    mdp: TAMDP,
    probs: Float[Array, "S A"],
    scores: Float[Array, "S A d"],
    start: Float[Array, " S"],
    chance: Float[Array, "S A"],
) -> Float[Array, ""]:
    """Of one prompt and reward vector, from the last layer up; ``chance``: P(v|s,a)."""
    reached = (probs * chance).sum(-1)
    taken = share(probs * chance, reached[:, None])
    mean, spread = jnp.zeros(0), jnp.zeros(0)
    for depth in reversed(range(mdp.horizon)):
        here = mdp.layer(depth)
        ahead, later = scores[here], jnp.zeros(probs[here].shape)
        if depth < mdp.max_depth:
            below = reached[mdp.layer(depth + 1)]
            follow = responses(mdp, depth) * below[None]
            follow = share(follow, follow.sum(-1, keepdims=True))
            shape = (*follow.shape, mean.shape[-1])
            deviation, after = centred(follow, jnp.broadcast_to(mean[None], shape))
            varied = (follow * (jnp.square(deviation).sum(-1) + spread[None])).sum(-1)
            later = later.at[:, : mdp.n_tools].set(varied.reshape(-1, mdp.n_tools))
            ahead = ahead.at[:, : mdp.n_tools].add(after.reshape(-1, mdp.n_tools, shape[-1]))
        deviation, mean = centred(taken[here], ahead)
        spread = (taken[here] * (jnp.square(deviation).sum(-1) + later)).sum(-1)
    first = start[mdp.layer(0)] * reached[mdp.layer(0)]
    deviation, _ = centred(share(first, first.sum()), mean)
    return (first * (jnp.square(deviation).sum(-1) + spread)).sum()
