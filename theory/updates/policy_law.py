"""What the moments of an update depend on: the reward law of a policy, and its scores' moments."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import GroupSize
from grpo_checks.theory.evaluation.score import score_spread
from grpo_checks.theory.evaluation.values import Theta, law_gradients, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.centred import centred, share
from grpo_checks.theory.numbers.tracing import traced_once


class PolicyLaw(NamedTuple):
    """What the moments of any estimator depend on, once per policy."""

    law: Float[Array, "Q C"]
    """p_q(v)."""
    slopes: Float[Array, "Q C n"]
    """E[s 1{v}|q] = grad p_q(v)."""
    spread: Float[Array, "Q C"]
    """E[|s - E[s|v]|^2 1{v}|q]."""


@traced_once
def policy_law(mdp: TAMDP, policy: Policy, theta: Theta) -> PolicyLaw:
    """Reward law and score moments at a policy."""
    law = reward_law(mdp, policy.probs(theta))
    slopes = law_gradients(mdp, policy, theta).reshape(*law.shape, -1)
    return PolicyLaw(law, slopes, score_spread(mdp, policy, theta))


def central(mdp: TAMDP, at: PolicyLaw) -> tuple[Float[Array, "Q C"], Float[Array, "Q n"]]:
    """R - E[R|q] and grad J_q; a large constant part of R cancels nothing away."""
    reward = jnp.broadcast_to(mdp.class_composite, at.law.shape)
    deviation = centred(at.law, reward[..., None])[0][..., 0]
    # Since sum_v grad p(v) = 0.
    return deviation, jnp.einsum("qc,qcn->qn", deviation, at.slopes)


def leave_one_out_variance(
    group_size: GroupSize, spread: Float[Array, "..."], excess: Float[Array, "..."]
) -> Float[Array, "..."]:
    """V of `leave_one_out`, a U-statistic: a/G + (2b-a)/(G(G-1)).

    The variance of arXiv:2603.01162's kernel 1/2 (R-R')(s-s'), re-derived; see ``PairMoments``.
    """
    # Two divisions, since the product of a large G and G - 1 leaves the integers.
    return (spread + excess / (group_size - 1)) / group_size


class PairMoments(NamedTuple):
    """What the variance of `leave_one_out` depends on, per prompt."""

    gradient: Float[Array, "Q n"]
    """grad J_q, theta flattened."""
    spread: Float[Array, " Q"]
    """a = tr Cov((R-mu)s)."""
    excess: Float[Array, " Q"]
    """2b - a = Var(R) E|s|^2 + |grad J_q|^2 >= 0, b = E[(R-R')^2 |s-s'|^2]/4 - |grad J_q|^2."""


def pair_moments(mdp: TAMDP, policy: Policy, theta: Theta) -> PairMoments:
    """At a policy."""
    return pairs_at(mdp, policy_law(mdp, policy, theta))


@traced_once
def pairs_at(mdp: TAMDP, at: PolicyLaw) -> PairMoments:
    """By central moments of R; since sum_v grad p(v) = 0, no pairs of classes (derived).

    a is E|(R-mu)s - grad J_q|^2, a sum of squares: what s varies by given v, and what E[s|v] does.
    """
    deviation, gradient = central(mdp, at)
    score = share(at.slopes, at.law[..., None])
    off = jnp.square(deviation[..., None] * score - gradient[:, None]).sum(-1)
    spread = (jnp.square(deviation) * at.spread + at.law * off).sum(-1)
    fisher = (at.spread + at.law * jnp.square(score).sum(-1)).sum(-1)
    varied = (at.law * jnp.square(deviation)).sum(-1)
    return PairMoments(gradient, spread, varied * fisher + jnp.square(gradient).sum(-1))
