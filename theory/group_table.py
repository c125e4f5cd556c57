"""What an engine of the group law delivers, and what it looks like."""

from typing import NamedTuple

import equinox as eqx
from jaxtyping import Array, Float


class AdvantageMoments(NamedTuple):
    """Moments of advantages jointly with the rewards of one or two members; V rewards."""

    mean: Float[Array, " V"]
    """E[A_1 1{r_1 = v}] = p(v) h(v)."""
    square: Float[Array, " V"]
    """E[A_1^2 1{r_1 = v}]."""
    cross: Float[Array, "V V"]
    """E[A_1 A_2 1{r_1 = v, r_2 = u}]."""
    mass: Float[Array, ""]
    """Total probability of the groups summed over: 1 up to rounding."""


class Table(eqx.Module):
    """A precomputed sum over groups of G members: everything that does not depend on the policy."""

    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """For rewards with probabilities ``law`` (sum 1); jit-able, differentiable."""
        raise NotImplementedError
