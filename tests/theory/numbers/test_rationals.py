"""Composite rewards are equal floats exactly when they are equal rationals."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import menu

from grpo_checks.theory.estimators.advantages import Estimator, group_advantages
from grpo_checks.theory.numbers.rationals import abridged, reward_classes, to_fraction


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (0.1, Fraction(1, 10)),
        (1 / 3, Fraction(1, 3)),
        ("2/7", Fraction(2, 7)),
        ("0.125", Fraction(1, 8)),
        (Fraction(5, 9), Fraction(5, 9)),
        (3, Fraction(3)),
        (np.float64(0.7), Fraction(7, 10)),
        ("0.3333333333333333", Fraction(1, 3)),
        ("1e300", Fraction(10**300)),
        (0, Fraction(0)),
        ("-0.0", Fraction(0)),
    ],
)
def test_numbers_mean_what_was_written(value, meant):
    """0.1 stands for 1/10, not for the binary fraction nearest to it."""
    assert to_fraction("x", value) == meant


@pytest.mark.parametrize(
    "value",
    [
        *(2**0.5, float("nan"), float("inf"), "a third", "1/0", None, [1], 1e-9, "1/1000003"),
        # Beyond float64; without end; not what a digit too many says; no numbers.
        *("1e400", 10**400, "-1e309", "1e999999999", "1e-9999", "9" * 101, 10**5000),
        *("1e-400", "1e-324", 5e-324, "100000000000000001/300000000000000000"),
        *(True, np.True_, [10**5000], {"p": 1}),
    ],
    ids=abridged,
)
def test_what_is_no_short_rational_is_refused(value):
    """Equal composites could not be recognised: better no model than a wrong one."""
    with pytest.raises(ValueError, match=r"x = .*: expected a"):
        to_fraction("x", value)


def test_equal_composites_are_equal_floats():
    """w = (.1, .2, .3): (1, 1, 0) and (0, 0, 1) are worth the same, but not in float64."""
    assert 0.1 + 0.2 != 0.3
    mdp = menu([[1, 1, 0], [0, 0, 1]], [0.1, 0.2, 0.3])
    assert mdp.class_composite.tolist() == [0.3, 0.3]
    assert mdp.class_numerator.tolist() == [3, 3]
    assert mdp.composite_denominator == 10
    earned = mdp.class_composite[mdp.class_index.reshape(-1)[jnp.array([0, 1, 0, 1])]]
    normalized = Estimator("group_normalized")
    assert (group_advantages(earned, normalized) == 0).all()
    added = jnp.array([0.1 + 0.2, 0.3, 0.1 + 0.2, 0.3])
    assert float(abs(group_advantages(added, normalized)).max()) > 0.9


def test_classes_against_fractions():
    """Every answer's class carries its own vector and its exact composite; classes differ."""
    rng = np.random.default_rng(0)
    rewards = rng.integers(0, 4, (40, 3))
    weights = [Fraction(1, 3), Fraction(1, 2), Fraction(7, 10)]
    mdp = menu([[Fraction(int(r), 3) for r in row] for row in rewards], weights)
    index = np.asarray(mdp.class_index).reshape(-1)
    assert len(mdp.class_composite) == len(np.unique(rewards, axis=0))
    np.testing.assert_array_equal(np.asarray(mdp.class_vector)[index], rewards / 3)
    for row, c in zip(rewards, index, strict=True):
        exact = sum(
            (w * Fraction(int(r), 3) for w, r in zip(weights, row, strict=True)), Fraction(0)
        )
        assert float(mdp.class_composite[c]) == float(exact)
        assert Fraction(int(mdp.class_numerator[c]), mdp.composite_denominator) == exact


def test_only_attainable_answers_make_classes():
    """A reward that no policy can earn would cost count vectors for nothing."""
    reward = np.array([0.0, 0.5, 1.0]).reshape(1, 1, 3, 1)
    classes = reward_classes(reward, np.array([2.0]), np.array([[[True, False, True]]]))
    assert classes.composite.tolist() == [0.0, 2.0]
    assert classes.index[0, 0, [0, 2]].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rewards", "weights", "field"),
    [
        ([[Fraction(1, 999_983)], [Fraction(1, 999_979)], [Fraction(1, 999_961)]], [1], "reward"),
        ([[0, 1]], [6 * 10**11, 6 * 10**11], "weights"),
        ([[Fraction(1, 9973)]], [Fraction(10**9, 7)], "weights"),
        ([[Fraction(1, n)] for n in range(1, 12_001)], [1], "reward"),
        ([[0] * 12_000], [Fraction(1, n) for n in range(1, 12_001)], "weights"),
    ],
)
def test_too_fine_a_lattice_is_refused(rewards, weights, field):
    """Integer sums over a group must stay exact in float64."""
    with pytest.raises(ValueError, match=f"^{field}.* expected at most") as refusal:
        menu(rewards, weights)
    assert len(str(refusal.value)) < 200
