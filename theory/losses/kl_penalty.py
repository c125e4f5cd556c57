"""What one token adds to a KL penalty, and what its gradient multiplies the token's score by.

With x = log pi(a|s) - log ref(a|s): k1 = x, k2 = x^2/2, k3 = exp(-x) - 1 + x (J. Schulman,
"Approximating KL divergence"). verl's k3+ has the value of k3 and the derivative of k2.
"""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.numbers.kl import exponential_excess

KLKind = Literal["k1", "k2", "k3", "k3+"]
Numbers = Float[Array, "..."]


def k3(log_probs: Numbers, reference: Numbers) -> Numbers:
    """Non-negative estimate of KL(pi || reference) from a sample of pi: r - log r - 1."""
    return exponential_excess(reference - log_probs)


def penalty(log_probs: Numbers, reference: Numbers, kind: KLKind) -> Numbers:
    """Of one token of each; by automatic differentiation it has the slope of its kind."""
    if kind == "k3":
        return k3(log_probs, reference)
    x = log_probs - reference
    if kind == "k1":
        return x
    half = jnp.square(x) / 2
    return half if kind == "k2" else half + jax.lax.stop_gradient(k3(log_probs, reference) - half)


def slope(x: Numbers, kind: KLKind) -> Numbers:
    """d penalty / d log pi: the gradient of a token's penalty is this times its score."""
    if kind == "k1":
        return jnp.ones_like(x)
    return -jnp.expm1(-x) if kind == "k3" else x


def weighted_slope(x: Numbers, kind: KLKind) -> Numbers:
    """The same of the penalty times its token's importance ratio, divided by that ratio."""
    if kind == "k3":
        # exp(-x) - 1 + x and 1 - exp(-x) add up to x: the gradient of k2, token by token.
        return x
    zero = jnp.zeros_like(x)
    return penalty(x, zero, kind) + slope(x, kind)
