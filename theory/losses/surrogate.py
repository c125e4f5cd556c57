"""The clipped surrogate of GRPO: importance ratios, a KL penalty, and ways to weigh steps.

Arrays are (N, H): N episodes (completions), H steps (tokens), padded where ``mask`` is 0.
Checked against the losses of TRL's GRPO trainer (see tests/data/grpo_losses.json).
"""

from dataclasses import dataclass
from typing import Literal, get_args

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.numbers.kl import exponential_excess

Level = Literal["token", "sequence"]


@dataclass(frozen=True)
class Clipping:
    """Options of the surrogate; the ratio is held in [1 - low, 1 + high].

    ``high`` None: as ``low``. ``ceiling``: an upper limit on the ratio whatever the advantage
    (TRL's delta). ``level``: one ratio per step, or per episode (their geometric mean). ``beta``:
    weight of the KL penalty; ``ratio_weighted_kl`` multiplies its estimate by the ratio, which
    removes its bias off policy. Raises ValueError for values out of range.
    """

    low: float = 0.2
    high: float | None = None
    ceiling: float | None = None
    level: Level = "token"
    beta: float = 0.0
    ratio_weighted_kl: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.beta < float("inf"):
            raise ValueError(f"beta = {self.beta!r}: expected a finite number >= 0")
        # A limit at the ratio 1 itself would change the gradient on policy.
        for field, least in (("low", 0), ("high", 0), ("ceiling", 1)):
            value = getattr(self, field)
            if value is not None and not least < value < float("inf"):
                raise ValueError(f"{field} = {value!r}: expected a finite number > {least}")
        if self.level not in get_args(Level):
            raise ValueError(f"level = {self.level!r}: expected one of {get_args(Level)}")


def k3(log_probs: Float[Array, "..."], reference: Float[Array, "..."]) -> Float[Array, "..."]:
    """Non-negative estimate of KL(pi || reference) from a sample of pi: r - log r - 1."""
    return exponential_excess(reference - log_probs)


def surrogate_loss(
    log_probs: Float[Array, "N H"],
    old_log_probs: Float[Array, "N H"],
    reference_log_probs: Float[Array, "N H"],
    mask: Float[Array, "N H"],
    advantages: Float[Array, " N"],
    weights: Float[Array, "N H"],
    clipping: Clipping,
) -> Float[Array, ""]:
    """Minus the clipped surrogate plus beta times KL, weighted by ``weights``.

    At ``log_probs == old_log_probs`` and beta = 0 its gradient is minus
    sum_ih weights_ih A_i grad log pi(a_ih | s_ih). Whatever stands in the padding, or is the
    advantage of an episode that is padding alone, nan and infinities included, counts for nothing.
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
        penalty = k3(log_probs, reference_log_probs)
        per_step += clipping.beta * (penalty * ratio if clipping.ratio_weighted_kl else penalty)
    return (per_step * weights).sum()
