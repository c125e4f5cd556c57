"""How far corr(r_k, A) in groups of G can be from its limit: bounds of order 1/G (derived).

Components are uncorrelated, in [0, 1], and vary; eps = 0, any ddof. Of a group let m, sd^2 and
c be the mean, variance and covariances with divisor G, and hatted quantities those of the group:
corr(r_k, A) is E[r_k A]/(sigma_k sqrt(E A^2)), and members being exchangeable

    joint:      E[r_k A] = E[^c_kR/^sd],                E A^2 = P(^sd > 0),
    decoupled:  E[r_k A] = sum_j w_j E[^c_kj/^sd_j],    E A^2 = sum_jl w_j w_l E[^rho_jl].

**Ratios.** Let y = ^sd^2/sd^2 of X, E y = 1 - 1/G. With x = sqrt y,
1/x = (3-y)/2 + (x-1)^2 (x+2)/(2x), and (x-1)^2 (x+2)/2 <= (y-1)^2. Since |^c/^sd| <= 1/2 of a
covariance with a reward in [0, 1],

    |E[^c/^sd] - c/sd| <= |c|/(2 sd) (1/G + 1/G^2) + sd(^c) sd(y)/(2 sd) + E(y-1)^2/2.

**Correlations of a group.** With q = x_j x_l, ^rho = ^rho q + ^rho q (1-q) + ^rho (1-q)^2, where
^rho q = ^c/(sd_j sd_l) has mean 0: |E ^rho| <= sd(^c) sqrt(E(1-q)^2)/(sd_j sd_l) + E(1-q)^2, and
E(1-q)^2 <= 2 E(1-y_j)^2 + E(1-y_l)^2/(2 sd_j^2), as x_j <= 1/(2 sd_j); likewise with j and l
exchanged. The variances of ^sd^2 and ^c are known in closed form. Two independent components, as
uncorrelated ones of two values each are, add nothing: given one, the other's order is random, so
that E[^c/^sd] and E ^rho are 0.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import NDArray

from grpo_checks.theory.estimators.group_table import varied_chance

Floats = NDArray[np.float64]


class _Pairs(NamedTuple):
    """Of K variables in groups of G; their variances are > 0."""

    covariance: Floats
    """c_jk, (K, K)."""
    noise: Floats
    """sd(^c_jk), (K, K)."""
    spread: Floats
    """E(y_k - 1)^2, (K,)."""

    @property
    def deviation(self) -> Floats:
        """sd_k."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)))


def _pairs(law: Floats, columns: Floats, size: int) -> _Pairs:
    """Var ^c = ((G-1)/G)^2 (m22/G - (G-2) c^2/(G(G-1)) + s_j^2 s_k^2/(G(G-1)))."""
    # Less the likeliest outcome first: next to certainty the differences have the digits.
    difference = columns - columns[law.argmax()]
    centred = difference - law @ difference
    weighted = law[:, None] * centred
    c, square = weighted.T @ centred, law @ centred**2
    fourth = (law[:, None] * centred**2).T @ centred**2
    g = size
    variance = fourth / g - ((g - 2) * c**2 - np.outer(square, square)) / (g * (g - 1))
    noise = (1 - 1 / g) * np.sqrt(np.maximum(variance, 0.0))
    return _Pairs(c, noise, (np.diagonal(noise) / square) ** 2 + 1 / g**2)


def _ratio_error(pairs: _Pairs, size: int, k: int, j: int) -> float:
    """Of E[^c_kj/^sd_j], r_k in [0, 1]."""
    c, sd, away = (
        abs(pairs.covariance[k, j]),
        pairs.deviation[j],
        pairs.noise[j, j] / pairs.covariance[j, j],
    )
    lost = c * (1 / size + 1 / size**2) + pairs.noise[k, j] * away
    return float(lost / (2 * sd) + pairs.spread[j] / 2)


def _group_correlation(pairs: _Pairs, j: int, k: int) -> float:
    """At least |E ^rho_jk|, for components in [0, 1]."""
    sd = pairs.deviation
    ends = [2 * pairs.spread[a] + pairs.spread[b] / (2 * sd[a] ** 2) for a, b in ((j, k), (k, j))]
    distance = min(ends)
    return float(pairs.noise[j, k] * np.sqrt(distance) / (sd[j] * sd[k]) + distance)


def _varied(law: Floats, values: Floats, size: int) -> tuple[float, float]:
    """P(^sd > 0), not all members alike, and the rest."""
    _, inverse = np.unique(values, return_inverse=True)
    varied, alike = varied_chance(jnp.asarray(np.bincount(inverse.reshape(-1), law)), size)
    return float(varied), float(alike)


def joint_distance(
    law: Float[ndarray, " C"],
    vectors: Float[ndarray, "C K"],
    composite: Float[ndarray, " C"],
    size: int,
) -> Float[ndarray, " K"]:
    """At most so far is the joint corr(r_k, A) from w_k sigma_k/sqrt(sum w_j^2 sigma_j^2).

    ``composite``: R of each class, equal floats where equal.
    """
    pairs = _pairs(law, np.concatenate([vectors, composite[:, None]], 1), size)
    sd, last = pairs.deviation, vectors.shape[1]
    limit = pairs.covariance[:last, last] / (sd[:last] * sd[last])
    root = np.sqrt(_varied(law, composite, size)[0])
    error = np.array([_ratio_error(pairs, size, k, last) for k in range(last)])
    return np.asarray(error / (sd[:last] * root) + np.abs(limit) * (1 / root - 1))


def _independent(law: Floats, columns: Floats) -> NDArray[np.bool_]:
    """(K, K): which pairs of columns are so, all being uncorrelated."""
    two = np.array([len(np.unique(column[law > 0])) <= 2 for column in columns.T])
    return np.asarray(two[:, None] & two[None] & ~np.eye(len(two), dtype=bool))


def decoupled_distance(
    law: Float[ndarray, " C"],
    vectors: Float[ndarray, "C K"],
    weights: Float[ndarray, " K"],
    size: int,
) -> Float[ndarray, " K"]:
    """Likewise of the decoupled one from w_k/sqrt(sum w_j^2); infinite where G is too small."""
    terms, n, free = _pairs(law, vectors, size), range(len(weights)), _independent(law, vectors)
    error, lost = np.zeros(len(weights)), 0.0
    for k in n:
        error[k] = sum(weights[j] * _ratio_error(terms, size, k, j) for j in n if not free[k, j])
        pairs = (j for j in n if j != k and not free[k, j])
        lost += sum(weights[j] * weights[k] * _group_correlation(terms, j, k) for j in pairs)
    silent = np.array([_varied(law, column, size)[1] for column in vectors.T])
    limit, lost = float(weights @ weights), lost + float(weights**2 @ silent)
    if lost >= limit:
        return np.full(len(weights), np.inf)
    root = np.sqrt(limit - lost)
    return np.asarray(error / (terms.deviation * root) + weights * (1 / root - 1 / np.sqrt(limit)))
