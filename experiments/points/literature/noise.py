"""L.mse and L.baseline at rational points: one prompt, groups listed."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.reading import group_size_of, one_prompt
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.falsifier.statement import gap
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.points.literature.one_prompt import (
    Arrays,
    Shape,
    arrays,
    dimension,
    model,
)
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, agree, compare
from grpo_checks.theory.rational.choices.choice import full_gradient, full_value
from grpo_checks.theory.rational.choices.noise import Noise, noise
from grpo_checks.theory.rational.choices.update import norm2, update

LARGEST_GROUP = 16


def decide_mse(document: Document, mutant: str | None) -> Decision:
    """E|g - grad J|^2 of `leave_one_out` by listing groups, against pairs of episodes."""
    size = group_size_of(document, LARGEST_GROUP)
    of = one_prompt(document)
    law, slope = update(of, size, UNBIASED), full_gradient(of)
    bias = norm2([m - x for m, x in zip(law.mean, slope, strict=True)])
    moments = noise(of.kinds[0], of.weights)
    expected = moments.oracle / size if mutant == "no remainder" else moments.error(size)
    return agree(law.variance + bias, expected)


def baselines(document: Document) -> tuple[Noise, fmpq]:
    """The moments of the error, with the best baseline that one prompt has; and its value."""
    of = one_prompt(document)
    return noise(of.kinds[0], of.weights), full_value(of)


def decide_baseline(document: Document, mutant: str | None) -> Decision:
    """The oracle's error, times G, is at most that of the best constant baseline."""
    moments, value = baselines(document)
    note = f"{moments.oracle} with the value {value} as baseline, {moments.best} with "
    return compare(moments.oracle, moments.best, note + str(moments.baseline))


def _moments(of: Arrays) -> tuple[jax.Array, jax.Array, jax.Array]:
    """R - J, |s|^2 and |grad J|^2."""
    centred = of.reward - of.policy @ of.value
    slope = (of.chance * centred) @ of.score
    return centred, jnp.sum(of.score**2, -1), slope @ slope


def _mse_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    of, size = arrays(x, shape), shape.option
    centred, squares, slope = _moments(of)
    a = of.chance @ (centred**2 * squares) - slope
    away = jnp.sum((of.score[:, None] - of.score[None]) ** 2, -1)
    pairs = (centred[:, None] - centred[None]) ** 2 * away
    b = of.chance @ pairs @ of.chance / 4 - slope
    member = np.array(list(product(range(len(of.chance)), repeat=size)))
    reward = of.reward[member]
    advantage = (reward - reward.mean(1, keepdims=True)) * size / (size - 1)
    g = jnp.einsum("gi,gin->gn", advantage, of.score[member]) / size
    error = jnp.prod(of.chance[member], 1) @ jnp.sum(g**2, 1) - slope
    return gap(((size - 2) * a + 2 * b) / (size * (size - 1)), error)


def _baseline_ratio(x: jax.Array, shape: Shape) -> jax.Array:
    of = arrays(x, shape)
    centred, squares, slope = _moments(of)
    shift = of.chance @ (centred * squares) / (of.chance @ squares)
    oracle, best = (of.chance @ ((centred - c) ** 2 * squares) - slope for c in (0.0, shift))
    return (oracle + 1e-12) / (jnp.maximum(best, 0.0) + 1e-12)


SHAPES = (Shape(2, False), Shape(2, True), Shape(3, False), Shape(3, True))
MSE = Exact(
    decide_mse,
    Search(
        (Shape(2, False, 2), Shape(2, True, 3), Shape(3, False, 3)),
        dimension,
        _mse_ratio,
        lambda x, shape, n: {**model(x, shape, n), "group_size": shape.option},
    ),
    smaller_choice,
)
BASELINE = Exact(decide_baseline, Search(SHAPES, dimension, _baseline_ratio, model), smaller_choice)
