"""The closed form of the best group size against the exact variance."""

import jax
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.updates.budget import BudgetTerms, budget_terms
from grpo_checks.theory.updates.moments import combine, prompt_moments

MODELS = [conflict(1, -0.5), search(3), random_instance(1, seed=3, features=3)]
PLAIN = Estimator("leave_one_out")
DRAWN = 1, 4, 5
_terms, _costs = jax.jit(budget_terms), jax.jit(BudgetTerms.cost)


@jax.jit
def _moments(mdp, policy, theta, law):
    groups = prompt_moments(mdp, policy, theta, law)
    return [combine(mdp.prompt_distribution, groups, prompts) for prompts in DRAWN]


def _variance(model, group_size, prompts):
    every = _moments(*model, plain_law(PLAIN, jax.device_put(group_size)))
    return float(every[DRAWN.index(prompts)].variance)


@pytest.mark.parametrize("instance", MODELS, ids=lambda i: i.name)
@pytest.mark.parametrize("group_size", [2, 3, 8])
def test_cost_is_the_variance_of_an_update_times_its_episodes(instance, group_size):
    """N V with N = B G does not depend on B, and equals the formula in f, a and b."""
    model = (instance.mdp, instance.policy, instance.theta)
    cost = float(_costs(_terms(*model), jax.device_put(float(group_size))))
    for prompts in (1, 5):
        episodes = prompts * group_size
        assert np.isclose(episodes * _variance(model, group_size, prompts), cost, rtol=1e-12)


def test_best_group_size_on_conflict():
    """2.46 at x = -1/2, and a minimum: the cost is higher on either side."""
    terms = _terms(*MODELS[0][1:4])
    best = float(jax.jit(lambda t: t.best)(terms))
    assert abs(best - 2.46) < 0.005
    costs = np.asarray(_costs(terms, jax.device_put(best + np.array([-0.3, 0.0, 0.3]))))
    assert costs[1] < min(costs[0], costs[2])


def test_variance_floor_with_drawn_prompts():
    """No group size removes the spread between prompts: V tends to Var(grad J_q)/B."""
    model = MODELS[0][1:4]
    floor = float(_terms(*model).between) / 4
    assert np.isclose(_variance(model, 10**12, 4), floor, rtol=1e-10)
    assert floor > 0
