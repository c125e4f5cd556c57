"""Group-relative advantages: what each member of a group of G episodes of one prompt is given."""

from dataclasses import dataclass
from typing import Literal, get_args

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

GroupSize = int | Int[Array, ""]
"""G; an array where one compilation is to serve all group sizes."""
EstimatorName = Literal["mean_baseline", "leave_one_out", "group_normalized"]


@dataclass(frozen=True)
class Estimator:
    """How rewards become advantages; R_i the composite rewards, m and sd of the group.

    - ``mean_baseline``: R_i - m (Dr. GRPO); ``ddof`` and ``eps`` are not used
    - ``leave_one_out``: G/(G-1) (R_i - m) (RLOO); likewise
    - ``group_normalized``: (R_i - m)/(sd + eps) (GRPO), sd with divisor G - ddof

    Raises ValueError for an unknown name, a ddof other than 0 or 1, or a negative eps.
    """

    name: EstimatorName
    ddof: int = 0
    eps: float = 0.0

    def __post_init__(self) -> None:
        if self.name not in get_args(EstimatorName):
            raise ValueError(
                f"estimator = {self.name!r}: expected one of {get_args(EstimatorName)}"
            )
        if self.ddof not in (0, 1):
            raise ValueError(f"ddof = {self.ddof!r}: expected 0 or 1")
        if not 0 <= self.eps < float("inf"):
            raise ValueError(f"eps = {self.eps!r}: expected a finite number >= 0")


def check_group_size(group_size: int) -> None:
    """A group needs two members, or nothing is relative; raises ValueError."""
    if group_size < 2:
        raise ValueError(f"group_size = {group_size!r}: expected at least 2")


def deviations(rewards: Float[Array, " G"]) -> Float[Array, " G"]:
    """R_i - m, exactly 0 in a group of equal rewards, in float32 too.

    The mean of eight times 1.9 is not 1.9 in float32; the mean of eight zeros is 0. So the first
    reward is taken off before the mean is.
    """
    from_first = rewards - rewards[0]
    return from_first - from_first.mean()


def scale(spread: Float[Array, "..."], count: int, estimator: Estimator) -> Float[Array, "..."]:
    """What a deviation is multiplied by, given the sum of squared deviations of ``count`` members.

    1/(sd + eps), and 0 where sd = 0: such a group carries no signal, whatever eps is.
    """
    if estimator.name == "mean_baseline":
        return jnp.ones_like(spread)
    if estimator.name == "leave_one_out":
        return jnp.full_like(spread, count / (count - 1))
    # Double where: sqrt has no derivative at 0, and 1/0 must not be formed.
    varied = spread > 0
    sd = jnp.sqrt(jnp.where(varied, spread, 1.0) / (count - estimator.ddof))
    return jnp.where(varied, 1 / (sd + estimator.eps), 0.0)


def group_advantages(rewards: Float[Array, " G"], estimator: Estimator) -> Float[Array, " G"]:
    """Advantages of one group from its composite rewards (theory section 1); G >= 2.

    Equal composites must be equal floats: take them from ``TAMDP.class_composite``. Batch with
    ``vmap``. Raises ValueError for a group of one.
    """
    check_group_size(rewards.shape[0])
    centred = deviations(rewards)
    return centred * scale(jnp.square(centred).sum(), rewards.shape[0], estimator)
