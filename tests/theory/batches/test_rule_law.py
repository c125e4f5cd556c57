"""Exact moments of updates with a divisor of the batch, against all batches of whole episodes."""

from functools import cache
from itertools import cycle
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers.batches.models import both_moments, exact, short_model

from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import combine, prompt_moments
from grpo_checks.theory.updates.rounding import accumulated

NORMALIZED = Estimator("group_normalized")
RULES: list[Any] = [
    UpdateRule(Estimator(name, ddof, eps), Aggregation(aggregation, offset))  # type: ignore[arg-type]
    for name, ddof, eps, aggregation, offset in (
        ("group_normalized", 0, 0.0, "token_mean", 0),
        ("batch_scaled", 1, 1e-4, "episode_sum", 0),
        ("componentwise_normalized", 1, 1e-4, "token_mean", 1),
        ("mean_baseline", 0, 0.0, "token_mean", 0),
        ("group_normalized", 1, 1e-6, "sequence_mean", 1),
        ("batch_scaled", 0, 0.5, "token_mean", 1),
        ("leave_one_out", 0, 0.0, "sequence_mean", 0),
        ("componentwise_normalized", 0, 0.0, "sequence_mean", 0),
        ("batch_scaled", 1, 0.0, "sequence_mean", 0),
        ("leave_one_out", 0, 0.0, "constant", 1),
        ("batch_scaled", 0, 1e-4, "constant", 0),
        ("leave_one_out", 0, 0.0, "token_mean", 1),
    )
]
SIZES = ((2, 1), (2, 2), (2, None), (3, 1), (2, 3))
"""G and B; None is a full sweep, which meets a rule with a divisor of the batch."""
SEEDS = (*range(8), *range(9, 13))
"""At 8 no answer is better than another."""
CASES = list(zip(SEEDS, cycle(RULES), cycle(SIZES), strict=False))


@pytest.mark.parametrize(("seed", "rule", "size"), CASES)
def test_all_batches_written_out(seed, rule, size):
    """Mean and variance, B = 1, 2, 3 and a full sweep of three groups."""
    group_size, drawn = size
    if drawn is None and rule.within_group:
        drawn = 1  # A sweep of these weighs groups by rho.
    seen, mean, variance = both_moments(seed, rule, group_size, drawn)
    # The oracle sums some 10^5 batches, in pairs: of advantages below 2 and scores below 5.
    off = accumulated(200) * 10
    np.testing.assert_allclose(seen.mean, mean, atol=off, rtol=0)
    np.testing.assert_allclose(seen.variance, variance, atol=10 * off, rtol=0)
    assert np.abs(mean).max() > 1e3 * off or variance > 1e3 * off


SEARCH = search(3)


def _on_search(rule, drawn):
    return exact(rule_law(SEARCH.mdp, 8, rule, drawn), SEARCH.policy, SEARCH.theta)


@cache
def _plain():
    """E g of sums over an episode, which is the same for any number of groups."""
    return np.asarray(_on_search(UpdateRule(NORMALIZED), 4).mean)


def test_aggregations_on_search():
    """Directions and lengths beside the sum over an episode, G = 8, to the digits known."""
    plain = _plain()
    for aggregation, drawn, cosine, ratio in (
        ("sequence_mean", 4, 0.9645, 0.896),
        ("token_mean", 1, 0.9991, 0.578),
        ("token_mean", 4, 0.9999, 0.544),
        ("token_mean", 16, 1.0, 0.536),
    ):
        mean = np.asarray(_on_search(UpdateRule(NORMALIZED, Aggregation(aggregation)), drawn).mean)
        sizes = np.linalg.norm(mean), np.linalg.norm(plain)
        assert round(float(mean @ plain / sizes[0] / sizes[1]), 4) == cosine
        assert round(float(sizes[0] / sizes[1]), 3) == ratio


def test_a_scale_of_the_batch_on_search():
    """V of TRL's scale_rewards="batch", G = 8, B = 4, to the digits known."""
    assert round(float(_on_search(PRESETS["trl-batch"].rule, 4).variance), 7) == 0.0442898


