"""When is decomposing rewards beneficial? The ascent that one update guarantees.

With mean m, variance V and a step eta, J rises in expectation by at least
eta <grad J, m> - eta^2 L (|m|^2 + V)/2. The best step is <grad J, m>/(L (|m|^2 + V)), if that is
positive, and guarantees e/(2L), e = max(0, <grad J, m>)^2 / (|m|^2 + V) (derived); no step does
where the product is negative. Of two estimators on one policy the one with the larger e guarantees
more: L cancels, and so does any constant factor in an estimator. Which gains more is T2.benefit.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.updates.moments import UpdateMoments


class Ascent(NamedTuple):
    """What one update can do for J."""

    along: Float[Array, "..."]
    """<grad J, m>."""
    square: Float[Array, "..."]
    """E|g|^2 = |m|^2 + V."""

    @property
    def efficiency(self) -> Float[Array, "..."]:
        """e; 0 for an update that is always 0."""
        moves = self.square > 0
        # In this order: the square of a tiny product underflows before e does.
        ratio = self.along / jnp.where(moves, self.square, 1.0) * self.along
        return jnp.where(moves & (self.along > 0), ratio, 0.0)

    def best_step(self, smoothness: Float[Array, "..."] | float) -> Float[Array, "..."]:
        """The step that guarantees most, e/(2L); 0 where none guarantees anything."""
        safe = jnp.where(self.square > 0, self.square, 1.0)
        return jnp.maximum(self.along, 0.0) / (smoothness * safe)


def ascent(moments: UpdateMoments) -> Ascent:
    """From the exact moments of one update."""
    along = moments.gradient @ moments.mean
    return Ascent(along, jnp.square(moments.mean).sum() + moments.variance)
