"""e and gains of T2.benefit, enclosed by listing groups, against the float law of J."""

import jax
import jax.numpy as jnp
import pytest
from helpers.choice_instance import four_answers

from grpo_checks.experiments.points.decomposition.benefit import (
    ESTIMATORS,
    STATEMENT,
    STEPS,
    efficiencies,
    gains,
)
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.outcomes import outcomes
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.one_update import expected_gain, groups, single_decision

LAW, SIZE = (4, 1, 10, 5), 3
DOCUMENT = {**four_answers(LAW), "group_size": SIZE}


def _enclosed(function, document):
    return enclose(lambda point: function(**point))(STATEMENT.domain.read(document))


def test_e_and_gains_are_those_of_the_group_law():
    """On `outcomes`: moments from the group law, J after a step from tables of groups."""
    e, gained = _enclosed(efficiencies, DOCUMENT), _enclosed(gains, DOCUMENT)
    mdp, policy, *_ = outcomes(2)[1:]
    theta = jnp.log(jnp.array(LAW, float))[None]
    decision = single_decision(mdp)
    for i, estimator in enumerate(ESTIMATORS):
        moments = jax.jit(update_moments)(mdp, policy, theta, group_law(mdp, SIZE, estimator))
        square = float(jnp.square(moments.mean).sum() + moments.variance)
        along = float((moments.gradient * moments.mean).sum())
        assert float(e[i]) == pytest.approx(along**2 / square, abs=1e-14)
        table = groups(decision, SIZE, estimator)
        # Weights 1 and 1: L is 1.
        for s in (0, 4, 8):
            step = jnp.asarray(float(STEPS[s]))
            expected = float(jax.jit(expected_gain)(table, decision.worth, theta[0], step))
            assert float(gained[i, s]) == pytest.approx(expected, abs=1e-14)


def test_one_step_may_be_named():
    """Its gains are a column of those of the grid."""
    every = _enclosed(gains, DOCUMENT)
    (one,), (other,) = _enclosed(gains, {**DOCUMENT, "step": "1/4"})
    for number, column in ((one, every[0]), (other, every[1])):
        assert [bool((number - x).contains(0)) for x in column] == [s == 2 for s in range(9)]


def test_an_update_that_never_moves_promises_nothing():
    """e = 0 exactly of two answers that earn the same: nothing ranks the updates."""
    document = {**DOCUMENT, "prompts": [{"share": 1, "actions": [
        {"odds": n, "outcomes": [{"share": 1, "rewards": [1, 0]}]} for n in (1, 2)
    ]}]}  # fmt: skip
    assert list(_enclosed(efficiencies, document)) == [0, 0]
    assert STATEMENT.decide(document).note == "e does not rank the two"


def test_several_prompts_are_refused():
    """Their groups are too many to list."""
    with pytest.raises(ValueError, match="prompts: 2 of them, expected one"):
        STATEMENT.decide({**DOCUMENT, "prompts": DOCUMENT["prompts"] * 2})
