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

from typing import Literal, NamedTuple

import numpy as np

from grpo_checks.theory.evaluation.episode_listing import Floats, Listing

Norm = Literal["spectral", "Frobenius"]


def contrast(listed: Listing, event: Floats) -> Floats:
    """E[s | r=1] - E[s | r=0], (n,), for the binary reward ``event (C,)`` of each reward class.

    Raises ValueError where the reward is certain.
    """
    weight = listed.probability * event[listed.reward_class]
    other = listed.probability - weight
    # Not 1 - p, which has no digits next to certainty.
    if not min(weight.sum(), other.sum()) > 0:
        raise ValueError(f"p = {weight.sum()}: expected a chance of success in (0, 1)")
    return weight @ listed.score / weight.sum() - other @ listed.score / other.sum()


def matrix_norm(matrix: Floats, norm: Norm) -> float:
    """Of a symmetric matrix."""
    return float(np.linalg.norm(matrix, 2 if norm == "spectral" else "fro"))


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
