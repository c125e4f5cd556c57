"""Group law of the joint estimators by the lattice of (sum R, sum R^2) of the other members.

The joint estimators depend on a group only through these two sums. Rewards are whole numbers r over
a common unit; the second coordinate is the sum of q = |r^2 - a r|/g with a and g chosen so that q
stays small: for two rewards it vanishes, for three it counts one of them (derived).
"""

from math import gcd
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, GroupSize, scale
from grpo_checks.theory.estimators.group_table import AdvantageMoments, Table
from grpo_checks.theory.estimators.lattice import Lattice, dense_size, lattice, lattice_law


class Coordinates(NamedTuple):
    """sum R^2 = linear sum r + factor sum q, in units of ``unit`` from the smallest reward."""

    steps: NDArray[np.int64]
    """(V, 2): r and q of each reward."""
    unit: int
    linear: int
    factor: int


def coordinates(numerators: NDArray[np.int64]) -> Coordinates:
    """The pair of whole numbers whose sums identify (sum R, sum R^2), as small as can be."""
    unit = gcd(*(int(n) for n in numerators - numerators.min())) or 1
    r = [int(n) // unit for n in numerators - numerators.min()]
    positive = [x for x in r if x] or [1]
    best = None
    for a in (1, min(positive), max(positive)):
        raw = [x * x - a * x for x in r]
        sign = -1 if a == max(positive) else 1
        g = gcd(*raw) or 1
        q = [sign * x // g for x in raw]
        if min(q) >= 0 and (best is None or max(q) < max(best[0])):
            best = q, a, sign * g
    assert best is not None
    q, linear, factor = best
    return Coordinates(np.array([r, q]).T, unit, linear, factor)


class SumTable(Table):
    """The lattice of the other G - 2 members, or of more; V rewards."""

    group_size: GroupSize
    lattice: Lattice
    steps: Int[Array, "V 2"]
    linear: Int[Array, ""]
    factor: Int[Array, ""]
    unit: Float[Array, ""]
    """Of composite reward, per whole number r."""
    estimator: Estimator = eqx.field(static=True)

    def moments(self, law: Float[Array, " V"]) -> AdvantageMoments:
        """The others' law once, then one pass over it for each pair of rewards."""
        others = lattice_law(self.lattice, law, self.group_size - 2)
        n = law.shape[0]
        first, second = (jnp.asarray(i) for i in np.triu_indices(n))

        def pair(indices: tuple[Int[Array, ""], Int[Array, ""]]) -> Float[Array, " 5"]:
            v, u = indices
            mine, other = self._pair(v, u)
            sums = (mine, other, mine**2, other**2, mine * other)
            return jnp.stack([others @ x for x in sums])

        a, b, aa, bb, ab = jax.lax.map(pair, (first, second)).T

        def weighted(above: Float[Array, " P"], below: Float[Array, " P"]) -> Float[Array, "V V"]:
            """P(v, u) times a function of two rewards, from its values for v <= u and v >= u."""
            table = jnp.zeros((n, n)).at[second, first].set(below).at[first, second].set(above)
            return table * law[:, None] * law[None]

        mean, square = weighted(a, b).sum(1), weighted(aa, bb).sum(1)
        return AdvantageMoments(mean, square, weighted(ab, ab), others.sum())

    def _pair(
        self, v: Int[Array, ""], u: Int[Array, ""]
    ) -> tuple[Float[Array, " N"], Float[Array, " N"]]:
        """Advantages of two members with rewards v and u, for each sum of the others."""
        g = self.group_size
        total = self.lattice.point + (self.steps[v] + self.steps[u])[None]
        linear, quadratic = total[:, 0], self.linear * total[:, 0] + self.factor * total[:, 1]
        # Whole numbers: 0 exactly where the group is silent.
        spread = (g * quadratic - linear**2) / g
        unit = self.unit * scale(self.unit**2 * spread, g, self.estimator)
        mean = linear / g
        return (self.steps[v, 0] - mean) * unit, (self.steps[u, 0] - mean) * unit


def entries(numerators: NDArray[np.int64], group_size: int) -> int:
    """An upper bound on the numbers in the largest array."""
    return dense_size(coordinates(numerators).steps, group_size - 2) * len(numerators)


def operations(numerators: NDArray[np.int64], group_size: int) -> int:
    """About how many, to choose between engines: about a quarter of the box can be reached."""
    n = len(numerators)
    return entries(numerators, group_size) // 4 * (group_size - 2 + 3 * n)


def numbers_fit(numerators: NDArray[np.int64], group_size: int) -> bool:
    """Whether G sum R^2 and (sum R)^2 are whole numbers that float64 holds exactly."""
    largest = int(coordinates(numerators).steps[:, 0].max())
    return (group_size * largest) ** 2 < 2**53


def sum_table(
    numerators: NDArray[np.int64],
    denominator: int,
    group_size: int,
    estimator: Estimator,
    room: int,
) -> SumTable:
    """``numerators (V,)`` over ``denominator``: the distinct composite rewards; ``room`` >= G."""
    steps, unit, linear, factor = coordinates(numerators)
    moves, line, times, unit = jax.device_put((steps, linear, factor, unit / denominator))
    return SumTable(group_size, lattice(steps, room - 2), moves, line, times, unit, estimator)
