"""Polynomials in Bernstein form whose coefficients are data: one compilation for all group sizes.

Raising the degree changes no polynomial: the new coefficients are hypergeometric means of the old
ones, c'_j = sum_i C(n,i) C(N-n,j-i)/C(N,j) c_i, sums of positive numbers without cancellation.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray
from scipy.special import comb

from grpo_checks.theory.numbers.tracing import named


def elevated(values: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Coefficients (degree + 1,) of the same polynomial. Raises ValueError for a lower degree."""
    n = len(values) - 1
    if degree < n:
        raise ValueError(f"degree = {degree}: expected at least {n}, that of the polynomial")
    old, new = np.arange(n + 1)[None], np.arange(degree + 1)[:, None]
    share = comb(n, old) * comb(degree - n, new - old) / comb(degree, new)
    return np.asarray(share @ values)


@named("bernstein")
def bernstein(values: Float[Array, " N"], p: Float[Array, "..."]) -> Float[Array, "..."]:
    """sum_j C(n,j) p^j (1-p)^(n-j) values_j, n = N - 1; for p in [0, 1] of any shape."""
    n = values.shape[0] - 1
    p = jnp.asarray(p)[..., None]
    one = jnp.ones((*p.shape[:-1], 1))
    up, down = (
        jnp.concatenate([one, jnp.cumprod(jnp.repeat(x, n, -1), -1)], -1) for x in (p, 1 - p)
    )
    return jnp.einsum("...j,j->...", up * down[..., ::-1], comb(n, np.arange(n + 1)) * values)
