"""Theorem 1: how fast GRPO becomes stationary. Bounds as pure functions of numbers.

Formalises the abstract of arXiv:2604.19857 (O(1/sqrt T) with explicit group size and number of
components); the constants are derived here, not the paper's. Ascent theta' = theta + eta g with
m = E g, V its variance and eta <= 1/L gives, by the descent lemma and
<a,b> = (|a|^2 + |b|^2 - |a-b|^2)/2 at each step,

    |grad J|^2 <= 2 (E J(theta') - J(theta))/eta + |m - grad J|^2 + L eta V;

T1.path is the average of this over a run, T1.rate its value for an unbiased estimator at the best
constant step.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, "..."] | float | int


class PathTerms(NamedTuple):
    """The three terms of T1.path; their sum bounds the average of E|grad J|^2 along the run."""

    optimisation: Scalar
    bias: Scalar
    variance: Scalar

    @property
    def bound(self) -> Scalar:
        """The right-hand side of T1.path."""
        return self.optimisation + self.bias + self.variance


def path_terms(
    gain: Scalar, squared_bias: Scalar, variance: Scalar, step: Scalar, n_steps: Scalar, L: Scalar
) -> PathTerms:
    """T1.path from ``gain`` = J(theta_T) - J(theta_0) and path averages of |bias|^2 and V.

    Valid for a constant ``step`` in (0, 1/L].
    """
    return PathTerms(2 * gain / (step * n_steps), squared_bias, L * step * variance)


def rate_step(gap: Scalar, variance: Scalar, n_steps: Scalar, L: Scalar) -> Scalar:
    """eta = min(1/L, sqrt(2 gap / (L V_sup T))), with gap = J* - J(theta_0) >= 0."""
    noise = L * jnp.asarray(variance) * n_steps
    return jnp.minimum(1 / L, jnp.sqrt(2 * gap / jnp.where(noise > 0, noise, jnp.inf)))


def rate_bound(gap: Scalar, variance: Scalar, n_steps: Scalar, L: Scalar) -> Scalar:
    """T1.rate: 2 L gap/T + sqrt(8 L gap V_sup / T), for the average of E|grad J|^2."""
    return 2 * L * gap / n_steps + jnp.sqrt(8 * L * gap * variance / n_steps)
