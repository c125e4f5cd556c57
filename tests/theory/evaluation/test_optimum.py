"""Backward induction against the list of all deterministic policies."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from helpers import oracles
from hypothesis import given, settings
from hypothesis import strategies as st

from grpo_checks.theory.evaluation.optimum import best_values, optimal_value
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

SEEDS = st.integers(0, 10**6)
TINY: dict[str, Any] = {"tools": 1, "answers": 2, "depth": 1, "components": 2}
examples = settings(max_examples=50, derandomize=True, deadline=None)


@eqx.filter_jit
def _extremes(mdp):
    """J* and, by the same backward induction on minus the rewards, the smallest J."""
    worst = -best_values(mdp, -mdp.class_composite[mdp.class_index])
    return optimal_value(mdp), mdp.prompt_distribution @ worst


@examples
@given(SEEDS, st.sampled_from([1, 2]))
def test_optimum_is_the_best_deterministic_policy(number, width):
    """No policy does better, and for each prompt on its own some map from states does as well."""
    instance = random_instance(seed=number, prompts=2, width=width, **TINY)
    assert instance.optimum_is_exact
    values = oracles.deterministic_values(instance.mdp)
    extremes = _extremes(oracles.pad_classes(instance.mdp))
    np.testing.assert_allclose(extremes, (values.max(), values.min()), atol=1e-12)


@examples
@given(SEEDS)
def test_optimum_is_an_upper_bound_where_prompts_share_states(number):
    """One policy must serve all prompts there; each prompt alone would do at least as well."""
    instance = random_instance(seed=number, prompts=3, width=2, separable=False, **TINY)
    high, low = _extremes(oracles.pad_classes(instance.mdp))
    values = oracles.deterministic_values(instance.mdp)
    assert low - 1e-12 <= values.min() <= values.max() <= high + 1e-12


def test_upper_bound_can_be_strict():
    """Two prompts that look alike and want different answers: the instance must say so."""
    mdp = TAMDP(
        prompt_distribution=[0.5, 0.5],
        initial_distribution=[[1.0], [1.0]],
        depth=[0],
        tool_transition=[],
        legal=[[True, True]],
        reward=[[[[1], [0]]], [[[0], [1]]]],
        weights=[1],
    )
    instance = Instance("disagreement", mdp, Tabular(mdp), jnp.zeros((1, 2)))
    assert instance.optimum == 1
    assert oracles.deterministic_values(mdp).max() == 0.5
    assert not instance.optimum_is_exact


def test_instances_know_whether_their_optimum_is_exact():
    """`search` shares parameters though no states; log-linear ones count only with a proof."""
    assert coding().optimum_is_exact
    assert not search().optimum_is_exact
    assert conflict().optimum_is_exact
    assert not conflict()._replace(best=None).optimum_is_exact
    assert not random_instance(features=2).optimum_is_exact
