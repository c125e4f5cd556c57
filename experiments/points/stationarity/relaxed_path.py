"""Runs on a log-odds line with real rewards, all paths listed in JAX: what falsifiers climb on."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray
from scipy.special import comb

from grpo_checks.experiments.falsifier.building import sure
from grpo_checks.experiments.falsifier.rounding import near, near_positive, proportions
from grpo_checks.theory.estimators.response import potential, response

GRID = np.linspace(-12, 12, 241)
"""Logits at which J* is looked for."""
SMALLEST = 1e-3
"""eta L."""


class Space(NamedTuple):
    """One shape: slopes of the prompts, run length, group size, estimator; rewards free or 0, 1."""

    slopes: tuple[int, ...]
    steps: int
    group_size: int = 2
    estimator: str = "leave_one_out"
    binary: bool = False


class Point(NamedTuple):
    """A vector cut into its parts."""

    start: Any
    rho: Float[Array, " Q"]
    first: Float[Array, " Q"]
    """Reward of the first action; of the second."""
    second: Float[Array, " Q"]
    share: Any
    """eta L."""


def dimension(space: Space) -> int:
    """How many real numbers."""
    return 2 + (1 if space.binary else 3) * len(space.slopes)


@partial(jax.jit, static_argnums=1, inline=True)
def parts(x: Any, space: Space) -> Point:
    """From a vector."""
    n = len(space.slopes)
    ones = jnp.ones(n)
    free = (ones, 0 * ones) if space.binary else jax.nn.sigmoid(2 * x[2 + n :].reshape(2, n))
    # Not arbitrarily small: gains are divided by it.
    share = SMALLEST + (1 - SMALLEST) * jax.nn.sigmoid(x[1])
    return Point(x[0], jax.nn.softmax(x[2 : 2 + n]), free[0], free[1], share)


class Run(NamedTuple):
    """As ``theory.rational.lines.chain.Averages``."""

    squared_gradient: Any
    squared_bias: Any
    variance: Any
    gain: Any


def _shape_of(space: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of a group with k or G-k first actions, k <= G/2: how it pulls, and the ways to get k."""
    g, k = space.group_size, np.arange(space.group_size + 1)
    pull = k * (g - k) / g**2
    if space.estimator == "leave_one_out":
        pull = pull * g / (g - 1)
    elif space.estimator != "mean_baseline":
        pull = np.sqrt(pull)
    return pull, comb(g, k)


def _value(at: Point, space: Space, logit: Any) -> Any:
    """J, or with binary rewards Jtilde."""
    p = jax.nn.sigmoid(logit * jnp.array(space.slopes, float))
    if space.binary:
        return potential(p, space.group_size) @ at.rho
    return (at.second + p * (at.first - at.second)) @ at.rho


def best(at: Point, space: Space) -> Any:
    """sup J, nearly."""
    return jax.vmap(lambda logit: _value(at, space, logit))(jnp.asarray(GRID)).max()


def largest_curvature(at: Point, space: Space) -> Any:
    """kappa of ``theory.rational.lines.curvature``."""
    squares = jnp.square(jnp.array(space.slopes, float))
    return at.rho @ (squares * jnp.abs(at.first - at.second)) / (6 * np.sqrt(3))


def start_value(at: Point, space: Space) -> Any:
    """J, or with binary rewards Jtilde, at the start."""
    return _value(at, space, at.start)


def _step(at: Point, space: Space, logit: Any) -> tuple[Any, Any, Any]:
    """At one policy: values of the update and their chances, (Q, G+1), and what is summed."""
    pull, ways = (jnp.asarray(x)[None] for x in _shape_of(space))
    difference, slopes, g = at.first - at.second, jnp.array(space.slopes, float), space.group_size
    normalised = space.estimator in ("group_normalized", "componentwise_normalized")
    size = difference / jnp.abs(difference) if normalised else difference
    jumps = (at.rho * slopes * size)[:, None] * pull
    p, k = jax.nn.sigmoid(logit * slopes), jnp.arange(g + 1.0)[None]
    q = jax.nn.sigmoid(-logit * slopes)
    chance = ways * p[:, None] ** k * q[:, None] ** (g - k)
    mean = (chance * jumps).sum(1)
    variance = (chance * (jumps - mean[:, None]) ** 2).sum()
    worth = response(p, g) if space.binary else jnp.ones_like(p)
    gradient = (worth * p * q) @ (at.rho * slopes * difference)
    measured = jnp.stack([gradient**2, (mean.sum() - gradient) ** 2, variance])
    return jumps, chance, measured


def run(at: Point, space: Space, step: Any) -> Run:
    """Expectations over all paths; with binary rewards of Jtilde."""
    logits, mass, sums = at.start[None], jnp.ones(1), jnp.zeros(3)
    for _ in range(space.steps):
        jumps, chance, measured = jax.vmap(lambda x: _step(at, space, x))(logits)
        sums += mass @ measured
        # Prompts are independent, given where the step began.
        for q in range(len(space.slopes)):
            shape = (len(jumps), *(1,) * q, -1)
            logits = logits[..., None] + step * jumps[:, q].reshape(shape)
            mass = mass[..., None] * chance[:, q].reshape(shape)
        logits, mass = logits.reshape(-1), mass.reshape(-1)
    gain = mass @ jax.vmap(lambda x: _value(at, space, x))(logits) - start_value(at, space)
    squared, bias, variance = sums / space.steps
    return Run(squared, bias, variance, gain)


def document(x: NDArray[np.float64], space: Space, n: int) -> dict[str, Any]:
    """The nearest line model with odds and denominators up to ``n``."""
    at = jax.tree.map(np.asarray, parts(x, space))
    shares = proportions(at.rho, n)
    prompts = [
        {"share": s, "slope": f, "actions": [sure(near(a, n)), sure(near(b, n))]}
        for s, f, a, b in zip(shares, space.slopes, at.first, at.second, strict=True)
    ]
    settings = {"group_size": space.group_size, "steps": space.steps, "weights": [1]}
    return {
        **settings,
        "odds": near_positive(np.exp(np.clip(at.start, -12, 12)), n),
        "prompts": prompts,
    }
