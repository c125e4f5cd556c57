"""Advantages against the code of real trainers, and exact zeros where a group carries no signal."""

import json
from fractions import Fraction
from functools import cache

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest
from helpers.batches.recorded import CASES, DATA, preset_name

from grpo_checks.theory.estimators.advantages import (
    Estimator,
    check_group_size,
    group_advantages,
)
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.numbers.rationals import to_fraction
from grpo_checks.theory.rules.presets import PRESETS, preset

ROWS = json.loads((DATA / "zero_variance_float32.json").read_text())["rows"]
# TRL's Bessel factor is float32 even on float64 input: the file's own reason for 1e-6.
ATOL = 1e-6

ELSEWHERE = ("verl-opo", "verl-gpg", "verl-remax", "verl-passk", "maxrl")
ESTIMATORS = [
    Estimator("mean_baseline"),
    Estimator("leave_one_out"),
    *(Estimator("group_normalized", d, e) for d in (0, 1) for e in (0.0, 1e-4)),
]


# Estimators are static: all requests to one preset, or for one precision, are one program.
_batches = jax.jit(lambda batches, e: [batch_advantages(b, e) for b in batches], static_argnums=1)
_groups = jax.vmap(group_advantages, (0, None))


def _label(case):
    return f"{case['id']}-{case['library']}-{'-'.join(map(str, case['options'].values()))}"


def _composite(row, weights):
    """Exact, so that equal sums are equal floats; a null is left out of the sum."""
    pairs = [(w, r) for w, r in zip(weights, row, strict=True) if r is not None]
    return float(sum((to_fraction("w", w) * to_fraction("r", r) for w, r in pairs), Fraction(0)))


def _earned(case):
    rows, g = case["rewards"], case["group_size"]
    composites = np.array([_composite(row, case["weights"]) for row in rows])
    vectors = np.array([[0 if r is None else r for r in row] for row in rows], float)
    present = np.array([[r is not None for r in row] for row in rows])
    k = vectors.shape[1]
    return BatchRewards(
        composites.reshape(-1, g),
        vectors.reshape(-1, g, k),
        np.array(case["weights"], float),
        present.reshape(-1, g, k),
    )


@cache
def _ours(name):
    """The advantages of all cases of a preset, by label."""
    cases = [case for case in CASES if preset_name(case) == name]
    batches = [_earned(case) for case in cases]
    advantages = _batches(batches, preset(name).rule.estimator)
    return dict(zip(map(_label, cases), map(np.ravel, advantages), strict=True))


@pytest.mark.parametrize("case", CASES, ids=_label)
def test_presets_reproduce_the_libraries(case):
    """The definitions are those of the trainers, not merely like them: all 140 cases."""
    ours = _ours(preset_name(case))[_label(case)]
    np.testing.assert_allclose(ours, case["advantages"], atol=ATOL, rtol=0)


def test_every_preset_and_every_kind_of_case_is_covered():
    """A rule that silently skipped a library would pass: count what it meets."""
    assert len(CASES) == len(set(map(_label, CASES))) == 140
    recorded = {preset(preset_name(case)).rule.estimator for case in CASES}
    # These are compared with their definitions, in test_whitening and test_trainers_advantages.
    others = {name for name, p in PRESETS.items() if p.rule.estimator not in recorded}
    assert others == {
        "verl-reinforce++-baseline", "openrlhf-reinforce_baseline", "torchrl", *ELSEWHERE
    }  # fmt: skip
    with_null = {preset_name(c) for c in CASES if any(None in row for row in c["rewards"])}
    assert with_null == {"trl", "trl-batch", "trl-gdpo", "dr_grpo"}


def test_presets_state_the_constants_of_their_trainers():
    """Divisor and eps of a preset are those recorded with its cases."""
    for case in CASES:
        estimator, options = preset(preset_name(case)).rule.estimator, case["options"]
        if not estimator.is_plain:
            assert estimator.ddof == options["ddof"]
            assert estimator.eps == options["epsilon"]
        whiten = options.get("batch_epsilon", options.get("whiten_epsilon_inside_sqrt"))
        assert estimator.whiten == whiten


