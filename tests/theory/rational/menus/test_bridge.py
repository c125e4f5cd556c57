"""Identity and bridges between joint and decomposed surrogates, enclosed and in floats."""

import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq

from grpo_checks.theory.losses.surrogate_gap import surrogate_gap
from grpo_checks.theory.numbers.balls import magnitude
from grpo_checks.theory.rational.menus.bridge import parse_group, scaled_misalignment, surrogates

OPPOSED = {
    "rewards": [[0, 1], [1, 0]],
    "weights": ["3/4", "1/4"],
    "ratios": ["9/10", "11/10"],
}
EQUAL = {**OPPOSED, "rewards": [[0, 0], [1, 1]], "weights": [1, 1]}


def _drawn(seed, ddof):
    """Whose deviations are irrational."""
    rng = np.random.default_rng(seed)
    size, components = int(rng.integers(3, 7)), int(rng.integers(1, 4))
    return {
        "rewards": [[f"{x}/7" for x in row] for row in rng.integers(0, 8, (size, components))],
        "weights": [f"{x}/5" for x in rng.integers(1, 12, components)],
        "ratios": [f"{x}/10" for x in rng.integers(5, 16, size)],
        "ddof": ddof,
    }


def test_the_counterexample_in_numbers():
    """theory section 3: joint 1/10, decomposed 1/20, Delta 0; the true bound is 1/10."""
    group = parse_group(OPPOSED)
    assert surrogates(group) == (fmpq(1, 10), fmpq(1, 20), 0, fmpq(1, 10))
    assert scaled_misalignment(group) == [0, 0]


def test_the_corrected_bridge_is_reached():
    """Two equal components of weight 1: difference and bound are both 1/10."""
    found = surrogates(parse_group(EQUAL))
    assert found.difference == found.bridge == fmpq(1, 10)


def test_eps_breaks_the_identity():
    """Which is exact at eps = 0 only. By hand: sd = 1/4, sd_k = 1/2, so sd Delta_1 =
    -(1/4)(5/7) + (3/8)(5/6) - (1/8)(5/6)."""
    first = scaled_misalignment(parse_group(OPPOSED), fmpq(1, 10))[0]
    assert magnitude(first) == fmpq(5, 168)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("seed", range(10))
def test_floats_are_enclosed(seed, ddof):
    """The vectorised form, made of the advantages that training uses."""
    document = _drawn(seed, ddof)
    group = parse_group(document)
    exact = surrogates(group)
    assert exact.misalignment == 0
    assert not exact.difference > exact.bridge
    floats = [np.array([[float(x) for x in row] for row in group.rewards])]
    floats += [np.array([float(x) for x in part]) for part in (group.weights, group.ratios)]
    rewards, weights, ratios = map(jnp.asarray, floats)
    found = surrogate_gap(rewards, rewards @ weights, weights, ratios, ddof)
    assert abs(float(found.difference) - float(exact.difference)) < 1e-14
    assert abs(float(found.bridge) - float(exact.bridge)) < 1e-14
    assert float(found.misalignment) < 1e-14
    assert bool(found.speaks)


def test_silent_groups_are_refused():
    """sd = 0 has no joint advantage."""
    with pytest.raises(ValueError, match="expected sd > 0"):
        surrogates(parse_group({**OPPOSED, "weights": [1, 1]}))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("rewards", [[0, 2], [1, 0]], r"rewards\[0\]\[1\] = 2: expected a reward in"),
        ("rewards", [[0, 1]], "rewards: 1 rows"),
        ("weights", [1, 0], r"weights\[1\] = 0: expected a number > 0"),
        ("weights", [1], r"rewards: 2 rows of \[2\]"),
        ("ratios", ["x", 1], r"ratios\[0\] = 'x'"),
        ("ddof", 2, "ddof = 2: expected a whole number in 0..1"),
        ("rewards", None, "rewards = None: expected a list"),
    ],
)
def test_bad_documents_name_what_is_wrong(field, value, message):
    """The field, and where in it."""
    with pytest.raises(ValueError, match=message):
        parse_group({**OPPOSED, field: value})
