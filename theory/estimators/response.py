"""The response of std-normalised GRPO to one two-valued reward: E[g] = c_G(p) grad p.

c_G(p) = sum_j C(G-2,j) p^j (1-p)^(G-2-j) b_{j+1}, b_k = ((G-1)/G)/(sd_k + eps) and
sd_k^2 = k (G-k)/(G (G-ddof)) (arXiv:2510.13651, re-derived). b is convex and symmetric in k, hence
so is its Bernstein polynomial c_G in p: least at 1/2, largest at 0 and 1, where it is b_1. Rigorous
enclosures of the same numbers are in ``theory.rational.menus.response``.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator, check_group_size
from grpo_checks.theory.numbers.bernstein import bernstein, elevated

MAX_GROUP = 1000
"""Beyond it the binomial coefficients leave float64."""


def coefficients(group_size: int, ddof: int = 0, eps: Any = 0.0) -> Any:
    """b_1, ..., b_{G-1}: the Bernstein coefficients of c_G. Raises ValueError for a bad G.

    An array of NumPy, or of JAX where ``eps`` is traced, as it is where the formula is enclosed.
    """
    check_group_size(group_size)
    if group_size > MAX_GROUP:
        raise ValueError(f"group_size = {group_size}: expected at most {MAX_GROUP}")
    xp = jnp if isinstance(eps, jax.Array) else np
    k = xp.arange(1, group_size)
    sd = xp.sqrt(k * (group_size - k) / (group_size * (group_size - ddof)))
    # The factor is traced as a quotient too: rounded before, it would be another number.
    return xp.asarray(xp.asarray(group_size - 1) / group_size / (sd + eps))


def response(
    p: Float[Array, "..."], group_size: int, ddof: int = 0, eps: Any = 0.0
) -> Float[Array, "..."]:
    """c_G(p) for success probabilities in [0, 1], of any shape."""
    return bernstein(jnp.asarray(coefficients(group_size, ddof, eps)), p)


def potential(
    p: Float[Array, "..."], group_size: int, ddof: int = 0, eps: float = 0.0
) -> Float[Array, "..."]:
    """F_G with F_G' = c_G and F_G(0) = 0: the mean of sum_{k <= n} b_k/(G-1), n ~ Bin(G-1, p)."""
    b = coefficients(group_size, ddof, eps)
    values = np.concatenate([[0.0], np.cumsum(b)]) / (group_size - 1)
    return bernstein(jnp.asarray(values), p)


def kappa(group_size: int, ddof: int = 0, eps: float = 0.0) -> float:
    """kappa_G = max c_G / min c_G = b_1/c_G(1/2), at least 1: how unequal responses can be."""
    largest = coefficients(group_size, ddof, eps)[0]
    return float(largest / response(jnp.asarray(0.5), group_size, ddof, eps))


def response_values(group_size: int, estimator: Estimator, degree: int) -> NDArray[np.float64]:
    """c_G in Bernstein form of a ``degree`` >= G - 2 that is common to many group sizes."""
    return elevated(coefficients(group_size, estimator.ddof, estimator.eps), degree)


def is_constant(group_size: int) -> bool:
    """Whether c_G does not depend on p: all k (G-k) are equal, which is so for G = 2 and 3 only."""
    return len({k * (group_size - k) for k in range(1, group_size)}) == 1
