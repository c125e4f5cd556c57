"""Choice models in rational numbers, against the general code in floating point."""

from fractions import Fraction

import jax
import numpy as np
import pytest
from helpers import choice_instance
from helpers.choice_instance import full_gradient, full_value
from helpers.oracles import pad_classes

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.numbers.balls import ends, fmpq, largest, least, rational, root
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.updates.moments import update_moments

ESTIMATORS = (
    Estimator("mean_baseline"),
    Estimator("leave_one_out"),
    Estimator("group_normalized"),
    Estimator("group_normalized", ddof=1, eps=0.25),
    Estimator("componentwise_normalized"),
    Estimator("componentwise_normalized", ddof=1, eps=0.25),
)


@jax.jit
def _quantities(mdp, policy, theta, laws):
    """J, and the moments of every law at one policy."""
    return value(mdp, policy, theta), [update_moments(mdp, policy, theta, law) for law in laws]


def _eight_grades(rng):
    """Quarters (8, 2) whose composites differ, nothing among them."""
    grades = [(0, 0)]
    for x, y in rng.permutation(list(np.ndindex(5, 5))):
        if len(grades) < 8 and 2 * x + 3 * y not in [2 * a + 3 * b for a, b in grades]:
            grades.append((x, y))
    return np.array(grades)


def _document(seed):
    """Two prompts of three actions, two outcomes each, two graded components.

    Eight reward vectors, four of them twice: one compilation serves all of a kind.
    """
    rng = np.random.default_rng(seed)
    grades = _eight_grades(rng)
    drawn = iter(rng.permutation([*grades, *grades[rng.permutation(8)[:4]]]))

    def outcome():
        rewards = [f"{x}/4" for x in next(drawn)]
        return {"share": int(rng.integers(1, 5)), "rewards": rewards}

    odds = rng.integers(1, 6, (2, 3))
    shared = bool(seed % 2)
    prompts = [
        {
            "share": int(rng.integers(1, 4)),
            "actions": [
                {"odds": int(odds[0 if shared else q, a]), "outcomes": [outcome(), outcome()]}
                for a in range(3)
            ],
        }
        for q in range(2)
    ]
    return {"weights": [1, "3/2"], "shared": shared, "prompts": prompts}


@pytest.mark.parametrize("seed", range(4))
def test_values_gradients_and_updates_agree(seed):
    """J, grad J, E[g] and V of both codes, G = 2, for every estimator within groups."""
    document = _document(seed)
    choice = parse_choice(document)
    _, mdp, policy, theta, *_ = choice_instance.instance(document)
    laws = [group_law(mdp, 2, estimator) for estimator in ESTIMATORS]
    listed, every = _quantities(pad_classes(mdp, 8, 8), policy, theta, laws)
    assert np.isclose(float(listed), float(full_value(choice)), rtol=1e-13)
    # The logits of single answers have no gradient and no counterpart.
    kept = (slice(0, choice.dimension // 3), slice(0, 3))
    for estimator, moments in zip(ESTIMATORS, every, strict=True):
        exact = update(choice, 2, estimator)
        mean = np.asarray(moments.mean).reshape(theta.shape)[kept].reshape(-1)
        assert np.allclose(mean, [float(x) for x in exact.mean], rtol=0, atol=1e-13)
        assert np.isclose(float(moments.variance), float(exact.variance), rtol=1e-12)
        slope = np.asarray(moments.gradient).reshape(theta.shape)[kept].reshape(-1)
        assert np.allclose(slope, [float(x) for x in full_gradient(choice)], rtol=0, atol=1e-14)


def test_what_is_rational_stays_rational():
    """`leave_one_out` is unbiased as an equation between fractions."""
    choice = parse_choice(_document(1))
    exact = update(choice, 3, Estimator("leave_one_out"))
    assert list(exact.mean) == full_gradient(choice)
    assert isinstance(exact.variance, fmpq)


def test_roots_and_ends():
    """Squares give rationals; enclosures contain what they enclose."""
    assert root(fmpq(9, 4)) == fmpq(3, 2)
    low, high = ends(root(fmpq(2)))
    assert low**2 < 2 < high**2
    assert high - low < Fraction(1, 10**70)
    assert largest([fmpq(1, 3), fmpq(1, 2)]) == fmpq(1, 2)
    assert least([root(fmpq(2)), fmpq(3, 2)]) < fmpq(3, 2)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"weights": []}, "weights"),
        ({"weights": [0, 1]}, "weights"),
        ({"prompts": []}, "^prompts = "),
        ({"prompts": [{"share": 1, "actions": []}]}, "^actions = "),
        ({"prompts": [{"share": 1}]}, "^actions: missing"),
        ({"prompts": 7}, "^prompts = 7: expected a list"),
        ({"prompts": [7]}, "^7: expected an object with the field 'share'"),
        # Letter by letter these would be the weights 1 and 2.
        ({"weights": "12"}, "^weights = '12': expected a list"),
        ({"weights": [True, 1]}, r"^weights\[0\] = True: expected a number"),
        ({"weights": ["1e400", 1]}, r"^weights\[0\] = '1e400': expected a number in the range"),
        ({"shared": "no"}, "^shared = 'no': expected true or false"),
    ],
)
def test_unsound_documents_are_named(change, named):
    """A ValueError that says which field."""
    with pytest.raises(ValueError, match=named):
        parse_choice({**_document(0), **change})


def test_numbers_that_are_none():
    """Text that is no fraction is named."""
    with pytest.raises(ValueError, match="p = 'x'"):
        rational("p", "x")
    with pytest.raises(ValueError, match="expected a number >= 0"):
        root(fmpq(-1))
