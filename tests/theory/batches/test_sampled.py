"""Training samples what the exact law of a rule says."""

import jax
import numpy as np
import pytest
from helpers.batches.models import exact
from helpers.batches.scores import standard_scores
from scipy import stats

from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.sampling import sampled_moments

BATCHES = 4096
NAMES = ("trl", "trl-grpo", "trl-dr_grpo", "trl-batch", "verl-remax", "trl-bnpo")
# Over all z-scores of this file, normal tails: false alarm once in 10^4 choices of a seed.
LARGEST = float(stats.norm.isf(1e-4 / 2 / 500))


@pytest.mark.parametrize("name", NAMES)
def test_sampled_moments_are_those_of_the_law(name):
    """Four groups of four, drawn prompts, on a model whose episodes differ in length."""
    _, mdp, policy, theta, *_ = coding(3)
    rule = PRESETS[name].rule
    training = Training(rule.estimator, 4, 4, aggregation=rule.aggregation)
    law_moments = exact(rule_law(mdp, 4, rule, 4), policy, theta)
    sampled = sampled_moments(jax.random.key(5), mdp, policy, theta, training, BATCHES)
    z = standard_scores(sampled, np.asarray(law_moments.mean), float(law_moments.variance))
    assert z.max() < LARGEST
    # Teeth: sums over an episode in place of what the trainer does would be seen.
    if name in NAMES[:3]:
        plain = Training(rule.estimator, 4, 4)
        other = sampled_moments(jax.random.key(5), mdp, policy, theta, plain, BATCHES)
        assert abs(other.variance - law_moments.variance) / other.variance_error > 8
