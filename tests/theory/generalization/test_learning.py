"""Learning problems: losses from a model, Gibbs posteriors, policies merged and added."""

import jax
import numpy as np
import pytest
from helpers.learning_problems import SMALL, gibbs_by_hand, specialist_problem

from grpo_checks.theory.evaluation.values import prompt_values
from grpo_checks.theory.generalization.coverage import coverage
from grpo_checks.theory.generalization.learning import (
    Learning,
    deterministic_policies,
    gibbs,
    learn,
    merged,
    padded,
    policy_losses,
    sampled_policies,
)
from grpo_checks.theory.instances.specialists import specialists
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.policy import Tabular


def test_losses_are_exact():
    """1 - J_q/R_max, policy by policy."""
    mdp, policy = coding(3)[1:3]
    probs = sampled_policies(policy, 5)
    losses = policy_losses(mdp, probs)
    values = jax.jit(prompt_values)
    for p, row in zip(np.asarray(probs), np.asarray(losses), strict=True):
        np.testing.assert_allclose(row, 1 - np.asarray(values(mdp, p)) / 3, atol=1e-14)


def test_posterior_by_hand():
    """Counts (2, 1, 1) are the sample 0, 0, 1, 2."""
    learned = jax.jit(learn)(SMALL, np.array([2.0, 1.0, 1.0]), 0.5)
    np.testing.assert_allclose(learned, gibbs_by_hand(SMALL, [0, 0, 1, 2], 0.5), rtol=1e-12)


def test_posterior_of_a_cold_learner():
    """Without overflow: all mass on the best policy, KL = ln(1/prior)."""
    prior, exponent = np.array([0.5, 0.25, 0.25, 0.0]), np.array([0.0, 1e5, -1e5, 1e9])
    posterior, divergence = jax.jit(gibbs)(prior, exponent)
    np.testing.assert_allclose(posterior, [0, 1, 0, 0])
    assert float(divergence) == pytest.approx(np.log(4))


def test_donsker_varadhan():
    """KL(Q ‖ P) = E_Q f - ln E_P exp(f) for Q ∝ P exp(f), and no other law does better."""
    rng = np.random.default_rng(0)
    prior, f = rng.dirichlet(np.ones(6)), rng.normal(size=6)
    posterior, divergence = map(np.asarray, jax.jit(gibbs)(prior, f))
    best = posterior @ f - divergence
    assert best == pytest.approx(np.log(prior @ np.exp(f)))
    for q in rng.dirichlet(np.ones(6), 50):
        assert q @ f - (q * np.log(q / prior)).sum() <= best


def test_merging_and_padding_change_nothing():
    """Equal policies made one, impossible ones added: the same exact coverage."""
    doubled = Learning(np.repeat(SMALL.loss, 2, 0), SMALL.chance, np.repeat(SMALL.prior, 2) / 2)
    assert merged(doubled).loss.shape == SMALL.loss.shape
    wide = padded(SMALL)
    assert wide.loss.shape == (64, 8)
    reference = coverage(SMALL, 6, 0.3, [0.1])
    for other in (doubled, merged(doubled)):
        cell = coverage(other, 6, 0.3, [0.1])
        for a, b in zip(cell, reference, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_all_deterministic_policies():
    """A product over observations; each takes one legal action everywhere."""
    instance = specialists(types=2)
    probs = deterministic_policies(instance.mdp, instance.policy)
    legal = np.asarray(instance.mdp.legal)
    assert probs.shape[0] == len({p.tobytes() for p in np.asarray(probs)}) == 4 * 3**3
    np.testing.assert_array_equal(np.asarray(probs).sum(-1), np.ones(probs.shape[:2]))
    assert (np.asarray(probs)[:, ~legal] == 0).all()
    best = np.asarray(policy_losses(instance.mdp, probs)) @ instance.mdp.prompt_distribution
    assert 1 - best.min() == pytest.approx(0.8 + 0.2 * 2 / 3)


def test_specialists_need_the_tool():
    """Without it at most one type is solved; with it 4/5 of each and one more in vain."""
    for types in (3, 6):
        problem = specialist_problem(types)
        assert problem.loss.shape == (50, types)
        risk = np.asarray(problem.risk)
        assert risk.min() < np.median(risk)
    assert specialists(types=4).mdp.prompt_distribution.tolist() == [0.4, 0.3, 0.2, 0.1]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Learning([[0.5, 1.5]], [0.5, 0.5]), r"loss\[0, 1\] = 1.5"),
        (lambda: Learning([[0.5, float("nan")]], [0.5, 0.5]), r"loss\[0, 1\] = nan"),
        (lambda: Learning([[0.5, 0.5]], [0.5, 0.6]), "chance row = 1.1"),
        (lambda: Learning([[0.5, 0.5]], [1.0]), "chance = array of shape"),
        (lambda: Learning([[0.5]], [1.0], [0.5, 0.5]), "prior = array of shape"),
        (lambda: Learning([[0.5]], [1.0], target=[0.5]), "target row = 0.5"),
        (lambda: sampled_policies(search(1).policy, 0), "size = 0"),
        (lambda: specialists(types=0), "types = 0"),
        (lambda: specialists(4), "components = 4"),
    ],
)
def test_bad_input(make, named):
    """The field, the value and the expectation are named."""
    with pytest.raises(ValueError, match=named):
        make()


def test_too_many_deterministic_policies():
    """Their number is named."""
    instance = search(1)
    assert isinstance(instance.policy, Tabular)
    with pytest.raises(ValueError, match="deterministic policies: expected at most"):
        deterministic_policies(instance.mdp, instance.policy)
