"""How a trainer's loss weighs the tokens of a batch: what a decision's score is multiplied by.

A token is a decision of the policy; the response of a tool is none. With B prompts of G episodes,
g = sum_i A_i c_i s_i over all episodes, s_i the sum of the scores of the l_i decisions of one.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

AggregationName = Literal[
    "episode_sum", "constant", "sequence_mean", "token_mean", "micro_token_mean"
]


@dataclass(frozen=True)
class Aggregation:
    """c_i, the weight of an episode's score.

    - ``episode_sum``: 1/(BG)
    - ``constant``: 1/(BG M), M the longest episode that is allowed
    - ``sequence_mean``: 1/(BG l_i)
    - ``token_mean``: 1/N, N the sum of all l of the batch
    - ``micro_token_mean``: 1/(n N_i), where the batch is shuffled and cut into n micro-batches, N_i
      the sum of all l of that of episode i

    ``length_offset``: tokens of an episode besides its decisions, 1 where an end-of-text token
    counts. ``micro_batch``: episodes of a micro-batch. Raises ValueError for an unknown name,
    another offset than 0 or 1, and micro-batches without a size or a size without them.
    """

    name: AggregationName = "episode_sum"
    length_offset: int = 0
    micro_batch: int | None = None

    def __post_init__(self) -> None:
        if self.name not in get_args(AggregationName):
            raise ValueError(
                f"aggregation = {self.name!r}: expected one of {get_args(AggregationName)}"
            )
        if self.length_offset not in (0, 1):
            raise ValueError(f"length_offset = {self.length_offset!r}: expected 0 or 1")
        expected = "at least 1" if self.name == "micro_token_mean" else f"None for {self.name}"
        if (self.name == "micro_token_mean") is not ((self.micro_batch or 0) >= 1):
            raise ValueError(f"micro_batch = {self.micro_batch!r}: expected {expected}")

    @property
    def within_episode(self) -> bool:
        """Whether c_i depends on episode i alone."""
        return self.name not in ("token_mean", "micro_token_mean")

    def micro_batches(self, episodes: int) -> int:
        """n of a batch; 1 where it is not cut. Raises ValueError where sizes do not divide."""
        size = episodes if self.micro_batch is None else self.micro_batch
        if episodes % size:
            raise ValueError(
                f"micro_batch = {size}: expected a divisor of the {episodes} episodes of a batch"
            )
        return episodes // size

    def weights(
        self,
        decisions: Float[Array, " N"],
        share: Float[Array, " N"],
        horizon: int,
        order: Int[Array, " N"] | None = None,
    ) -> Float[Array, " N"]:
        """c_i, from the numbers of decisions and the weights of ``episode_sum``.

        ``horizon``: the largest number of decisions that is allowed; ``order``: of the episodes
        when they are cut into micro-batches. Raises ValueError where these are no equal parts.
        """
        length = decisions + self.length_offset
        if self.name == "episode_sum":
            return share
        if self.name == "constant":
            return share / (horizon + self.length_offset)
        # What is padding alone has no score: its weight need only be finite.
        if self.name == "sequence_mean":
            return share / jnp.maximum(length, 1)
        if order is not None:
            dealt = (share * length)[order].reshape(self.micro_batches(order.shape[0]), -1)
            parts = (
                jnp.zeros_like(share)
                .at[order]
                .set(jnp.repeat(len(dealt) * dealt.sum(1), dealt.shape[1]))
            )
            return share / jnp.where(parts > 0, parts, 1)
        if self.micro_batch is not None:
            raise ValueError(f"order = None: expected that of the episodes for {self.name}")
        tokens = (share * length).sum()
        return share / jnp.where(tokens > 0, tokens, 1)


EPISODE_SUM = Aggregation()
