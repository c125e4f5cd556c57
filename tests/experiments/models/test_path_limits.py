"""T1.path refutes a true inequality with a chance of at most its level, by either of its limits."""

from bisect import bisect
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from grpo_checks.experiments.claims.stationarity import path as t1_path
from grpo_checks.experiments.claims.stationarity.sharp import descent, steps
from grpo_checks.experiments.models.constants import run_constants
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.theory.training.loop import STEP

LEVEL, SEEDS = 0.001, 400
RUN = RunSettings(named("conflict", components=1), 8, 1, SEEDS, step=0.5)


def _size():
    """As much as one step may bring at all."""
    c = run_constants(RUN)
    return 2 * np.sqrt(c.squared_gradient) * c.update_norm


def _result(count):
    """One step for each seed: left minus right is + ``_size`` in so many, else -, by its gain."""
    excess = _size() * np.repeat([1, -1], [count, SEEDS - count])
    columns = {name: np.zeros(SEEDS) for name in STEP} | {"gain": -excess * RUN.step / 2}
    products = np.zeros((len(STEP), len(STEP)))
    at = STEP.index("gain")
    products[at, at] = np.square(columns["gain"]).sum()
    return {**columns, "products": products}


@pytest.fixture(params=["of steps", "of runs"])
def lower(request, monkeypatch):
    """One of the two lower limits alone, with the level of the pair."""
    if request.param == "of steps":
        monkeypatch.setattr(steps, "lower_limit", lambda *_: -np.inf)
        monkeypatch.setattr(steps, "lower_level", lambda *_: 1.0)
    else:
        limit, level = steps.drift_upper_limit, steps.drift_level
        monkeypatch.setattr(
            steps, "drift_upper_limit",
            lambda n, total, *more: limit(n, total, *more) if total >= 0 else np.inf,
        )  # fmt: skip
        monkeypatch.setattr(
            steps, "drift_level",
            lambda n, total, *more: level(n, total, *more) if total >= 0 else 1.0,
        )  # fmt: skip

    def limits(count, level=LEVEL):
        low, _, levels, _ = t1_path.per_step(RUN, None).limits(RUN, _result(count), level)
        return low, levels.refuted

    return limits


def test_a_true_inequality_is_seldom_refuted(lower):
    """At its boundary, both signs with chance 1/2: exactly, by their numbers."""
    first = bisect(range(SEEDS + 1), False, key=lambda count: lower(count)[0] > 0)
    assert lower(first)[0] > 0 >= lower(first - 1)[0]
    assert 0 < binom.sf(first - 1, SEEDS, 0.5) <= LEVEL


@pytest.mark.parametrize("count", [240, 250, 260])
def test_the_level_of_a_refutation_is_that_of_the_limit(lower, count):
    """Just above it the lower limit is above 0, just below it is not."""
    level = lower(count)[1]
    assert 1e-9 < level < 0.5
    assert lower(count, 1.01 * level)[0] > 0 > lower(count, 0.99 * level)[0]


def _bent(run, curvature):
    """One step for each seed, J bent by so many times L from a slope of 1/10, V = 1/50."""
    c, step = run_constants(run), run.step
    square, variance = 0.01, 0.02
    lost = curvature * c.smoothness * step**2 / 2 * (square + variance)
    rows = {"squared_gradient": square, "squared_bias": 0.0, "variance": variance}
    rows |= {"gain": step * square - lost, "first_order_gain": step * square}
    x = np.array([rows[name] for name in STEP])
    columns = {name: np.full(run.seeds, value) for name, value in rows.items()}
    return {**columns, "products": run.seeds * np.outer(x, x)}


def test_steps_beyond_the_curvature_are_refuted():
    """T1.descent: a J that bends by 3 L is seen, one that bends by L/2 holds."""
    run = replace(RUN, seeds=20_000)
    claimed = descent.per_step(run)
    assert claimed.limits(run, _bent(run, 3.0), LEVEL)[0] > 0
    assert claimed.limits(run, _bent(run, 0.5), LEVEL)[1] < 0
