"""A search for the instance and the first-order point on which T2.kappa is tightest.

One decision with three calls, two components. A first-order point is built in: with p its values
and h_k = w_k c_G(p_k) the gradient of Jtilde, two calls lie on the line h (J - p) = 0 on either
side of p, which mixes them, and the third does not rise above it. So phi = 0 for all parameters:
p, h, how far the calls reach, and the third call.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import NDArray

from grpo_checks.theory.convergence.decomposition_gap import kappa_factor
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.updates.rounding import accumulated

N_PARAMETERS = 7
STEPS = 16
"""Roundings on the way to a call's value along the line, and to its sum over two components."""
RATE = 0.03


class Found(NamedTuple):
    """A first-order point: of its model and of itself all that T2.kappa needs."""

    calls: Float[Array, "3 K"]
    success: Float[Array, " K"]
    weights: Float[Array, " K"]
    response: Float[Array, " K"]

    @property
    def ratio(self) -> Float[Array, ""]:
        """gap over the bound of T2.kappa."""
        gap = (self.calls @ self.weights).max() - self.success @ self.weights
        # Where the responses are equal there is neither gap nor bound.
        return gap / jnp.maximum(self.bound, 1e-12)

    @property
    def bound(self) -> Float[Array, ""]:
        """Of T2.kappa."""
        reach = jnp.abs(self.calls - self.success[None]).max(0)
        factor = kappa_factor(self.response.max() / self.response.min())
        return factor * (self.weights @ reach)

    @property
    def error(self) -> Float[Array, ""]:
        """Of ``ratio``: what rounding leaves of phi and of the terms of the gap, over the bound."""
        unequal = self.response.max() / self.response.min()
        terms = 2 * (1 + unequal) * (self.weights @ self.calls.max(0))
        off = jnp.abs(self.residual) / self.response.min() + accumulated(STEPS) * terms
        return off / jnp.maximum(self.bound, 1e-12)

    @property
    def residual(self) -> Float[Array, ""]:
        """phi: 0 by construction."""
        return ((self.calls - self.success[None]) @ (self.weights * self.response)).max()


def built(parameters: Float[Array, " 7"], coefficients: Float[Array, " N"]) -> Found:
    """Any seven numbers as a model with a first-order point; c_G by its Bernstein coefficients."""
    unit = jax.nn.sigmoid(parameters)
    success = 0.002 + 0.996 * unit[:2]
    steep = jnp.stack([unit[2], 1 - unit[2]])
    along = jnp.stack([steep[1], -steep[0]])
    # The farthest steps along the line, either way, that stay in the unit square.
    room = jnp.where(along > 0, 1 - success, success) / jnp.abs(along)
    back = jnp.where(along > 0, success, 1 - success) / jnp.abs(along)
    steps = jnp.stack([unit[3] * room.min(), -unit[4] * back.min()])
    third = success * unit[5:7]
    calls = jnp.concatenate([success[None] + steps[:, None] * along[None], third[None]])
    response = bernstein(coefficients, success)
    return Found(calls, success, steep / response, response)


def tightest(
    key: PRNGKeyArray, coefficients: NDArray[np.float64], restarts: int, n_steps: int
) -> tuple[Found, Float[Array, " R"]]:
    """Gradient ascent on gap/bound from random starts: where each ended, and its ratio before."""
    c = jnp.asarray(coefficients)
    optimizer = optax.adam(RATE)
    loss = lambda x: -jnp.log(built(x, c).ratio)  # noqa: E731

    def one(start: Float[Array, " 7"]) -> Float[Array, " 7"]:
        def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
            at, state = carry
            updates, state = optimizer.update(jax.grad(loss)(at), state)
            return (optax.apply_updates(at, updates), state), None

        return jax.lax.scan(step, (start, optimizer.init(start)), None, length=n_steps)[0][0]

    starts = 1.5 * jax.random.normal(key, (restarts, N_PARAMETERS))
    ends = jax.jit(jax.vmap(one))(starts)
    view = jax.vmap(lambda x: built(x, c))
    return view(ends), jax.vmap(lambda f: f.ratio)(view(starts))
