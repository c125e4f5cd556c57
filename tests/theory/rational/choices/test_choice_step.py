"""One update in balls against the float law of J after it."""

import jax
import jax.numpy as jnp
import pytest
from helpers.choice_instance import four_answers

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.outcomes import outcomes
from grpo_checks.theory.numbers.balls import arb, fmpq
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.step import Promise, gain, promise
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.one_update import expected_gain, groups, single_decision

_moments, _gain = jax.jit(update_moments), jax.jit(expected_gain)
LAW = (4, 1, 10, 5)
DOCUMENT = four_answers(LAW)


@pytest.mark.parametrize("name", ["componentwise_normalized", "group_normalized"])
def test_promise_and_gain_agree_with_floats(name):
    """On `outcomes`: moments from the group law, J after a step from tables of groups."""
    estimator, size, step = Estimator(name), 3, fmpq(3, 2)
    model = parse_choice(DOCUMENT)
    mdp, policy, *_ = outcomes(2)[1:]
    theta = jnp.log(jnp.array(LAW, float))[None]
    moments = _moments(mdp, policy, theta, group_law(mdp, size, estimator))
    promised = promise(model, size, estimator)
    assert abs(float(promised.along) - float((moments.gradient * moments.mean).sum())) < 1e-14
    square = jnp.square(moments.mean).sum() + moments.variance
    assert abs(float(promised.square) - float(square)) < 1e-14
    e = float(moments.gradient @ moments.mean) ** 2 / float(square)
    assert abs(float(promised.efficiency) - e) < 1e-14
    decision = single_decision(mdp)
    table = groups(decision, size, estimator)
    expected = _gain(table, decision.worth, theta[0], jnp.asarray(1.5))
    assert abs(float(gain(model, size, estimator, step)) - float(expected)) < 1e-14


def test_nothing_is_promised_against_the_gradient():
    """e = 0 exactly, as for an update that is always 0; no step gains nothing, exactly."""
    assert Promise(-arb(2).sqrt(), fmpq(1)).efficiency == 0
    assert Promise(fmpq(0), fmpq(0)).efficiency == 0
    assert gain(parse_choice(DOCUMENT), 2, Estimator("group_normalized"), fmpq(0)) == 0
    unsure = Promise(fmpq(1), arb(0, 1)).efficiency
    assert not unsure > 0
    assert not unsure <= 0


def test_several_prompts_are_refused():
    """Their groups are too many to list."""
    prompts = DOCUMENT["prompts"] * 2
    with pytest.raises(ValueError, match="prompts: 2, expected one"):
        promise(parse_choice({**DOCUMENT, "prompts": prompts}), 2, Estimator("group_normalized"))
