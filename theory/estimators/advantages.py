"""Group-relative advantages: what each member of a group of G episodes of one prompt is given."""

from dataclasses import dataclass
from functools import partial
from typing import Literal, get_args

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from grpo_checks.theory.numbers.rationals import abridged

MAX_GROUP_SIZE = 10**9
GroupSize = int | Int[Array, ""]
"""G; an array where one compilation is to serve all group sizes."""
EstimatorName = Literal[
    "mean_baseline",
    "leave_one_out",
    "group_normalized",
    "componentwise_normalized",
    "batch_scaled",
    "length_weighted",
    "nonzero_scaled",
    "greedy_baseline",
    "pass_at_k",
    "mean_normalized",
]
WITHIN_GROUP: tuple[EstimatorName, ...] = (
    "mean_baseline",
    "leave_one_out",
    "group_normalized",
    "componentwise_normalized",
)
"""Those whose advantages depend on their group's rewards alone, by means and standard deviations:
what group laws, enclosures and fractions take."""


@dataclass(frozen=True)
class Estimator:
    """How rewards become advantages; R_i the composite rewards, m and sd of the group.

    - ``mean_baseline``: R_i - m (Dr. GRPO); ``ddof`` and ``eps`` are not used
    - ``leave_one_out``: G/(G-1) (R_i - m) (RLOO); likewise
    - ``group_normalized``: (R_i - m)/(sd + eps) (GRPO, *joint*), sd with divisor G - ddof
    - ``componentwise_normalized``: sum_k w_k (r_ik - m_k)/(sd_k + eps) (GDPO, *decomposed*)
    - ``batch_scaled``: (R_i - m)/(sd_batch + eps), sd_batch of all members of the update
    - ``length_weighted``: R_i - sum l R/sum l of the group, l in tokens (OPO)
    - ``nonzero_scaled``: (R_i - m) N/max(1, n), n of the N rewards of the update are not 0 (GPG)
    - ``greedy_baseline``: R_i - b, b of one greedy episode for each group (ReMax)
    - ``pass_at_k``: (R_1 - R_2)/(sd + eps) for the best alone, R_2 the second best, and 0 for
      the others and where the best are several (verl's GRPO for pass@k)
    - ``mean_normalized``: (R_i - m)/(m + eps), and 0 where m = 0 (MaxRL)

    ``whiten``: eps of a last step over the batch, (z - mean_batch)/(sd_batch + whiten), or with
    ``whiten_inside`` divided by sqrt(sd_batch^2 + whiten); None: no such step. ``whiten_tokens``:
    that step's mean and sd are over tokens, an episode counting as often as it has some. Raises
    ValueError for an unknown name, a ddof other than 0 or 1, or an eps that is negative or not
    finite.
    """

    name: EstimatorName
    ddof: int = 0
    eps: float = 0.0
    whiten: float | None = None
    whiten_inside: bool = False
    whiten_tokens: bool = False

    def __post_init__(self) -> None:
        if self.name not in get_args(EstimatorName):
            raise ValueError(
                f"estimator = {self.name!r}: expected one of {get_args(EstimatorName)}"
            )
        if self.ddof not in (0, 1):
            raise ValueError(f"ddof = {self.ddof!r}: expected 0 or 1")
        for field in ("eps", "whiten"):
            value = getattr(self, field)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{field} = {value!r}: expected a finite number >= 0")

    @property
    def within_group(self) -> bool:
        """Whether group laws know it: see ``WITHIN_GROUP``."""
        return self.name in WITHIN_GROUP and self.whiten is None

    @property
    def is_plain(self) -> bool:
        """Whether advantages are linear in the rewards: moments then have a closed form."""
        return self.name in ("mean_baseline", "leave_one_out") and self.whiten is None


def check_group_size(group_size: int) -> None:
    """A group needs two members, or nothing is relative; raises ValueError, also beyond 10^9."""
    if not 2 <= group_size <= MAX_GROUP_SIZE:
        raise ValueError(
            f"group_size = {abridged(group_size)}: expected at least 2, at most {MAX_GROUP_SIZE}"
        )


