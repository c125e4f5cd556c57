"""Large groups at one decision: a std-normalised advantage as two integrals of a power.

For numbers R_1..R_G with mean m and standard deviation sd > 0, and any v,

    (v - m)/sd = (2/pi) int_0^oo s ds int dx (v - x) exp(-(s^2/G) sum_i (R_i - x)^2),

since sum_i (R_i - x)^2 = G sd^2 + G (x - m)^2, the integral over x is (v - m) sqrt(pi)/s exp(-s^2
sd^2), and int exp(-s^2 sd^2) ds = sqrt(pi)/(2 sd). The right side is 0 for v = m, sd = 0, as the
advantage of a silent group is. It is a product over members, so that for rewards of one law p

    E[A_1 | R_1 = v] = (2/pi) int s ds int dx (v - x) e_v(s, x) (sum_u p(u) e_u(s, x))^(G-1),
    e_u(s, x) = exp(-(s^2/G) (u - x)^2)

(derived): eps = 0, ddof = 0. The cost does not grow with G, while the counts of
``group_field`` are (G-1+V over V-1). The trapezoidal rule over x is right to exp(-(pi/h)^2) for
steps h/s; over s rewards are whole numbers up to ``span``, so that sd >= sqrt(G-1)/G, and what lies
beyond s = ``REACH``/sd is erfc(REACH) of the whole.
"""

from math import pi, sqrt
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

SPACING, TAIL, REACH = 0.6, 6.0, 5.0
"""h; how many 1/s beyond the rewards x goes; and see above. Errors are 1e-12 each at most."""
PANELS, ORDER = 3.0, 12
"""Ratio of the ends of the intervals over s, and Gauss-Legendre points in each."""


class Nodes(NamedTuple):
    """Of the double integral."""

    s: Float[np.ndarray, " N"]
    x: Float[np.ndarray, " N"]
    weight: Float[np.ndarray, " N"]


def nodes(group_size: int, span: int) -> Nodes:
    """For rewards among 0..``span``."""
    points, weights = np.polynomial.legendre.leggauss(ORDER)
    end = REACH * group_size / sqrt(group_size - 1)
    count = int(np.ceil(np.log(end * span) / np.log(PANELS)))
    ends = np.concatenate([[0.0], end * PANELS ** np.arange(-count, 1.0)])
    middle, half = (ends[1:] + ends[:-1]) / 2, np.diff(ends) / 2
    s = (middle[:, None] + half[:, None] * points[None]).reshape(-1)
    ds = (half[:, None] * weights[None]).reshape(-1)
    planes = []
    for at, width in zip(s, ds, strict=True):
        step = SPACING / at
        x = np.arange(-TAIL / at, span + TAIL / at, step)
        planes.append(Nodes(np.full_like(x, at), x, np.full_like(x, 2 / pi * at * step * width)))
    return Nodes(*(np.concatenate(parts) for parts in zip(*planes, strict=True)))


class Integrand(NamedTuple):
    """Of one model."""

    kernel: Float[Array, "N V"]
    """e_v."""
    moment: Float[Array, "N V"]
    """(v - x) e_v, weighted."""


def integrand(at: Nodes, rewards: Float[Array, " V"], group_size: int) -> Integrand:
    """``rewards``: whole numbers; a unit of reward cancels in (v - m)/sd."""
    difference = rewards[None] - jnp.asarray(at.x)[:, None]
    kernel = jnp.exp(-jnp.square(jnp.asarray(at.s)[:, None] * difference) / group_size)
    return Integrand(kernel, jnp.asarray(at.weight)[:, None] * difference * kernel)


def expected_advantages(
    at: Integrand, law: Float[Array, " V"], group_size: int
) -> Float[Array, " V"]:
    """E[A_1 | R_1 = v], of a group whose rewards follow ``law``."""
    return (at.kernel @ law) ** (group_size - 1) @ at.moment