def test_unknown_preset():
    """The known ones are listed."""
    with pytest.raises(ValueError, match=r"preset = .grpo.: expected one of .*trl-gdpo"):
        preset("grpo")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rewards_give_exactly_zero(dtype):
    """Rounding noise divided by eps is a gradient; libraries leave up to 0.97 here."""
    rewards = []
    for size in {row["G"] for row in ROWS} | {8}:
        values = sorted({row["v"] for row in ROWS if row["G"] == size} | {1.9})
        rewards.append(np.full((len(values), size), np.array(values, dtype)[:, None], dtype))
    every = jax.jit(lambda sizes: [_groups(r, e) for r in sizes for e in ESTIMATORS])
    observed = every(rewards)
    assert len(observed) == len(rewards) * len(ESTIMATORS)
    for advantages in map(np.asarray, observed):
        assert advantages.dtype == dtype
        assert (advantages == 0).all()


@cache
def _silent(dtype):
    """Advantages of a batch of equal rewards, by preset."""
    shapes = (2, 8), (2, 8, 2), (2,)
    composites, vectors, greedy = (np.full(n, 1.9, dtype) for n in shapes)
    earned = BatchRewards(composites, vectors, np.array([0.7, 0.3]), greedy=greedy)
    estimators = [preset(name).rule.estimator for name in PRESETS]
    every = jax.jit(lambda batch: [batch_advantages(batch, e) for e in estimators])(earned)
    return dict(zip(PRESETS, map(np.asarray, every), strict=True))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_silent_batch_gives_exactly_zero(name, dtype):
    """Every preset, also those that scale by the whole batch."""
    advantages = _silent(dtype)[name]
    assert advantages.dtype == dtype
    assert (advantages == 0).all()


def test_zero_variance_rows_break_the_naive_formula():
    """Each row has teeth: a float32 mean, added up in order, leaves a remainder."""
    for row in ROWS:
        rewards = np.full(row["G"], row["v"], np.float32)
        mean = np.cumsum(rewards, dtype=np.float32)[-1] / np.float32(row["G"])
        assert rewards[0] != mean
        assert row["trl"] != 0


def test_silent_group_does_not_break_derivatives():
    """sqrt has no derivative at 0; a NaN here would spread through every exact quantity."""
    slope = jax.jit(jax.jacobian(lambda r: group_advantages(r, ESTIMATORS[2])))
    assert np.isfinite(slope(np.full(4, 0.7))).all()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_shift_and_scale(estimator):
    """Relative: a shift changes nothing; a scale multiplies, or is divided out when eps = 0."""
    rewards = np.random.default_rng(0).normal(size=(50, 6))
    scaled = Estimator(estimator.name, estimator.ddof, 2.5 * estimator.eps)
    requests = (1, 0, estimator), (1, 3.7, estimator), (-2.5, 0, scaled)
    every = jax.jit(lambda r: [_groups(a * r + b, e) for a, b, e in requests])
    plain, shifted, grown = map(np.asarray, every(rewards))
    np.testing.assert_allclose(shifted, plain, atol=1e-12)
    np.testing.assert_allclose(plain.sum(1), 0, atol=1e-12)
    factor = -1 if estimator.name == "group_normalized" else -2.5
    np.testing.assert_allclose(grown, factor * plain, atol=1e-12)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("estimator", "grpo", "mean_baseline"),
        ("ddof", 2, "0 or 1"),
        ("ddof", -1, "0 or 1"),
        ("eps", -1e-9, ">= 0"),
        ("eps", float("nan"), "finite"),
        ("eps", float("inf"), "finite"),
        ("whiten", -1.0, ">= 0"),
    ],
)
def test_bad_estimators_are_refused(monkeypatch, field, value, expected):
    """A silent default would train something else than was asked for."""
    # Outside the tests no hook checks types first.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    options = {"name": "group_normalized", "name" if field == "estimator" else field: value}
    with pytest.raises(ValueError, match=f"{field} = {value!r}: expected .*{expected}"):
        Estimator(**options)


def test_group_of_one_is_refused():
    """Nothing is relative in a group of one; G/(G-1) would divide by zero."""
    with pytest.raises(ValueError, match="group_size = 1: expected at least 2"):
        group_advantages(jnp.ones(1), ESTIMATORS[1])
    with pytest.raises(ValueError, match="group_size = 0: expected at least 2"):
        check_group_size(0)
