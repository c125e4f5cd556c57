"""The noise of `leave_one_out` in rational numbers: listed groups, and the float64 formulas."""

import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.episode_listing import list_episodes
from grpo_checks.theory.rational.choices.choice import full_gradient, parse_choice
from grpo_checks.theory.rational.choices.noise import baseline_error, noise
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.updates.ustatistic import listed_error
from grpo_checks.theory.updates.ustatistic import noise as listed_noise

UNBIASED = Estimator("leave_one_out")


def test_against_listed_episodes():
    """a, b, the least error and its baseline; and the error over count vectors."""
    document = choice_instance.document(0, components=2, binary=False)
    of, model = parse_choice(document), choice_instance.instance(document)
    listed = list_episodes(model.mdp, model.policy, model.theta)[0]
    found, floats = noise(of.kinds[0], of.weights), listed_noise(listed)
    for name in ("oracle", "pairs", "best", "baseline"):
        assert np.isclose(float(getattr(found, name)), getattr(floats, name), rtol=1e-11)
    group = group_law(model.mdp, 3, UNBIASED, "counts")
    assert np.isclose(float(found.error(3)), listed_error(listed, group), rtol=1e-11)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_formula_is_exact(size):
    """Equal rationals: variance over all groups; and no bias."""
    of = parse_choice(choice_instance.document(5, binary=False))
    found = update(of, size, UNBIASED)
    assert found.variance == noise(of.kinds[0], of.weights).error(size)
    assert list(found.mean) == full_gradient(of)


def test_the_best_baseline_is_least():
    """Errors at other baselines are larger; among others at the value."""
    of = parse_choice(choice_instance.document(2))
    (kinds,), found = of.kinds, noise(of.kinds[0], of.weights)
    for step in (fmpq(1, 100), fmpq(-1, 100)):
        assert baseline_error(kinds, of.weights, found.baseline + step) > found.best
    assert found.oracle > found.best > 0
