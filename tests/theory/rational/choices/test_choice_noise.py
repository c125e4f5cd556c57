"""The noise of `leave_one_out` in rational numbers: listed groups, and the float64 formulas."""

import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance

from grpo_checks.experiments.claims.literature.baseline import STATEMENT as BASELINE
from grpo_checks.experiments.claims.literature.mse import STATEMENT as MSE
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
    choice, model = parse_choice(document), choice_instance.instance(document)
    listed = list_episodes(model.mdp, model.policy, model.theta)[0]
    moments, floats = noise(choice.kinds[0], choice.weights), listed_noise(listed)
    for name in ("oracle", "pairs", "best", "baseline"):
        assert np.isclose(float(getattr(moments, name)), getattr(floats, name), rtol=1e-11)
    group = group_law(model.mdp, 3, UNBIASED, "counts")
    assert np.isclose(float(moments.error(3)), listed_error(listed, group), rtol=1e-11)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_formula_is_exact(size):
    """Equal rationals: variance over all groups; and no bias."""
    choice = parse_choice(choice_instance.document(5, binary=False))
    moments = update(choice, size, UNBIASED)
    assert moments.variance == noise(choice.kinds[0], choice.weights).error(size)
    assert list(moments.mean) == full_gradient(choice)


def test_the_best_baseline_is_least():
    """Errors at other baselines are larger; among others at the value."""
    choice = parse_choice(choice_instance.document(2))
    (kinds,), moments = choice.kinds, noise(choice.kinds[0], choice.weights)
    for step in (fmpq(1, 100), fmpq(-1, 100)):
        assert baseline_error(kinds, choice.weights, moments.baseline + step) > moments.best
    assert moments.oracle > moments.best > 0


@pytest.mark.parametrize("seed", range(3))
def test_the_statements_say_the_same_fractions(seed):
    """Both sides of L.mse and L.baseline, which are enclosed JAX, with ragged outcomes too."""
    document = choice_instance.document(seed, components=2, binary=False)
    if seed == 2:
        document["prompts"][0]["actions"][1]["outcomes"].pop()
    choice = parse_choice(document)
    terms = noise(choice.kinds[0], choice.weights)
    decision = MSE.decide({**document, "group_size": 3})
    variance = update(choice, 3, UNBIASED).variance
    assert (decision.observed, decision.bound) == (variance, terms.error(3))
    decision = BASELINE.decide(document)
    assert (decision.observed, decision.bound) == (terms.oracle, terms.best)
    assert decision.note.endswith(f"as baseline, {terms.best} with {terms.baseline}")


def test_too_many_groups_are_refused():
    """Instead of being listed."""
    document = choice_instance.document(0)
    document["prompts"][0]["actions"][0]["outcomes"] *= 9
    with pytest.raises(ValueError, match="group_size = 16: too many"):
        MSE.decide({**document, "group_size": 16})


def test_one_answer_has_no_noise():
    """All scores are zero, and so is what divides them."""
    only = [{"odds": 1, "outcomes": [{"share": 1, "rewards": [r]} for r in (0, 1)]}]
    decision = BASELINE.decide({"weights": [1], "prompts": [{"share": 1, "actions": only}]})
    assert (decision.observed, decision.bound, decision.verdict) == (0, 0, "holds")
