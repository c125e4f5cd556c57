"""Rules of single trainers, whitened rules and micro-batches, exactly."""

from fractions import Fraction
from math import sqrt

import jax
import numpy as np
import pytest
from helpers.batches.models import both_moments, short_model

from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.rules.presets import PRESETS
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.rounding import accumulated

MICRO = Aggregation("micro_token_mean", micro_batch=2)
CASES = (
    (3, PRESETS["verl-opo"].rule, 2, None),
    (0, UpdateRule(Estimator("length_weighted"), Aggregation("sequence_mean", 1)), 2, 2),
    (1, PRESETS["verl-gpg"].rule, 2, 3),
    (2, PRESETS["verl-remax"].rule, 2, 2),
    (5, UpdateRule(Estimator("greedy_baseline")), 3, 1),
    (12, PRESETS["verl-passk"].rule, 3, 1),
    (4, PRESETS["maxrl"].rule, 2, None),
    (9, PRESETS["trl-gdpo"].rule, 2, 2),
    (10, PRESETS["verl-gdpo"].rule, 2, 2),
    (2, PRESETS["verl-reinforce++-baseline"].rule, 3, 1),
    (
        6,
        UpdateRule(
            Estimator("group_normalized", 0, 0.1, whiten=0.2), Aggregation("sequence_mean", 1)
        ),
        2,
        None,
    ),
    (0, UpdateRule(Estimator("group_normalized", 1, 1e-4), MICRO), 2, 2),
    (3, UpdateRule(Estimator("nonzero_scaled"), MICRO), 2, 2),
    (1, UpdateRule(Estimator("leave_one_out"), Aggregation("micro_token_mean", 1, 4)), 2, 2),
    (4, UpdateRule(Estimator("pass_at_k"), Aggregation("micro_token_mean", 1, 1)), 3, 1),
)
"""Seed of the model, rule, G, and B; None is a full sweep."""


@pytest.mark.parametrize(("seed", "rule", "group_size", "drawn"), CASES)
def test_all_batches_written_out(seed, rule, group_size, drawn):
    """Mean and variance; greedy episodes and shuffles too are listed."""
    seen, mean, variance = both_moments(seed, rule, group_size, drawn)
    # Some 10^5 batches summed in pairs, advantages below 3 and scores below 5.
    off = accumulated(200) * 15
    np.testing.assert_allclose(seen.mean, mean, atol=off, rtol=0)
    np.testing.assert_allclose(seen.variance, variance, atol=15 * off, rtol=0)
    assert np.abs(mean).max() > 1e3 * off


def _three_answers():
    """A right answer and a wrong one of one decision, and a wrong one of two, uniform."""
    legal = np.array([[1, 1, 1], [0, 0, 1]], bool)
    move = np.zeros((2, 1, 2))
    move[0, 0, 1] = 1
    reward = np.zeros((1, 2, 2, 1))
    reward[0, 0, 0] = 1
    mdp = TAMDP(
        prompt_distribution=[1], initial_distribution=[[1, 0]], depth=[0, 1], tool_transition=move,
        legal=legal, reward=reward, weights=[1],
    )  # fmt: skip
    policy = Tabular(mdp)
    return mdp, policy, policy.zeros()


def test_closed_forms_of_one_right_answer():
    """G = 2 to 4 at p = 1/3, in fractions; what each multiplies grad p by."""
    mdp, policy, theta = _three_answers()
    p, size = Fraction(1, 3), 4
    slope = np.array([-1.0, 2.0, -1.0]) / 9
    expected = {
        # MaxRL (arXiv:2602.02710) climbs J_{G-1}; in one group GPG does the same (derived).
        "mean_normalized": float((1 - (1 - p) ** (size - 1)) / p) * slope,
        "nonzero_scaled": float((1 - (1 - p) ** (size - 1)) / p) * slope,
        # The best is alone if nobody else is right; then sd = 1/sqrt(G).
        "pass_at_k": sqrt(size) * float((1 - p) ** (size - 1)) * slope,
        "greedy_baseline": slope,
    }
    laws = [rule_law(mdp, size, UpdateRule(Estimator(name, 1)), 1) for name in expected]
    laws.append(rule_law(mdp, 2, UpdateRule(Estimator("length_weighted")), 1))
    means = jax.jit(lambda laws: [law.moments(policy, theta).mean for law in laws])(laws)
    # OPO at G = 2, in the order of the actions: call, right, wrong.
    values = [*expected.values(), np.array([-8, 19, -11]) / 162]
    for mean, value in zip(means, values, strict=True):
        np.testing.assert_allclose(mean[:3], value, rtol=0, atol=accumulated(200))


@pytest.mark.parametrize(
    ("estimator", "aggregation", "named"),
    [
        (Estimator("leave_one_out"), Aggregation("micro_token_mean", 0, 3), "micro_batch = 3: "),
        (Estimator("greedy_baseline"), MICRO, "expected one without micro-batches"),
        (Estimator("length_weighted", whiten=0.1), Aggregation(), "or whiten = None"),
    ],
)
def test_what_has_no_sum_is_refused(estimator, aggregation, named):
    """In one line, and not computed as something else."""
    mdp, *_ = short_model(1)
    with pytest.raises(ValueError, match=named):
        rule_law(mdp, 2, UpdateRule(estimator, aggregation), 2)


def test_micro_batches_have_a_size():
    """And nothing else has one."""
    for name, size in (("micro_token_mean", None), ("micro_token_mean", 0), ("token_mean", 2)):
        with pytest.raises(ValueError, match=f"micro_batch = {size}: expected"):
            Aggregation(name, 0, size)
