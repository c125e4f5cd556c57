"""What one update gains: exact sums against listing all groups, and against sampling."""

from functools import cache
from itertools import product
from math import factorial, prod

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers import group_oracles, oracles

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.instances.menu import menu
from grpo_checks.theory.instances.outcomes import outcomes
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.races import paired_runs
from grpo_checks.theory.updates.benefit import Ascent, ascent
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.one_update import (
    distinct_numbers,
    expected_gain,
    groups,
    single_decision,
)

DECOMPOSED, JOINT = Estimator("componentwise_normalized"), Estimator("group_normalized")
MODELS = {
    "outcomes": outcomes(2, 0.7, 0.4, -0.5),
    "menu": menu(2, (("3/5", 0), ("1/5", "1/5")), (4, 7), 0.8),
}
SIZE, STEP = 3, jax.device_put(0.7)
_moments, _gain = (eqx.filter_jit(f) for f in (update_moments, expected_gain))


@cache
def _decision(name):
    return single_decision(MODELS[name].mdp)


@cache
def _at_start(name):
    """J and the logits of the decision's actions, at the start."""
    _, mdp, policy, theta, *_ = MODELS[name]
    here = jax.jit(lambda t: (value(mdp, policy, t), policy.logits(t)))(theta)
    return float(here[0]), np.asarray(here[1])[_decision(name).action]


@pytest.mark.parametrize("estimator", [DECOMPOSED, JOINT], ids=lambda e: e.name)
@pytest.mark.parametrize("name", MODELS)
def test_expected_gain_lists_all_groups(name, estimator):
    """E J(theta + step g) over every group of whole episodes, updates by the oracle."""
    _, mdp, policy, theta, *_ = MODELS[name]
    (prompt,) = oracles.list_episodes(mdp, policy, theta)
    chance, update = group_oracles.group_updates(prompt, SIZE, estimator.name)
    after = jax.device_put(np.asarray(theta) + float(STEP) * update.reshape(-1, *theta.shape))
    values = jax.jit(jax.vmap(lambda t: value(mdp, policy, t)))(after)
    start, logits = _at_start(name)
    expected = chance @ np.asarray(values) - start
    decision = _decision(name)
    table = groups(decision, SIZE, estimator)
    gain = _gain(table, decision.worth, jax.device_put(logits), STEP)
    assert abs(float(gain) - expected) < 1e-13


def test_chances_of_groups_sum_to_one():
    """Multinomial, pair by pair."""
    table = groups(_decision("menu"), 4, JOINT)
    chances = jax.jit(lambda law: table.chances(law))(np.array([0.3, 0.7]))
    assert abs(np.asarray(chances).sum() - 1) < 1e-14
    counts = np.asarray(table.counts)[7]
    ways = factorial(4) / prod(factorial(int(n)) for n in counts)
    assert float(table.ways[7]) == ways


def test_distinct_advantages_by_listing():
    """Three vectors that sum to one composite each: fewer values after summing first."""
    decision = _decision("outcomes")
    for estimator in (DECOMPOSED, JOINT):
        table = groups(decision, 4, estimator)
        numbers = np.asarray(distinct_numbers(table))
        for members in product(range(4), repeat=4):
            vectors = tuple(tuple(map(oracles.rational, decision.vectors[m])) for m in members)
            weights = (oracles.rational(1.0),) * 2
            listed = group_oracles.advantages(vectors, weights, estimator.name, 0, 0.0)
            counts = np.bincount(members, minlength=4)
            row = np.flatnonzero((np.asarray(table.counts) == counts).all(1))[0]
            assert numbers[row] == len({round(a, 9) for a in listed})


def test_models_with_two_decisions_are_refused():
    """The sum over groups is for one decision."""
    with pytest.raises(ValueError, match="expected one"):
        single_decision(coding().mdp)


def test_ascent_by_hand():
    """e and the best step; none where the product is negative, or the update is 0."""
    for along, square, efficiency, step in ((2, 8, 0.5, 0.125), (-2, 8, 0, 0), (0, 0, 0, 0)):
        values = Ascent(*jax.device_put((float(along), float(square))))
        assert float(values.efficiency) == efficiency
        assert float(values.best_step(2.0)) == step


@pytest.mark.parametrize("name", MODELS)
def test_gain_lies_in_its_bracket(name):
    """(s -+ s^2/2) e/L at every share s of the best step: the descent lemma, both ways."""
    _, mdp, policy, theta, *_ = MODELS[name]
    decision, smooth = _decision(name), float(mdp.max_reward) / 2
    logits = jax.device_put(_at_start(name)[1])
    for estimator in (DECOMPOSED, JOINT):
        law, table = group_law(mdp, SIZE, estimator), groups(decision, SIZE, estimator)
        here = ascent(_moments(mdp, policy, theta, law))
        guaranteed = float(here.efficiency) / smooth
        for share in (0.01, 0.3, 1.0, 2.0):
            step = jax.device_put(share * float(here.best_step(smooth)))
            gain = float(_gain(table, decision.worth, logits, step))
            assert (share - share**2 / 2) * guaranteed - 1e-15 <= gain
            assert gain <= (share + share**2 / 2) * guaranteed + 1e-15


def _within_five_errors(draws, truth):
    error = np.std(draws) / len(draws) ** 0.5
    return abs(float(np.mean(draws) - truth)) < 5 * error


def test_paired_runs():
    """From one start, one step size and the same episodes; e is that of the exact moments."""
    _, mdp, policy, theta, *_ = MODELS["outcomes"]
    decision, estimators = _decision("outcomes"), (DECOMPOSED, JOINT)
    laws = tuple(group_law(mdp, SIZE, e) for e in estimators)
    trainings = tuple(Training(e, SIZE) for e in estimators)
    model = (mdp, Chances(mdp), policy, theta, STEP, trainings, laws, 1)
    trace = eqx.filter_jit(jax.vmap(lambda key: paired_runs(key, *model)))(
        jax.random.split(jax.random.key(1), 1024)
    )
    here = [ascent(_moments(mdp, policy, theta, law)) for law in laws]
    lead = float(here[0].efficiency) - float(here[1].efficiency)
    np.testing.assert_allclose(np.asarray(trace.lead)[:, 0], lead, atol=1e-14)
    values, start = np.asarray(trace.value), jax.device_put(np.asarray(theta)[0])
    for i, estimator in enumerate(estimators):
        table = groups(decision, SIZE, estimator)
        gain = _gain(table, decision.worth, start, STEP)
        assert _within_five_errors(values[:, 1, i] - values[:, 0, i], gain)
    same = tuple(Training(JOINT, SIZE) for _ in estimators)
    again = eqx.filter_jit(paired_runs)(jax.random.key(1), *model[:5], same, laws, 3)
    np.testing.assert_array_equal(*np.asarray(again.value).T)
