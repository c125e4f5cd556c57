"""The policy that maximises E[A] - beta KL(pi || pi_ref), by soft backward induction.

KL is that of whole episodes; the tool's responses cancel in it. In each state the maximiser is
pi_ref exp(Q/beta) up to a constant, with V = beta log E_ref exp(Q/beta) and Q of a call the *mean*
of V over the responses: a policy cannot tilt what a tool answers. The value is the largest:
F(pi) = F* - beta KL(episodes of pi || of the maximiser) (derived).

**Amplification with tools (derived).** Let the advantage be lambda times the indicator of success
and p(lambda) the maximiser's chance of success. Then dp/dlambda is the sum over steps of the mean
variance that actions give the chance of success, at most the whole variance p(1-p), with equality
if the tools and the first state add none. Hence p <= h(p_{n-1}) of
``theory.evaluation.amplification``, and equality for models without chance of their own (one
decision, or deterministic tools).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import episode_kl, reward_law
from grpo_checks.theory.mdp.mdp import TAMDP

Policies = Float[Array, "Q S A"]
"""Log-probabilities, one policy for each prompt; -inf where illegal."""


def has_no_chance(mdp: TAMDP) -> bool:
    """Whether first states and tool responses are certain; then an episode is its actions."""
    rows = (np.asarray(mdp.initial_distribution), np.asarray(mdp.tool_transition))
    return all(bool(((x == 0) | (x == 1)).all()) for x in rows)


def best_outcome(mdp: TAMDP, component: int) -> Float[Array, " C"]:
    """The binary reward of a component: 1 where it is as large as it gets, else 0."""
    column = np.asarray(mdp.class_vector)[:, component]
    return jnp.asarray((column == column.max()).astype(column.dtype))


def per_prompt(mdp: TAMDP, log_probs: Float[Array, "S A"]) -> Policies:
    """One policy, for every prompt."""
    return jnp.broadcast_to(log_probs[None], (mdp.prompt_distribution.shape[0], *log_probs.shape))


def success(mdp: TAMDP, policies: Policies, event: Float[Array, " C"]) -> Float[Array, " Q"]:
    """P(event | q), each prompt under its own policy."""
    laws = jax.vmap(lambda log_probs: reward_law(mdp, jnp.exp(log_probs)) @ event)(policies)
    return jnp.diagonal(laws)


def whitened(
    event: Float[Array, " C"], chance: Float[Array, " Q"], eps: float | Float[Array, ""]
) -> Float[Array, "Q C"]:
    """A = (r - p)/sqrt(p(1-p) + eps) of each reward class; 0 where there is nothing to whiten."""
    variance = (chance * (1 - chance) + eps)[:, None]
    varied = variance > 0
    centred = event[None] - chance[:, None]
    return jnp.where(varied, centred / jnp.sqrt(jnp.where(varied, variance, 1.0)), 0.0)


def tilt(
    mdp: TAMDP,
    reference: Policies,
    advantage: Float[Array, "Q C"],
    beta: float | Float[Array, ""],
) -> Policies:
    """The maximiser, for each prompt on its own, over unrestricted policies."""
    earned = jax.vmap(lambda a, index: a[index])(advantage, mdp.class_index)
    stop = reference[:, :, mdp.n_tools :] + earned / beta
    tools = reference[:, :, : mdp.n_tools]
    # A state without legal actions is never reached; 0 there keeps 0 * inf out of the means.
    alive = jnp.isfinite(reference).any(-1)

    def value(log_weights: Float[Array, "Q S A"]) -> Float[Array, "Q S"]:
        safe = jnp.where(alive[:, :, None], log_weights, 0.0)
        return jnp.where(alive, jax.nn.logsumexp(safe, -1), 0.0)

    def layer(weights: Float[Array, "Q S A"], _: None) -> tuple[Float[Array, "Q S A"], None]:
        ahead = jnp.einsum("sut,qt->qsu", mdp.tool_transition, value(weights))
        return jnp.concatenate([tools + ahead, stop], -1), None

    unknown = jnp.concatenate([tools, stop], -1)
    weights, _ = jax.lax.scan(layer, unknown, None, length=mdp.max_depth)
    return weights - value(weights)[:, :, None]


def regularised(
    mdp: TAMDP,
    policies: Policies,
    reference: Policies,
    advantage: Float[Array, "Q C"],
    beta: float | Float[Array, ""],
) -> Float[Array, " Q"]:
    """F_q(pi) = E[A | q] - beta KL(episodes of pi || of pi_ref | q)."""

    def terms(log_probs: Float[Array, "S A"], other: Float[Array, "S A"]) -> Float[Array, "2 Q"]:
        probs = jnp.exp(log_probs)
        gain = (reward_law(mdp, probs) * advantage).sum(-1)
        return jnp.stack([gain, episode_kl(mdp, log_probs, other)])

    gain, divergence = jax.vmap(terms)(policies, reference).swapaxes(0, 1)
    return jnp.diagonal(gain) - beta * jnp.diagonal(divergence)


def iterate(
    mdp: TAMDP,
    reference: Policies,
    event: Float[Array, " C"],
    beta: float | Float[Array, ""],
    eps: float | Float[Array, ""],
    n_steps: int,
) -> Float[Array, "N Q"]:
    """Chance of success of pi_ref and of n exact maximisers, each whitened by the one before.

    beta > 0 and eps >= 0 are taken for granted: see ``amplification.check_penalty``.
    """

    def step(chance: Float[Array, " Q"], _: None) -> tuple[Float[Array, " Q"], Float[Array, " Q"]]:
        best = tilt(mdp, reference, whitened(event, chance, eps), beta)
        after = success(mdp, best, event)
        return after, after

    first = success(mdp, reference, event)
    rest = jax.lax.scan(step, first, None, length=n_steps)[1]
    return jnp.concatenate([first[None], rest])


def decision_chances(
    policy: Float[Array, " A"],
    value: Float[Array, " A"],
    beta: float | Float[Array, ""],
    eps: float | Float[Array, ""],
    n_steps: int,
) -> list[Float[Array, ""]]:
    """``iterate`` for one decision, by listing its actions: each succeeds with chance ``value``."""
    chances = [policy @ value]
    for _ in range(n_steps):
        lost, won = whitened(jnp.array([0.0, 1.0]), chances[-1][None], eps)[0]
        odds = policy * jnp.exp((value * won + (1 - value) * lost) / beta)
        chances.append(odds @ value / odds.sum())
    return chances
