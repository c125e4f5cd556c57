"""Slopes: finite-sample limits of means enclose them, for laws that deceive an estimated error."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from grpo_checks.experiments.models.averages import Average, Sampled
from grpo_checks.experiments.models.constants import multiple
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.protocol.claim import Scope
from grpo_checks.experiments.runs.slopes import (
    WINDOW,
    Fall,
    cell,
    fit_weights,
    flattening_weights,
    judge_window,
)
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import gradient
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.potential import potential_value

LENGTHS = np.array([100.0, 1000.0, 10_000.0])
NORMALIZED, DECOMPOSED = Estimator("group_normalized"), Estimator("componentwise_normalized")
QUICK = Scope("quick")


def _average(values, high):
    seen = Sampled(np.asarray(values, float), 0.0, high)
    return Average(seen, seen)


def test_weights_are_those_of_the_statistics():
    """Least squares as in scipy; no flattening of a power law, some of one with a floor."""
    means = np.exp(np.random.default_rng(0).normal(size=3))
    fitted = stats.linregress(np.log(LENGTHS), np.log(means)).slope
    assert fit_weights(LENGTHS) @ np.log(means) == pytest.approx(fitted, rel=1e-12)
    weights = flattening_weights(LENGTHS)
    assert weights @ np.log(3 * LENGTHS**-0.5) == pytest.approx(0, abs=1e-14)
    assert weights @ np.log(LENGTHS**-0.5 + 0.01) < -0.05


def test_limits_cover_and_narrow_with_seeds():
    """Power laws with exact slope and independent noise in [0, 4] times their mean."""
    rng, widths = np.random.default_rng(0), []
    for seeds in (512, 8192):
        means = LENGTHS**-0.5
        observed = Fall(
            fit_weights(LENGTHS),
            tuple(_average(m * 4 * rng.beta(4, 12, seeds), 4 * m) for m in means),
        )
        low, high = observed.limits(0.001)
        assert low < -0.5 < high
        widths.append(high - low)
        levels = observed.window(-0.55, -0.45)
        assert (levels.holds <= 0.001) == (low >= -0.55 and high <= -0.45)
        assert observed.above(low) == pytest.approx(0.001, rel=0.02)
        assert observed.below(high) == pytest.approx(0.001, rel=0.02)
    assert widths[1] < 0.3 * widths[0]


def test_rare_runs_do_not_deceive():
    """1024 seeds of which each succeeds with chance .001, slope 0: exactly, by their counts.

    The levels at which the slope is certain to be off 0 are at most a with chance at most a.
    """
    counts, two = np.arange(12), np.array([100.0, 1000.0])
    chance = stats.binom.pmf(counts, 1024, 0.001)
    seen = [_average(np.repeat([1.0, 0.0], [k, 1024 - k]), 1.0) for k in counts]
    for level in (2.4e-5, 0.05):
        missed = 1 - chance.sum() ** 2
        for i, j in product(counts, counts):
            low, high = Fall(fit_weights(two), (seen[i], seen[j])).limits(level)
            missed += chance[i] * chance[j] * (not low <= 0 <= high)
        assert missed <= level


class Asked:
    """An average that counts the chances to be wrong that were asked of it."""

    mean, spent = 1.0, 0.0

    def limits(self, level):
        """One lower and one upper limit."""
        self.spent += 2 * level
        return 0.5, 2.0


@pytest.mark.parametrize("count", [2, 4, 6])
def test_all_limits_together_have_the_level(count):
    """Any of them may be wrong: their chances add up to that of the slope, and none is wasted."""
    averages = tuple(Asked() for _ in range(count))
    low, high = Fall(fit_weights(10.0 ** np.arange(count)), averages).limits(0.001)
    assert low < 0 < high
    assert sum(seen.spent for seen in averages) == pytest.approx(0.001, rel=1e-12)


@pytest.mark.parametrize(
    ("limits", "verdict"),
    [
        ((-0.55, -0.45), "holds"),
        ((-0.60, -0.46), "inconclusive"),
        ((-0.54, -0.40), "inconclusive"),
        ((-0.70, -0.56), "refuted"),
        ((-0.44, -0.10), "refuted"),
    ],
)
def test_a_window_has_two_sides(limits, verdict):
    """Outside is outside on either."""
    assert judge_window(*limits, WINDOW) == verdict


def test_levels_of_a_window_need_both_sides():
    """Far from one edge and at the other a slope is not known to lie inside, nor outside."""
    rng = np.random.default_rng(2)
    averages = tuple(_average(m * 4 * rng.beta(4, 12, 2048), 4 * m) for m in LENGTHS**-0.5)
    observed = Fall(fit_weights(LENGTHS), averages)
    at = observed.value
    for low, high in ((at - 9, at), (at, at + 9)):
        assert observed.window(low, high).holds > 0.1
        assert observed.window(low, high).refuted > 0.1
    for low, high in ((at - 9, at - 1), (at + 1, at + 9)):
        assert observed.window(low, high).refuted < 1e-6 < observed.window(low, high).holds
    assert observed.window(at - 1, at + 1).holds < 1e-6


def test_constant_averages_decide_nothing():
    """All seeds alike, all 0 included: wide limits, and a level of 1."""
    for value in (0.0, 0.01):
        observed = Fall(
            fit_weights(LENGTHS), tuple(_average(np.full(20, value), 1.0) for _ in "abc")
        )
        low, high = observed.limits(0.001)
        assert low < -0.5 < 0.5 < high
        assert observed.window(-0.05, 0.05) == (1.0, 1.0, False)


@pytest.mark.parametrize(
    ("estimator", "size", "objective", "expected"),
    [
        (UNBIASED, 8, "reward", 1.0),
        (Estimator("mean_baseline"), 4, "reward", 0.75),
        (NORMALIZED, 2, "reward", 1.0),
        (NORMALIZED, 3, "reward", 2**0.5),
        (NORMALIZED, 8, "reward", None),
        (DECOMPOSED, 8, "potential", 1.0),
        (DECOMPOSED, 8, "reward", None),
    ],
)
def test_the_mean_update_is_a_multiple_of_the_gradient(estimator, size, objective, expected):
    """At policies near and far; where it is not, the ratio differs from one to the next."""
    (run,) = cell(size, QUICK, estimator, objective, lengths=(100,))
    assert multiple(run) == (expected and pytest.approx(expected, rel=1e-14))
    _, mdp, policy, *_ = build(run.instance)
    law = exact_law(run.instance, size, estimator)
    climbed = lambda t: potential_value(mdp, policy, t, size, estimator)  # noqa: E731
    slope = jax.grad(climbed) if objective == "potential" else lambda t: gradient(mdp, policy, t)
    ratio = jax.vmap(lambda at: update_moments(mdp, policy, at, law).mean[0] / slope(at)[0])
    ratios = jax.jit(ratio)(jnp.array([[-3.0], [-0.5], [0.4]]))
    if expected is None:
        assert max(ratios) > 1.05 * min(ratios)
    else:
        np.testing.assert_allclose(ratios, expected, rtol=1e-12)
