"""Advantages against the code of real trainers, and exact zeros where a group carries no signal."""

import json
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from theory.advantages import Estimator, check_group_size, group_advantages
from theory.rationals import to_fraction

DATA = Path(__file__).parents[1] / "data"
CASES = json.loads((DATA / "grpo_advantages.json").read_text())["cases"]
ROWS = json.loads((DATA / "zero_variance_float32.json").read_text())["rows"]
# TRL's Bessel factor is float32 even on float64 input: the file's own reason for 1e-6.
ATOL = 1e-6

NAMES = {
    "none": "mean_baseline",
    "dr_grpo": "mean_baseline",
    "rloo": "leave_one_out",
    "group": "group_normalized",
    "group_norm": "group_normalized",
}
ESTIMATORS = [
    Estimator("mean_baseline"),
    Estimator("leave_one_out"),
    *(Estimator("group_normalized", d, e) for d in (0, 1) for e in (0.0, 1e-4)),
]


def _name(case):
    """Which of the three estimators a library's options ask for; None if another one."""
    library, options = case["library"], case["options"]
    if library == "trl":
        aggregated = options["multi_objective_aggregation"] == "sum_then_normalize"
        return NAMES.get(options["scale_rewards"]) if aggregated else None
    if library == "openrlhf":
        return NAMES[options["estimator"]]
    if library == "visual-arft":
        return "group_normalized"
    if library == "verl" and options["adv_estimator"] == "grpo":
        return "group_normalized" if options["norm_adv_by_std_in_grpo"] else "mean_baseline"
    return NAMES.get(options.get("adv_estimator"))


def _label(case):
    return f"{case['id']}-{case['library']}-{'-'.join(map(str, case['options'].values()))}"


COVERED = [c for c in CASES if _name(c)]


def _composite(row, weights):
    """Exact, so that equal sums are equal floats; a null is left out of the sum."""
    pairs = [(w, r) for w, r in zip(weights, row, strict=True) if r is not None]
    return float(sum((to_fraction("w", w) * to_fraction("r", r) for w, r in pairs), Fraction(0)))


def _estimator(case):
    options = case["options"]
    return Estimator(_name(case), options.get("ddof", 0), options.get("epsilon") or 0.0)


def _groups(case):
    composites = [_composite(row, case["weights"]) for row in case["rewards"]]
    return np.array(composites).reshape(-1, case["group_size"])


@pytest.mark.parametrize("case", COVERED, ids=_label)
def test_reproduces_the_libraries(case):
    """The definitions are those of the trainers, not merely like them."""
    estimator = _estimator(case)
    ours = jax.vmap(lambda r: group_advantages(r, estimator))(jnp.asarray(_groups(case)))
    np.testing.assert_allclose(ours.reshape(-1), case["advantages"], atol=ATOL, rtol=0)


def test_which_library_cases_are_covered():
    """A rule that silently skipped everything would pass: count what it keeps and leaves out."""
    left_out = {(c["library"], _rule(c["options"])) for c in CASES if not _name(c)}
    assert len(COVERED) == 96
    assert len(CASES) == 140
    assert left_out == {
        ("trl", "scale_rewards=batch"),
        ("trl", "normalize_then_sum"),
        ("verl", "gdpo"),
        ("nvlabs-gdpo-trl", "gdpo"),
    }


def _rule(options):
    """Why the three estimators cannot express a case."""
    if options.get("scale_rewards") == "batch":
        return "scale_rewards=batch"
    if options.get("apply_gdpo") or options.get("adv_estimator") == "gdpo":
        return "gdpo"
    return options.get("multi_objective_aggregation", "unexplained")


def test_nulls_are_covered():
    """The one semantics of a missing reward that these estimators have, in both scalings."""
    with_null = [c for c in COVERED if any(None in row for row in c["rewards"])]
    assert {_name(c) for c in with_null} == {"group_normalized", "mean_baseline"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_rewards_give_exactly_zero(dtype):
    """Rounding noise divided by eps is a gradient; libraries leave up to 0.97 here."""
    every = jax.jit(jax.vmap(lambda r: jnp.stack([group_advantages(r, e) for e in ESTIMATORS])))
    for size in {row["G"] for row in ROWS} | {8}:
        values = sorted({row["v"] for row in ROWS if row["G"] == size} | {1.9})
        rewards = jnp.full((len(values), size), np.array(values, dtype)[:, None], dtype)
        advantages = every(rewards)
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
    slope = jax.jacobian(lambda r: group_advantages(r, ESTIMATORS[2]))(jnp.full(4, 0.7))
    assert jnp.isfinite(slope).all()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=str)
def test_shift_and_scale(estimator):
    """Relative: a shift changes nothing; a scale multiplies, or is divided out when eps = 0."""
    rewards = jnp.asarray(np.random.default_rng(0).normal(size=(50, 6)))
    advantage = jax.vmap(lambda r: group_advantages(r, estimator))
    plain = advantage(rewards)
    np.testing.assert_allclose(advantage(rewards + 3.7), plain, atol=1e-12)
    np.testing.assert_allclose(plain.sum(1), 0, atol=1e-12)
    scaled = Estimator(estimator.name, estimator.ddof, 2.5 * estimator.eps)
    grown = jax.vmap(lambda r: group_advantages(r, scaled))(-2.5 * rewards)
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
