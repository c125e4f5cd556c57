"""The clipped surrogate of GRPO: importance ratios, a KL penalty, an entropy bonus, weighed steps.

Arrays are (N, H): N episodes (completions), H steps (tokens), padded where ``mask`` is 0.
Checked against the losses of TRL's GRPO trainer (see tests/data/grpo_losses.json).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.losses.kl_penalty import KLKind, penalty

Level = Literal["token", "sequence"]


@dataclass(frozen=True)
class Clipping:
    """Options of the surrogate; the ratio is held in [1 - low, 1 + high].

    ``high`` None: as ``low``. ``ceiling``: an upper limit on the ratio whatever the advantage
    (TRL's delta). ``level``: one ratio per step, or per episode (their geometric mean). ``beta``:
    weight of the KL penalty, of the kind ``kl``; ``ratio_weighted_kl`` multiplies its estimate by
    the ratio, which makes the value unbiased off policy. ``entropy``: weight of the bonus for the
    entropy of the policy in each step's state. Raises ValueError for values out of range.
    """

    low: float = 0.2
    high: float | None = None
    ceiling: float | None = None
    level: Level = "token"
    beta: float = 0.0
    ratio_weighted_kl: bool = False
    kl: KLKind = "k3"
    entropy: float = 0.0

    def __post_init__(self) -> None:
        for field in ("beta", "entropy"):
            value = getattr(self, field)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{field} = {value!r}: expected a finite number >= 0")
        # A limit at the ratio 1 itself would change the gradient on policy.
        for field, least in (("low", 0), ("high", 0), ("ceiling", 1)):
            value = getattr(self, field)
            if value is not None and not least < value < float("inf"):
                raise ValueError(f"{field} = {value!r}: expected a finite number > {least}")
        for field, allowed in (("level", get_args(Level)), ("kl", get_args(KLKind))):
            if getattr(self, field) not in allowed:
                raise ValueError(f"{field} = {getattr(self, field)!r}: expected one of {allowed}")

    @property
    def regularised(self) -> bool:
        """Whether steps count beside their advantages."""
        return self.beta != 0 or self.entropy != 0


def kept_ratios(
    ratio: Float[Array, "..."], clipping: Clipping
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """What a step's score counts where its advantage is positive, and where it is negative.

        A > 0: rho where rho <= 1 + high, and rho <= ceiling
        A < 0: rho where 1 - low <= rho, and rho <= max(ceiling, 1 + high)

    and 0 elsewhere, of one ratio per step (derived from ``surrogate_loss``, whose automatic
    derivative agrees but on the edges: there the step keeps rho, as torch's minimum and clamp).
    """
    high = 1 + (clipping.low if clipping.high is None else clipping.high)
    ceiling = jnp.inf if clipping.ceiling is None else clipping.ceiling
    rising = ratio <= jnp.minimum(high, ceiling)
    falling = (ratio >= 1 - clipping.low) & (ratio <= jnp.maximum(high, ceiling))
    return jnp.where(rising, ratio, 0.0), jnp.where(falling, ratio, 0.0)


def surprises(probs: Float[Array, "..."], log_probs: Float[Array, "..."]) -> Float[Array, "..."]:
    """-pi log pi, 0 where never taken: over the actions of a state they add up to its entropy."""
    taken = probs > 0
    return jnp.where(taken, -probs * jnp.where(taken, log_probs, 0.0), 0.0)


def surrogate_loss(
    log_probs: Float[Array, "N H"],
    old_log_probs: Float[Array, "N H"],
    reference_log_probs: Float[Array, "N H"],
    mask: Float[Array, "N H"],
    advantages: Float[Array, " N"],
    weights: Float[Array, "N H"],
    clipping: Clipping,
    entropy: Float[Array, "N H"] | None = None,
) -> Float[Array, ""]:
    """Minus the clipped surrogate plus beta times KL less the entropy bonus, weighted.

    At ``log_probs == old_log_probs``, without penalty and bonus, its gradient is minus
    sum_ih weights_ih A_i grad log pi(a_ih | s_ih). ``entropy`` is the policy's in each step's
    state, asked for only with a bonus, which ``weights`` aggregate as the rest: under a token mean
    it is the mean over the batch's tokens (verl's ``entropy_coeff``). Whatever stands in the
    padding, or is the advantage of an episode that is padding alone, nan and infinities included,
    counts for nothing.
    """
    kept = mask > 0
    # Before any arithmetic: a nan that is weighted with 0 afterwards is still one.
    log_probs, old_log_probs, reference_log_probs, weights = (
        jnp.where(kept, x, 0.0) for x in (log_probs, old_log_probs, reference_log_probs, weights)
    )
    advantages = jnp.where(kept.any(1), advantages, 0.0)
    log_ratio = log_probs - old_log_probs
    if clipping.level == "sequence":
        length = jnp.maximum(mask.sum(1, keepdims=True), 1)
        log_ratio = (log_ratio * mask).sum(1, keepdims=True) / length
    ratio = jnp.exp(log_ratio)
    high = clipping.low if clipping.high is None else clipping.high
    held = jnp.clip(ratio, 1 - clipping.low, 1 + high)
    # The ceiling is for the gain only: a capped weight would bias the KL again.
    capped = ratio if clipping.ceiling is None else jnp.minimum(ratio, clipping.ceiling)
    gain = advantages[:, None]
    per_step = -jnp.minimum(capped * gain, held * gain)
    if clipping.beta:
        kl = penalty(log_probs, reference_log_probs, clipping.kl)
        per_step += clipping.beta * (kl * ratio if clipping.ratio_weighted_kl else kl)
    if clipping.entropy:
        if entropy is None:
            raise ValueError("entropy = None: expected that of each step, for the bonus")
        per_step -= clipping.entropy * jnp.where(kept, entropy, 0.0)
    return (per_step * weights).sum()
