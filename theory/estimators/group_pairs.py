"""Group law of `componentwise_normalized` for two-valued components, by pairs of them.

A component's normalised rewards depend on its count of successes alone, so the moments of a sum
over components need the joint law of two counts (n_k, n_l) at a time: a lattice of at most
(G-1)^2 points, whatever the number of reward vectors (derived).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, GroupSize, scale
from grpo_checks.theory.estimators.group_table import AdvantageMoments, Table, varied_chance
from grpo_checks.theory.estimators.lattice import Lattice, lattice, lattice_law
from grpo_checks.theory.estimators.silent_mixtures import Mixtures, silent_mixtures

CELLS = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
"""Success of components k and l of one member."""


class PairTable(Table):
    """V reward vectors of K two-valued components."""

    group_size: GroupSize
    success: Int[Array, "V K"]
    gap: Float[Array, " K"]
    """Distance of a component's two rewards; 0 if it has one."""
    weights: Float[Array, " K"]
    lattice: Lattice
    counts: Int[Array, " n"]
    """0, 1, 2, ...: numbers of successes in a group."""
    mixtures: Mixtures | None
    """Groups in which components cancel; None: too many to look for."""
    estimator: Estimator = eqx.field(static=True)

    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """Sums over pairs of components of what two members' counts give."""
        k = self.gap.shape[0]
        first, second = (jnp.asarray(i).reshape(-1) for i in np.indices((k, k)))
        parts = jax.vmap(lambda a, b: self._pair(law, a, b))(first, second)
        mean, square, cross, mass = jax.tree.map(lambda x: x.sum(0), parts)
        # A mean over pairs counts each component once for every partner.
        return AdvantageMoments(mean / k, square, cross, mass / k**2)

    def speaking_chance(self, law: Float[Array, " V"]) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """By difference: right to a few roundings of the chance that rewards differ."""
        varied, silent = varied_chance(law, self.group_size)
        if self.mixtures is None:
            return varied, silent
        cancel = self.mixtures.chance(law)
        speak = jnp.where(self.mixtures.all_silent, 0.0, jnp.maximum(varied - cancel, 0.0))
        return speak, silent + cancel

    @property
    def tells_silence(self) -> bool:
        """Unless groups in which components may cancel are too many."""
        return self.mixtures is not None

    def _normalized(self, component: Int[Array, ""]) -> Float[Array, "2 n"]:
        """w (r - m)/(sd + eps) of a failure and of a success, by the group's count 0..G."""
        g, gap = self.group_size, self.gap[component]
        count = self.counts
        # Whole numbers: 0 exactly in a silent group. Counts above G do not occur.
        spread = jnp.maximum(count * (g - count), 0) / g * gap**2
        unit = gap * self.weights[component] * scale(spread, g, self.estimator)
        return (jnp.arange(2)[:, None] - count[None] / g) * unit[None]

    def _pair(
        self, law: Float[Array, " V"], k: Int[Array, ""], other: Int[Array, ""]
    ) -> AdvantageMoments:
        """What components k and ``other`` contribute; v, u: two members, (a, b) and (c, d)."""
        cell = 2 * self.success[:, k] + self.success[:, other]
        member = jax.nn.one_hot(cell, 4, dtype=law.dtype)
        chance = law @ member
        others = lattice_law(self.lattice, chance, self.group_size - 2)
        point = self.lattice.point
        mine, theirs = self._normalized(k), self._normalized(other)
        both = jnp.arange(2)
        # z[reward, other member's reward, point]: a count includes both members.
        count = point[:, 0][None, None] + (both[:, None] + both[None])[:, :, None]
        first = mine[both[:, None, None], count]
        count = point[:, 1][None, None] + (both[:, None] + both[None])[:, :, None]
        second = theirs[both[:, None, None], count]
        mean = jnp.einsum("n,acn->ac", others, first)[:, None, :, None]
        product = jnp.einsum("n,acn,bdn->abcd", others, first, second)
        cross = jnp.einsum("n,acn,dbn->abcd", others, first, second)
        mean = jnp.broadcast_to(mean, product.shape).reshape(4, 4) @ chance
        paired = member @ cross.reshape(4, 4) @ member.T * law[:, None] * law[None]
        square = member @ (product.reshape(4, 4) @ chance)
        return AdvantageMoments(member @ mean * law, square * law, paired, others.sum())


def entries(n_values: int, n_components: int, group_size: int) -> int:
    """Numbers in the largest array."""
    points = (group_size - 1) ** 2
    return n_components**2 * max(16 * points, n_values**2)


def operations(n_components: int, group_size: int) -> int:
    """About how many, to choose between engines."""
    return n_components**2 * (group_size - 1) ** 2 * (4 * group_size + 32)


def is_two_valued(columns: NDArray[np.float64]) -> bool:
    """Whether no component has more than two rewards; ``columns (V,K)``."""
    return all(len(np.unique(column)) <= 2 for column in columns.T)


def pair_table(
    columns: NDArray[np.float64],
    weights: NDArray[np.float64],
    group_size: int,
    estimator: Estimator,
    room: int,
) -> PairTable:
    """``columns (V,K)``: the reward vectors; ``room`` >= G."""
    low, high = columns.min(0), columns.max(0)
    paid, range_, weight = jax.device_put(((columns > low).astype(int), high - low, weights))
    cells, counts = lattice(CELLS, room - 2), jax.device_put(np.arange(room + 1))
    mixtures = silent_mixtures(columns, weights, group_size, estimator, room)
    return PairTable(group_size, paid, range_, weight, cells, counts, mixtures, estimator)
