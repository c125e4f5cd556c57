"""Where falsifiers look for T1.rate, T1.path, T1.surrogate and their sharper forms: short runs on a
few prompts."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.rounding import near_positive
from grpo_checks.experiments.falsifier.smaller import smaller_run
from grpo_checks.experiments.points.stationarity import deep, paths, relaxed_path, sharp_runs
from grpo_checks.experiments.points.stationarity.relaxed_path import (
    Space,
    best,
    dimension,
    largest_curvature,
    parts,
    run,
    start_value,
)
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.convergence.descent import descent_bound, sharp_rate
from grpo_checks.theory.convergence.stationarity import path_terms, rate_bound, rate_step
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.estimators.response import potential as climbed


def _path_ratio(x: Any, space: Space) -> Any:
    at = parts(x, space)
    smoothness = max(f * f for f in space.slopes) / 4
    step = at.share / smoothness
    averages = run(at, space, step)
    terms = path_terms(
        averages.gain, averages.squared_bias, averages.variance, step, space.steps, smoothness
    )
    return averages.squared_gradient / terms.bound


def _rate_ratio(x: Any, space: Space) -> Any:
    at = parts(x, space)
    smoothness, within = (max(f * f for f in space.slopes) / 4,) * 2
    if space.binary:
        smoothness *= float(coefficients(space.group_size)[0])
        top = climbed(jnp.asarray(1.0), space.group_size)
    else:
        top, within = best(at, space), within / space.group_size
    gap = jnp.maximum(top - start_value(at, space), 1e-9)
    numbers = (gap, jnp.square(at.rho).sum() * within, space.steps, smoothness)
    return run(at, space, rate_step(*numbers)).squared_gradient / rate_bound(*numbers)


def _descent_ratio(x: Any, space: Space) -> Any:
    at = parts(x, space)
    step = at.share / (max(f * f for f in space.slopes) / 4)
    averages = run(at, space, step)
    means = (averages.gain, averages.squared_gradient, averages.variance)
    bound = descent_bound(*means, step, space.steps, largest_curvature(at, space))
    return averages.squared_gradient / bound


def _sharp_ratio(x: Any, space: Space) -> Any:
    at = parts(x, space)
    step = at.share / (max(f * f for f in space.slopes) / 4)
    averages, gap = run(at, space, step), best(at, space) - start_value(at, space)
    numbers = (jnp.maximum(gap, 1e-9), averages.variance, step, space.steps)
    return averages.squared_gradient / sharp_rate(*numbers, largest_curvature(at, space))


def _step_document(x: NDArray[np.float64], space: Space, n: int) -> Document:
    share = near_positive(float(parts(x, space).share), n)
    return {**relaxed_path.document(x, space, n), "step_share": share}


def _path_document(x: NDArray[np.float64], space: Space, n: int) -> Document:
    return {**_step_document(x, space, n), "estimator": space.estimator}


def _at_the_rate(decide: Callable[..., Decision], *choices: Space) -> Exact:
    search = Search(choices, dimension, _rate_ratio, relaxed_path.document)
    return Exact(decide, search, smaller_run)


RATE = _at_the_rate(
    paths.decide_rate,
    *(Space((1, -2), 1), Space((1, -2), 2), Space((1,), 2), Space((1, -1), 1, 4)),
).with_deep(deep.RATE.exact())
SURROGATE = _at_the_rate(
    paths.decide_surrogate,
    *(
        Space(slopes, steps, g, "componentwise_normalized", True)
        for slopes, steps, g in (((1, -2), 1, 2), ((1, -2), 2, 3), ((1,), 2, 4))
    ),
)
PATH = Exact(
    paths.decide_path,
    Search(
        choices=(
            Space((1, -2), 1),
            Space((1, -2), 2, 2, "mean_baseline"),
            Space((1, -2), 1, 2, "group_normalized"),
            Space((1,), 2, 4, "group_normalized"),
        ),
        dimension=dimension,
        ratio=_path_ratio,
        document=_path_document,
    ),
    smaller_run,
    changes=paths.changes(paths.LOWERED),
)
UNBIASED_SPACES = (Space((1, -2), 1), Space((1,), 2), Space((1, -1), 1, 4))
DESCENT, SHARP_RATE = (
    Exact(
        decide,
        Search(UNBIASED_SPACES, dimension, ratio, _step_document),
        smaller_run,
        changes=paths.changes(lowered),
    )
    for decide, ratio, lowered in (
        (sharp_runs.decide_descent, _descent_ratio, sharp_runs.LESS_DESCENT),
        (sharp_runs.decide_sharp_rate, _sharp_ratio, sharp_runs.LESS_RATE),
    )
)
