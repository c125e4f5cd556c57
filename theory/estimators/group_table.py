"""What an engine of the group law delivers, and what it looks like."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.estimators.advantages import GroupSize
from grpo_checks.theory.numbers.centred import likeliest, share


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


class SpeakingMoments(NamedTuple):
    """Of groups that speak, some advantage not being 0; y_v = n_v A_v/G is what reward v adds."""

    chance: Float[Array, ""]
    """P(a group speaks)."""
    silent: Float[Array, ""]
    """1 - chance, with digits of its own."""
    mean: Float[Array, " V"]
    """E[y_v | speaks] = E[A_1 1{r_1 = v} | speaks]."""
    square: Float[Array, " V"]
    """E[A_1^2 1{r_1 = v} | speaks]."""
    covariance: Float[Array, "V V"]
    """Cov(y_v, y_u | speaks)."""


class Table(eqx.Module):
    """A precomputed sum over groups of G members: everything that does not depend on the policy."""

    group_size: eqx.AbstractVar[GroupSize]

    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """For rewards with probabilities ``law`` (sum 1); jit-able, differentiable."""
        raise NotImplementedError

    def speaking_chance(self, law: Float[Array, " V"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """P(some advantage is not 0), and of the contrary; as far as ``tells_silence``."""
        return varied_chance(law, self.group_size)

    @property
    def tells_silence(self) -> bool:
        """Whether all silent groups are known, not only those of equal rewards."""
        return True

    def speaking(self, law: Float[Array, " V"]) -> SpeakingMoments:
        """As above, of groups that speak.

        The covariance is here the difference of two moments: right to a few roundings of
        E[y_v y_u | speaks], with no more digits where all groups that speak are alike.
        """
        moments, g = self.moments(law), self.group_size
        chance, silent = self.speaking_chance(law)
        mean, square, cross = (
            share(x, chance) for x in (moments.mean, moments.square, moments.cross)
        )
        second = (jnp.diag(square) + (g - 1) * cross) / g
        return SpeakingMoments(chance, silent, mean, square, second - mean[:, None] * mean[None])


def varied_chance(
    law: Float[Array, "*B V"], group_size: GroupSize
) -> tuple[Float[Array, "*B"], Float[Array, "*B"]]:
    """1 - sum_v p(v)^G, the chance that G members do not all earn the same, and the sum itself.

    With the likeliest reward's 1 - p^G from the chances of the others, which may be tiny.
    """
    rest = jnp.where(likeliest(law), 0.0, law)
    varied = -jnp.expm1(group_size * jnp.log1p(-rest.sum(-1)))
    return varied - (rest**group_size).sum(-1), (law**group_size).sum(-1)
