"""Identity and bridges between joint and decomposed surrogates: enclosed, and by definition."""

import jax
import mpmath
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.losses.ratio_spread import spread_bridge
from grpo_checks.theory.losses.surrogate_gap import (
    plain_misalignment,
    scaled_misalignment,
    surrogate_gap,
)

WEIGHTS = exact(["3/4", "1/4"])
RATIOS = exact(["9/10", "11/10"])
OPPOSED = exact([[0, 1], [1, 0]])


def _enclosed(rewards, weights, ratios, ddof=0):
    one = lambda r, w, x: surrogate_gap(r, r @ w, w, x, ddof)  # noqa: E731
    return enclose(one)(rewards, weights, ratios)


def test_the_counterexample_in_numbers():
    """theory section 3: joint 1/10, decomposed 1/20, Delta 0; the true bound is 1/10."""
    gap = _enclosed(OPPOSED, WEIGHTS, RATIOS)
    numbers = (gap.joint, gap.decomposed, gap.difference, gap.bridge)
    assert numbers == (fmpq(1, 10), fmpq(1, 20), fmpq(1, 20), fmpq(1, 10))
    assert list(enclose(lambda r, w: scaled_misalignment(r, w, 0))(OPPOSED, WEIGHTS)) == [0, 0]


def test_the_corrected_bridge_is_reached():
    """Two equal components of weight 1: difference and bound are both 1/10."""
    gap = _enclosed(exact([[0, 0], [1, 1]]), exact([1, 1]), RATIOS)
    assert gap.difference == gap.bridge == fmpq(1, 10)


def test_eps_breaks_the_identity():
    """Which is exact at eps = 0 only. By hand: sd = 1/4, sd_k = 1/2, so sd Delta_1 =
    -(1/4)(5/7) + (3/8)(5/6) - (1/8)(5/6)."""
    scaled = enclose(lambda r, w, eps: scaled_misalignment(r, w, 0, eps))
    assert abs(scaled(OPPOSED, WEIGHTS, fmpq(1, 10))[0]) == fmpq(5, 168)


def test_the_factors_are_needed():
    """By hand: sd (A_1 - sum_k w_k A_1^(k)) = 1/4 (-1 + 3/4 - 1/4)."""
    assert enclose(plain_misalignment)(OPPOSED, WEIGHTS)[0] == fmpq(-1, 8)


def _drawn(seed):
    """Whose deviations are irrational."""
    rng = np.random.default_rng(seed)
    size, components = int(rng.integers(3, 7)), int(rng.integers(1, 4))
    rewards = [[f"{x}/7" for x in row] for row in rng.integers(0, 8, (size, components))]
    weights = [f"{x}/5" for x in rng.integers(1, 12, components)]
    return exact(rewards), exact(weights), exact([f"{x}/10" for x in rng.integers(5, 16, size)])


def _advantages(values, ddof):
    """By definition, to 40 digits."""
    mean = sum(values) / len(values)
    sd = mpmath.sqrt(sum((x - mean) ** 2 for x in values) / (len(values) - ddof))
    return [(x - mean) / sd if sd else mpmath.mpf(0) for x in values], sd


def _by_definition(rewards, weights, ratios, ddof):
    """Joint and decomposed surrogate, and the bridge."""
    real = lambda x: mpmath.mpf(int(x.p)) / int(x.q)  # noqa: E731
    r, w, rho = (
        [[real(x) for x in row] for row in np.atleast_2d(a)] for a in (rewards, weights, ratios)
    )
    w, rho = w[0], rho[0]
    joint, sd = _advantages([mpmath.fdot(w, row) for row in r], ddof)
    parts = [_advantages([row[k] for row in r], ddof) for k in range(len(w))]
    weighed = lambda a: mpmath.fdot(rho, a) / len(rho)  # noqa: E731
    bridge = sum(weight * abs(s / sd - 1) for weight, (_, s) in zip(w, parts, strict=True) if s)
    decomposed = sum(weight * weighed(a) for weight, (a, _) in zip(w, parts, strict=True))
    return weighed(joint), decomposed, (max(rho) - min(rho)) / 2 * bridge


@jax.jit
def _floats(rewards, weights, ratios):
    """At both divisors."""
    return [surrogate_gap(rewards, rewards @ weights, weights, ratios, ddof) for ddof in (0, 1)]


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("seed", range(10))
def test_enclosures_floats_and_the_definition(seed, ddof):
    """One function, evaluated twice, against the definition to 40 digits."""
    drawn = _drawn(seed)
    gap = _enclosed(*drawn, ddof)
    assert all(x == 0 for x in enclose(lambda r, w: scaled_misalignment(r, w, ddof))(*drawn[:2]))
    assert not gap.difference > gap.bridge
    floats = _floats(*(x.astype(float) for x in drawn))[ddof]
    with mpmath.workdps(40):
        expected = _by_definition(*drawn, ddof)
        for name, number in zip(("joint", "decomposed", "bridge"), expected, strict=True):
            enclosure = getattr(gap, name)
            assert mpmath.almosteq(mpmath.mpf(str(float(enclosure))), number, 1e-14, 1e-14)
            assert abs(float(getattr(floats, name)) - float(number)) < 1e-14
    assert abs(float(floats.difference) - float(gap.difference)) < 1e-14
    assert float(floats.misalignment) < 1e-14
    assert bool(floats.speaks)


@pytest.mark.parametrize("ddof", [0, 1])
def test_the_spread_of_ratios_by_its_definition(ddof):
    """Against NumPy's standard deviations; never above half the range, and above the difference."""
    rng = np.random.default_rng(ddof)
    compiled = jax.jit(spread_bridge, static_argnums=4), jax.jit(surrogate_gap, static_argnums=4)
    for _ in range(20):
        rewards, weights = rng.integers(0, 5, (4, 3)) / 4, rng.integers(1, 9, 3) / 4
        ratios, composite = rng.uniform(0.5, 1.5, 4), rewards @ weights
        if np.ptp(composite) == 0:
            continue
        group = tuple(map(jax.device_put, (rewards, composite, weights, ratios)))
        scales, scale = rewards.std(0, ddof=ddof), composite.std(ddof=ddof)
        unequal = weights @ np.where(scales > 0, np.abs(scales / scale - 1), 0)
        expected = (1 - ddof / 4) * ratios.std(ddof=ddof) * unequal
        bound, gap = float(compiled[0](*group, ddof)[0]), compiled[1](*group, ddof)
        assert bound == pytest.approx(expected, rel=1e-12)
        assert float(gap.difference) <= bound + 1e-15 <= float(gap.bridge) + 2e-15