def test_large_batches_lead_where_sums_lead():
    """By the law of large numbers N/B is E N in the end, and only its noise turns the mean."""
    plain, turned = _plain(), []
    for drawn in (8, 32):
        mean = np.asarray(_on_search(UpdateRule(NORMALIZED, Aggregation("token_mean")), drawn).mean)
        along = plain * (mean @ plain) / (plain @ plain)
        turned.append(np.linalg.norm(mean - along) / np.linalg.norm(along))
    # The part across falls as 1/B.
    assert turned[0] / turned[1] == pytest.approx(4, rel=0.1)


DRAWN = None, 3


@jax.jit
def _by_groups(mdp, policy, theta, law):
    groups = prompt_moments(mdp, policy, theta, law)
    return [combine(mdp.prompt_distribution, groups, drawn) for drawn in DRAWN]


@pytest.mark.parametrize("estimator", [NORMALIZED, Estimator("componentwise_normalized", 1, 1e-4)])
def test_equal_lengths_need_no_divisor(estimator):
    """The lattice of totals beside the engines of the group law, on `conflict`."""
    instance = conflict()
    mdp, policy, theta = instance.mdp, instance.policy, instance.theta
    rule = UpdateRule(estimator, Aggregation("token_mean", 1))
    by_groups = _by_groups(mdp, policy, theta, group_law(mdp, 5, estimator))
    for drawn, expected in zip(DRAWN, by_groups, strict=True):
        seen = exact(rule_law(mdp, 5, rule, drawn), policy, theta)
        np.testing.assert_allclose(2 * seen.mean, expected.mean, rtol=accumulated(1000))
        np.testing.assert_allclose(4 * seen.variance, expected.variance, rtol=accumulated(1000))
        np.testing.assert_allclose(seen.gradient, expected.gradient, rtol=accumulated(1000))


def test_what_is_too_large_is_refused_with_its_cost():
    """And what has no sum of this kind; sampling is offered."""
    token_mean = Aggregation("token_mean")
    with pytest.raises(ValueError, match=r"totals of 512 members: \d+ entries, expected at most"):
        rule_law(SEARCH.mdp, 512, UpdateRule(NORMALIZED, token_mean), 4)
    with pytest.raises(ValueError, match=r"totals of 512 groups: \d+ entries.*sampled_moments"):
        rule_law(SEARCH.mdp, 8, UpdateRule(Estimator("batch_scaled")), 512)
    with pytest.raises(ValueError, match=r"totals of 4 groups: \d+ entries.*sampled_moments"):
        rule_law(SEARCH.mdp, 8, PRESETS["trl-gdpo"].rule, 4)
    with pytest.raises(ValueError, match=r"totals of 32 members: \d+ entries"):
        rule_law(SEARCH.mdp, 32, PRESETS["verl-gdpo"].rule, 1)


@pytest.mark.parametrize("rule", [UpdateRule(NORMALIZED), PRESETS["trl"].rule])
def test_no_groups_and_groups_of_one_are_refused(rule):
    """Whatever divides: not a nan in the end."""
    with pytest.raises(ValueError, match="prompts = 0: expected at least 1"):
        rule_law(SEARCH.mdp, 4, rule, 0)
    with pytest.raises(ValueError, match="group_size = 1: expected at least 2"):
        rule_law(SEARCH.mdp, 1, rule, 4)


def test_a_weight_is_a_number_of_groups():
    """A sweep with weights that no number of groups has is refused, for divisors of the batch."""
    mdp, policy, theta = short_model(0)
    weights = np.array([np.pi / 4, 1 - np.pi / 4])
    odd = eqx.tree_at(lambda m: m.prompt_distribution, mdp, jax.device_put(weights))
    with pytest.raises(ValueError, match=r"prompt_distribution = 0\.785.*: expected a rational"):
        rule_law(odd, 2, UpdateRule(NORMALIZED, Aggregation("token_mean")))
    plain = exact(rule_law(odd, 2, UpdateRule(NORMALIZED)), policy, theta)
    assert np.isfinite(plain.variance)
