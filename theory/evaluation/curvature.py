"""Gradient and Hessian of the exact value as moments of listed episodes.

**Contrast** (arXiv:2510.08539, "gradient gap"; our formalisation, and two lines of algebra): for a
binary reward with chance p, grad p = E[r s] and E[s] = 0, hence
grad p = p(1-p) (E[s | r=1] - E[s | r=0]).

**Curvature** (arXiv:2601.23135; our formalisation). With M = s s^T + Hess log pi, E[M] = 0 and
Hess J = E[(R-mu) M]. Cauchy-Schwarz gives, sigma the standard deviation of R,

    |Hess J|_F <= sigma sqrt(E |M|_F^2)      in Frobenius norms,
    |Hess J|_2 <= sigma sqrt(E |M|_2^2)      in spectral norms, by |x·M·x| <= |M|_2.

With one logit and two answers M = (1-2p)(r-p): both are equalities.
"""

from typing import Any, Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.evaluation.episode_listing import Floats, Listing

Norm = Literal["spectral", "Frobenius"]


def contrast(listed: Listing, event: Floats) -> Floats:
    """E[s | r=1] - E[s | r=0], (n,), for the binary reward ``event (C,)`` of each reward class.

    Raises ValueError where the reward is certain.
    """
    earned, p = event[listed.reward_class], listed.probability
    if not min(p @ earned, p @ (1 - earned)) > 0:
        raise ValueError(f"p = {p @ earned}: expected a chance of success in (0, 1)")
    return np.asarray(score_contrast(p, earned, listed.score))


def score_contrast(probability: Any, earned: Any, score: Any) -> Any:
    """E[s | r=1] - E[s | r=0], (n,), of N episodes that earn 0 or 1 (N,), with scores (N, n).

    In NumPy or JAX, whatever the arrays are.
    """
    weight = probability * earned
    # Not 1 - p, which has no digits next to certainty.
    other = probability - weight
    return weight @ score / weight.sum() - other @ score / other.sum()


def matrix_norm(matrix: Floats, norm: Norm) -> float:
    """Of a symmetric matrix."""
    return float(np.linalg.norm(matrix, 2 if norm == "spectral" else "fro"))


def square_norm(matrix: Any, norm: Norm) -> Any:
    """|M|^2 of a symmetric matrix that annihilates (1, ..., 1), in JAX.

    Spectral: the other eigenvalues of a 3x3 one are (t +- sqrt(2q - t^2))/2, t = tr M, q = tr M^2.
    Raises ValueError for a larger one.
    """
    trace, square = jnp.trace(matrix), jnp.sum(matrix**2)
    if norm == "Frobenius":
        return square
    if len(matrix) > 3:
        raise ValueError(f"actions = {len(matrix)}: expected at most 3 for spectral norms")
    squared_gap = 2 * square - trace**2
    # Two eigenvalues may be one; a root has no slope at zero.
    root = jnp.where(squared_gap > 0, jnp.sqrt(jnp.where(squared_gap > 0, squared_gap, 1.0)), 0.0)
    return (jnp.abs(trace) + root) ** 2 / 4


class CurvatureMoments(NamedTuple):
    """What the bound on the Hessian consists of, for one prompt."""

    deviation: float
    """sigma_r."""
    root_mean_square: dict[Norm, float]
    """sqrt(E |M|^2)."""
    hessian: Floats
    """E[(R - mu) M], (n, n)."""

    def bound(self, norm: Norm) -> float:
        """sigma sqrt(E |M|^2)."""
        return self.deviation * self.root_mean_square[norm]


def curvature_moments(listed: Listing) -> CurvatureMoments:
    """By one pass over the episodes."""
    n = listed.score.shape[1]
    hessian, squares = np.zeros((n, n)), {"spectral": 0.0, "Frobenius": 0.0}
    for p, r, m in zip(listed.probability, listed.centred, listed.curvatures(), strict=True):
        hessian += p * r * m
        # Outside the parameters that an episode meets, M is zero.
        met = np.flatnonzero(m.any(0))
        block = m[np.ix_(met, met)]
        for norm in squares:
            squares[norm] += p * (matrix_norm(block, norm) ** 2 if met.size else 0.0)  # type: ignore[arg-type]
    roots = {norm: float(np.sqrt(x)) for norm, x in squares.items()}
    return CurvatureMoments(listed.deviation, roots, hessian)  # type: ignore[arg-type]