def deviations(rewards: Float[Array, " N"]) -> Float[Array, " N"]:
    """R_i - m, exactly 0 among equal rewards, in float32 too.

    The mean of eight times 1.9 is not 1.9 in float32; the mean of eight zeros is 0. So the first
    reward is taken off before the mean is.
    """
    from_first = rewards - rewards[0]
    return from_first - from_first.mean()


@partial(jax.jit, static_argnames="inside")
def inverse_sd(
    spread: Float[Array, "..."],
    freedom: GroupSize | Float[Array, "..."],
    eps: int | float | Float[Array, ""],
    inside: bool = False,
) -> Float[Array, "..."]:
    """1/(sd + eps), sd^2 = ``spread``/``freedom``, and 0 where sd = 0, whatever eps is.

    Such a group carries no signal. ``inside``: 1/sqrt(sd^2 + eps).
    """
    # Double where: sqrt has no derivative at 0, and 1/0 must not be formed.
    varied = spread > 0
    square = jnp.where(varied, spread, 1.0) / freedom
    sd = jnp.sqrt(square + eps) if inside else jnp.sqrt(square) + eps
    return jnp.where(varied, 1 / sd, 0.0)


def scale(
    spread: Float[Array, "..."], count: GroupSize, estimator: Estimator
) -> Float[Array, "..."]:
    """What a deviation is multiplied by, given the sum of squared deviations of ``count`` members.

    Of one group's composite rewards, or of one component's. Raises ValueError for estimators that
    are not of ``WITHIN_GROUP``.
    """
    if estimator.name not in WITHIN_GROUP:
        raise ValueError(f"estimator = {estimator.name!r}: expected one of {WITHIN_GROUP}")
    if estimator.name == "mean_baseline":
        return jnp.ones_like(spread)
    if estimator.name == "leave_one_out":
        return jnp.full_like(spread, count / (count - 1))
    return inverse_sd(spread, count - estimator.ddof, estimator.eps)


def group_advantages(rewards: Float[Array, " G"], estimator: Estimator) -> Float[Array, " G"]:
    """Advantages of one group from its composite rewards (theory section 1); G >= 2.

    For the first three estimators. Equal composites must be equal floats: take them from
    ``TAMDP.class_composite``. Raises ValueError for a group of one, and for other estimators.
    """
    check_group_size(rewards.shape[0])
    centred = deviations(rewards)
    return centred * scale(jnp.square(centred).sum(), rewards.shape[0], estimator)


def component_advantages(
    vectors: Float[Array, "G K"],
    weights: Float[Array, " K"],
    estimator: Estimator,
    present: Bool[Array, "G K"] | None = None,
) -> Float[Array, " G"]:
    """sum_k w_k (r_ik - m_k)/(sd_k + eps) of one group; 0 for all where components cancel.

    ``present``: a reward that is not is left out of its row's sum and of the moments.
    """
    check_group_size(vectors.shape[0])
    there = jnp.ones(vectors.shape, bool) if present is None else present
    count = there.sum(0)
    first = jnp.take_along_axis(vectors, there.argmax(0)[None], 0)
    from_first = jnp.where(there, vectors - first, 0.0)
    mean = from_first.sum(0) / jnp.maximum(count, 1)
    centred = jnp.where(there, from_first - mean[None], 0.0)
    freedom = jnp.maximum(count - estimator.ddof, 1).astype(vectors.dtype)
    per_sd = inverse_sd(jnp.square(centred).sum(0), freedom, estimator.eps)
    scales = weights.astype(vectors.dtype) * per_sd
    advantages, size = centred @ scales, jnp.abs(centred) @ scales
    # What rounding leaves is no signal: whitened by a small sd it would be one of size 1. A
    # deviation and an sd are right to G + 2 roundings each, a sum over components to K.
    roundings = 2 * vectors.shape[0] + vectors.shape[1] + 4
    noise = roundings * jnp.finfo(vectors.dtype).eps * size.max()
    return jnp.where((jnp.abs(advantages) <= noise).all(), 0.0, advantages)
