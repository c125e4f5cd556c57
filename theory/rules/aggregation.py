"""How a trainer's loss weighs the tokens of a batch: what a decision's score is multiplied by.

A token is a decision of the policy; the response of a tool is none. With B prompts of G episodes,
g = sum_i A_i c_i s_i over all episodes, s_i the sum of the scores of the l_i decisions of one.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import jax.numpy as jnp
from jaxtyping import Array, Float

AggregationName = Literal["episode_sum", "constant", "sequence_mean", "token_mean"]


@dataclass(frozen=True)
class Aggregation:
    """c_i, the weight of an episode's score.

    - ``episode_sum``: 1/(BG)
    - ``constant``: 1/(BG M), M the longest episode that is allowed
    - ``sequence_mean``: 1/(BG l_i)
    - ``token_mean``: 1/N, N the sum of all l of the batch

    ``length_offset``: tokens of an episode besides its decisions, 1 where an end-of-text token
    counts. Raises ValueError for an unknown name or another offset than 0 or 1.
    """

    name: AggregationName = "episode_sum"
    length_offset: int = 0

    def __post_init__(self) -> None:
        if self.name not in get_args(AggregationName):
            raise ValueError(
                f"aggregation = {self.name!r}: expected one of {get_args(AggregationName)}"
            )
        if self.length_offset not in (0, 1):
            raise ValueError(f"length_offset = {self.length_offset!r}: expected 0 or 1")

    @property
    def within_episode(self) -> bool:
        """Whether c_i depends on episode i alone."""
        return self.name != "token_mean"

    def weights(
        self, decisions: Float[Array, " N"], share: Float[Array, " N"], horizon: int
    ) -> Float[Array, " N"]:
        """c_i, from the numbers of decisions and the weights of ``episode_sum``.

        ``horizon``: the largest number of decisions that is allowed.
        """
        length = decisions + self.length_offset
        if self.name == "episode_sum":
            return share
        if self.name == "constant":
            return share / (horizon + self.length_offset)
        # What is padding alone has no score: its weight need only be finite.
        if self.name == "sequence_mean":
            return share / jnp.maximum(length, 1)
        tokens = (share * length).sum()
        return share / jnp.where(tokens > 0, tokens, 1)


EPISODE_SUM = Aggregation()
