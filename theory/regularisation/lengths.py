"""What a token counts in a batch's loss, given all of its own episode: E[c_i B G | prompt, length].

Of the rules within an episode it is c_i B G itself. Under ``token_mean`` the divisor is l plus the
tokens of the other B G - 1 episodes, whose law is a convolution (derived).
"""

from functools import reduce

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.group_law import MAX_ENTRIES, SAMPLING
from grpo_checks.theory.evaluation.values import Probs, visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.rules.aggregation import Aggregation


def length_law(mdp: TAMDP, probs: Probs) -> Float[Array, "Q H"]:
    """P(an episode of the prompt has 1..H decisions)."""
    answered = visits(mdp, probs) * probs[:, mdp.n_tools :].sum(-1)[None]
    layers = [answered[:, mdp.layer(d)].sum(-1, keepdims=True) for d in range(mdp.horizon)]
    return jnp.concatenate(layers, 1)


def convolved(one: Float[Array, " N"], other: Float[Array, " M"]) -> Float[Array, " NM"]:
    """Of the sum of two independent numbers. Raises ValueError where it would be too large."""
    n, m = one.shape[0], other.shape[0]
    if n * m > MAX_ENTRIES:
        raise ValueError(f"tokens = {n + m}: expected n m <= {MAX_ENTRIES} to sum; {SAMPLING}")
    # Not jnp.convolve, which has no rule in ``arithmetic``: P.kl is enclosed.
    # Row i of the products, shifted by i: all but the last number of a row one longer.
    rows = jnp.pad(one[:, None] * other[None], ((0, 0), (0, n)))
    return rows.reshape(-1)[: n * (n + m - 1)].reshape(n, n + m - 1).sum(0)


def repeated(law: Float[Array, " N"], draws: int) -> Float[Array, " M"]:
    """Of the sum of ``draws`` independent numbers."""
    if draws == 0:
        return jnp.ones_like(law[:1])
    half = repeated(law, draws // 2)
    twice = convolved(half, half)
    return convolved(twice, law) if draws % 2 else twice


def length_shares(
    mdp: TAMDP,
    sampler: Probs,
    aggregation: Aggregation,
    group_size: int = 1,
    prompts: int | None = None,
) -> Float[Array, "Q H"]:
    """Of an episode of 1..H decisions, under the policy that samples.

    ``prompts``: B drawn from rho; None for a full sweep, where a token mean speaks of one group of
    each prompt, whose weights have to be equal (rho is not looked at). Raises ValueError for
    micro-batches, and where sums are too large.
    """
    lengths = jnp.arange(1, mdp.horizon + 1, dtype=float)
    n_prompts = mdp.initial_distribution.shape[0]
    if aggregation.within_episode:
        share = aggregation.weights(lengths, jnp.ones_like(lengths), mdp.horizon)
        return jnp.broadcast_to(share[None], (n_prompts, mdp.horizon))
    if aggregation.micro_batch is not None:
        raise ValueError(f"aggregation = {aggregation}: no sum over micro-batches; {SAMPLING}")
    if prompts is not None and prompts < 1:
        raise ValueError(f"prompts = {prompts}: expected at least 1, or None for a full sweep")
    one = jnp.pad(length_law(mdp, sampler), ((0, 0), (1, 0)))
    groups = [repeated(law, group_size) for law in one]
    members = (n_prompts if prompts is None else prompts) * group_size
    rows = []
    for q, law in enumerate(one):
        others = repeated(law, group_size - 1)
        if prompts is None:
            others = reduce(convolved, groups[:q] + groups[q + 1 :], others)
        else:
            mixed = mdp.prompt_distribution @ jnp.stack(groups)
            others = convolved(others, repeated(mixed, prompts - 1))
        tokens = jnp.arange(others.shape[0], dtype=float) + members * aggregation.length_offset
        rows.append((others[None] / (lengths[:, None] + tokens[None])).sum(1) * members)
    return jnp.stack(rows)
