"""First-order points of Jtilde over all policies of each prompt, with their own proof.

Jtilde depends on a policy through its component values p = (J_1..J_K) alone, and these fill a
polytope whose extreme points backward induction finds. Pairwise Frank-Wolfe steps keep p as a
mixture of a few attained values ("atoms"): each step moves weight from the atom that the gradient
likes least to the best of all policies. The residual phi = max over policies of
<grad Jtilde, J(pi') - p> bounds how far p is from first-order, whatever led there. F_G is concave
below 1/2 and convex above, so phi = 0 says first-order, and not that p is the highest point.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from grpo_checks.theory.mdp.mdp import TAMDP

ATOMS = 12
"""Slots of a mixture; K + 1 atoms are enough for any point of the polytope."""
ROOT_STEPS = 12

Response = Callable[[Float[Array, "..."]], Float[Array, "..."]]


class Mixture(NamedTuple):
    """A policy of each prompt that draws one of M policies at the start of the episode."""

    atoms: Float[Array, "Q M K"]
    """Component values of the policies mixed."""
    share: Float[Array, "Q M"]
    """Their probabilities."""

    @property
    def success(self) -> Float[Array, "Q K"]:
        """J_qk of the mixture."""
        return jnp.einsum("qm,qmk->qk", self.share, self.atoms)


class Ascent(NamedTuple):
    """Where the steps have led."""

    mixture: Mixture
    residual: Float[Array, " Q"]
    """phi before the last step; take ``theory.convergence.decomposition_gap.certificate`` for that
    of the result.
    """
    steps: Int[Array, ""]


def best_component_values(mdp: TAMDP, steep: Float[Array, "Q K"]) -> Float[Array, "Q K"]:
    """J_qk of a deterministic policy that maximises sum_k steep_qk J_qk, by backward induction."""
    tools, answers = mdp.legal[:, : mdp.n_tools], mdp.legal[:, mdp.n_tools :]

    def choose(
        options: Float[Array, "Q S B K"], allowed: Bool[Array, "S B"]
    ) -> tuple[Float[Array, "Q S"], Float[Array, "Q S K"]]:
        worth = jnp.einsum("qsbk,qk->qsb", options, steep)
        worth = jnp.where(allowed[None], worth, -jnp.inf)
        taken = jax.nn.one_hot(worth.argmax(-1), worth.shape[-1], dtype=worth.dtype)
        return worth.max(-1), jnp.einsum("qsb,qsbk->qsk", taken, options)

    stop = choose(mdp.reward, answers)

    def layer(ahead: Float[Array, "Q S K"], _: None) -> tuple[Float[Array, "Q S K"], None]:
        call = choose(jnp.einsum("sut,qtk->qsuk", mdp.tool_transition, ahead), tools)
        return jnp.where((call[0] > stop[0])[..., None], call[1], stop[1]), None

    top = stop[1]
    if mdp.n_tools:
        top, _ = jax.lax.scan(layer, stop[1], None, length=mdp.max_depth)
    return jnp.einsum("qs,qsk->qk", mdp.initial_distribution, top)


def first_root(
    slope: Callable[[Float[Array, " Q"]], Float[Array, " Q"]], largest: Float[Array, " Q"]
) -> Float[Array, " Q"]:
    """Where a slope, positive at 0, has become 0; ``largest`` if it is still positive there.

    Regula falsi with the Illinois weights: a bracket that shrinks faster than by halves.
    """
    zero = jnp.zeros_like(largest)
    at_end = slope(largest)

    def narrow(_: Int[Array, ""], carry: tuple[Array, ...]) -> tuple[Array, ...]:
        low, high, at_low, at_high, side, _ = carry
        width = at_low - at_high
        part = jnp.where(width > 0, at_low / jnp.where(width > 0, width, 1.0), 0.5)
        middle = low + jnp.clip(part, 0.0, 1.0) * (high - low)
        here = slope(middle)
        up = here > 0
        # An end that stays twice in a row counts half, or the other would creep.
        return (
            jnp.where(up, middle, low),
            jnp.where(up, high, middle),
            jnp.where(up, here, jnp.where(side < 0, at_low / 2, at_low)),
            jnp.where(up, jnp.where(side > 0, at_high / 2, at_high), here),
            jnp.where(up, 1.0, -1.0),
            middle,
        )

    ends = (zero, largest, slope(zero), at_end, zero, largest)
    root = jax.lax.fori_loop(0, ROOT_STEPS, narrow, ends)[-1]
    return jnp.where(at_end >= 0, largest, root)


def _step(mdp: TAMDP, response: Response, mixture: Mixture) -> tuple[Mixture, Float[Array, " Q"]]:
    """One pairwise step, and the residual before it."""
    atoms, share = mixture
    success = mixture.success
    steep = response(success) * mdp.weights[None]
    best = best_component_values(mdp, steep)
    residual = (steep * (best - success)).sum(-1)
    # The best policy takes the emptiest slot, unless it is there already.
    known = jnp.abs(atoms - best[:, None]).max(-1) < 1e-14
    slot = jnp.where(known.any(-1), known.argmax(-1), share.argmin(-1))
    into = jax.nn.one_hot(slot, atoms.shape[1], dtype=share.dtype)
    free = (share * into).sum(-1) < 1e-300
    atoms = jnp.where((into > 0)[..., None] & free[:, None, None], best[:, None], atoms)
    worth = jnp.where(share > 0, jnp.einsum("qmk,qk->qm", atoms, steep), jnp.inf)
    out = jax.nn.one_hot(worth.argmin(-1), atoms.shape[1], dtype=share.dtype)
    way = jnp.einsum("qm,qmk->qk", into - out, atoms)

    def slope(t: Float[Array, " Q"]) -> Float[Array, " Q"]:
        at = jnp.clip(success + t[:, None] * way, 0.0, 1.0)
        return (response(at) * mdp.weights[None] * way).sum(-1)

    moved = first_root(slope, (share * out).sum(-1))
    moved = jnp.where((steep * way).sum(-1) > 0, moved, 0.0)
    new = jnp.maximum(share + moved[:, None] * (into - out), 0.0)
    return Mixture(atoms, new / new.sum(-1, keepdims=True)), residual


def climb(
    mdp: TAMDP,
    response: Response,
    start: Mixture,
    tolerance: Float[Array, ""] | float,
    max_steps: Int[Array, ""] | int,
) -> Ascent:
    """Pairwise Frank-Wolfe on Jtilde, F_G' = ``response``, until every phi <= ``tolerance``."""

    def going(carry: Ascent) -> Array:
        return (carry.residual.max() > tolerance) & (carry.steps < max_steps)

    def step(carry: Ascent) -> Ascent:
        mixture, residual = _step(mdp, response, carry.mixture)
        # A prompt that is done stays: another step would only add rounding.
        done = residual <= tolerance
        kept = [
            jnp.where(done.reshape(-1, *[1] * (old.ndim - 1)), old, new)
            for old, new in zip(carry.mixture, mixture, strict=True)
        ]
        return Ascent(Mixture(*kept), residual, carry.steps + 1)

    unknown = jnp.full(start.share.shape[0], jnp.inf)
    return jax.lax.while_loop(going, step, Ascent(start, unknown, jnp.asarray(0)))


def pure(success: Float[Array, "Q K"]) -> Mixture:
    """One policy with these component values, and room for others."""
    atoms = jnp.repeat(success[:, None], ATOMS, 1)
    return Mixture(atoms, jnp.zeros(atoms.shape[:2]).at[:, 0].set(1.0))
