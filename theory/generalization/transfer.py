"""Out of distribution: what a risk on D_S says of the risk on D_T, and tools that answer otherwise.

With l_q the loss of the (randomised) policy on task type q, L_S = E_S l, L_T = E_T l. All bounds
are exact inequalities between expectations; no sample enters. Losses lie in [0, 1].
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import episode_kl
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.kl import Number, kl_divergence, kl_first, kl_of_logs

Law = Float[Array, "... Z"]
Real = Float[Array, "..."]


def total_variation(p: Law, q: Law) -> Real:
    """TV(p, q) = half the sum of |p - q|, in [0, 1]."""
    return jnp.abs(p - q).sum(-1) / 2


def chi_square(p: Law, q: Law) -> Real:
    """chi^2(p ‖ q) = sum (p - q)^2/q; +inf where q excludes what p allows."""
    seen = q > 0
    terms = jnp.where(seen, jnp.square(p - q) / jnp.where(seen, q, 1.0), 0.0).sum(-1)
    return jnp.where(((p > 0) & ~seen).any(-1), jnp.inf, terms)


class Limits(NamedTuple):
    """Bounds on L_T - L_S."""

    oscillation: Real
    """osc(l) TV(D_S, D_T), osc = max l - min l."""
    variation: Real
    """TV(D_S, D_T)."""
    pinsker: Real
    """sqrt(KL(D_T ‖ D_S)/2)."""
    pinsker_reversed: Real
    """sqrt(KL(D_S ‖ D_T)/2)."""
    chi_square: Real
    """sqrt(chi^2(D_T ‖ D_S) Var_S l)."""


def limits(losses: Law, source: Law, target: Law, error: Number = 0.0) -> Limits:
    """All of them, for the losses (Z,) of a policy and two laws (Z,) of task types.

    ``error``: relative, of every sum; with that of ``theory.updates.rounding`` the bounds are
    rounded up.
    """
    mean = losses @ source
    spread = source @ jnp.square(jnp.abs(losses - mean) + error * mean)
    variation = total_variation(source, target) * (1 + error)
    divergence, reverse = (
        kl_divergence(*laws) * (1 + error) for laws in ((target, source), (source, target))
    )
    chi = chi_square(target, source) * (1 + error)
    return Limits(
        (losses.max() - losses.min()) * variation,
        variation,
        jnp.sqrt(divergence / 2),
        jnp.sqrt(reverse / 2),
        # No spread on the source leaves inf * 0 where the target is new: then nothing is known.
        jnp.sqrt(jnp.where(jnp.isinf(chi), jnp.inf, chi * spread)),
    )


class Shifted(NamedTuple):
    """Bounds on L_T from L_S, none above 1: L_S plus each of ``Limits``, and another one."""

    oscillation: Real
    variation: Real
    pinsker: Real
    pinsker_reversed: Real
    data_processing: Real
    """max{p: kl(p ‖ L_S) <= KL(D_T ‖ D_S)}; with the KL swapped it is false."""
    chi_square: Real


def shifted(losses: Law, source: Law, target: Law, error: Number = 0.0) -> Shifted:
    """All of them; arguments as of ``limits``."""
    # Relative: next to 0 the inverse of kl has a slope without end, and a risk of 0 is 0.
    risk = losses @ source * (1 + error)
    divergence = kl_divergence(target, source) * (1 + error)
    # New types may cost anything, whatever the policy did on the old ones (L_S = 0 or 1 included).
    processed = jnp.where(jnp.isinf(divergence), 1.0, kl_first(jnp.minimum(risk, 1.0), divergence))
    added = {f: risk + x for f, x in limits(losses, source, target, error)._asdict().items()}
    bounds = Shifted(data_processing=processed, **added)
    # Laws sum to 1 up to rounding.
    return Shifted(*(jnp.minimum(x + error, 1.0) for x in bounds))


def reweighted(losses: Float[Array, "M Z"], source: Law, target: Law) -> tuple[Law, Real]:
    """w l/w_max in [0,1] and w_max, w = D_T/D_S: importance weighting, where weights are known.

    E_S of the first is L_T/w_max, so that any bound on it, times w_max, bounds L_T. Needs a target
    that the source covers (else w_max is +inf).
    """
    weight = jnp.where(source > 0, target / jnp.where(source > 0, source, 1.0), 0.0)
    top = weight.max(-1)
    covered = ~((target > 0) & (source == 0)).any(-1)
    return losses * (weight / top)[None], jnp.where(covered, top, jnp.inf)


def response_distance(mdp: TAMDP, other: TAMDP) -> Real:
    """max_{s,u} TV(P(.|s,u), P'(.|s,u)) over the legal calls of two models with the same states."""
    variation = total_variation(mdp.tool_transition, other.tool_transition)
    legal = mdp.legal[:, : mdp.n_tools]
    return jnp.where(legal, variation, 0.0).max(initial=0.0)


def mixed_tools(mdp: TAMDP, share: float) -> TAMDP:
    """A target: each answer of the tool mixed, by ``share`` in [0, 1], with a uniform choice among
    its own outcomes. Supports and attainable rewards stay. Prompts move towards uniform."""
    transition = np.asarray(mdp.tool_transition)
    support = transition > 0
    even = support / np.maximum(support.sum(-1, keepdims=True), 1)
    rho = np.asarray(mdp.prompt_distribution)
    return TAMDP(
        prompt_distribution=(1 - share) * rho + share / rho.size,
        initial_distribution=np.asarray(mdp.initial_distribution),
        depth=np.asarray(mdp.depth),
        tool_transition=(1 - share) * transition + share * even,
        legal=np.asarray(mdp.legal),
        reward=np.asarray(mdp.reward),
        weights=np.asarray(mdp.weights),
    )


def depth_bound(max_reward: Number, depth: Number, prompts: Number, responses: Number) -> Number:
    """|V_T - V_S| <= R_max (TV(D_S, D_T) + D max TV(P_S, P_T)), by the chain rule on D calls.

    ``prompts``: TV of the prompt distributions; ``responses``: of the tool's answers.
    """
    return max_reward * (prompts + depth * responses)


def depth_bound_coupled(
    max_reward: Number, depth: Number, prompts: Number, responses: Number
) -> Number:
    """R_max (1 - (1 - TV) (1 - max TV)^D): the same, by a coupling of the episodes (derived).

    Two episodes stay together through D calls with at least the product of the chances to do so.
    """
    return max_reward * (1 - (1 - prompts) * (1 - responses) ** depth)


def step_kl_bound(
    mdp: TAMDP, log_probs: Float[Array, "S A"], other: Float[Array, "S A"]
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The largest KL of episode laws over prompts, and H max_s KL(pi(.|s) ‖ pi'(.|s)) above it.

    Policies by their logarithms, -inf for an action that is never taken.
    """
    longest = mdp.horizon * kl_of_logs(log_probs, other).max()
    return episode_kl(mdp, log_probs, other).max(), longest
