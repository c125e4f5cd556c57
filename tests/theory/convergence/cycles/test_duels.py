"""Groups of two by the wins of pairs, against groups that are listed one by one."""

from fractions import Fraction
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.convergence.cycles.duels import duel_update, duels
from grpo_checks.theory.estimators.advantages import Estimator

SHAPE = (3, 3, 4, 2)
"""Prompts, actions, outcomes, components."""


def _model(seed):
    """Chances and rewards as fractions with small denominators."""
    rng = np.random.default_rng(seed)
    q, a, o, k = SHAPE
    share, law = rng.integers(1, 5, q), rng.integers(0, 4, (q, a, o)) + np.eye(a, o, dtype=int)
    share = [Fraction(int(x), int(share.sum())) for x in share]
    outcome = [[[Fraction(int(x), int(row.sum())) for x in row] for row in rows] for rows in law]
    rewards = [[Fraction(int(x), 4) for x in row] for row in rng.integers(0, 5, (o, k))]
    weights = [Fraction(int(x), 3) for x in rng.integers(1, 4, k)]
    return share, outcome, rewards, weights


def _advantage(first, second, weights, estimator):
    """Of the first of two reward vectors, by the definition; sd of two numbers is |x - y|/2."""
    if estimator.name == "componentwise_normalized":
        return sum(w * _sign(x - y) for w, x, y in zip(weights, first, second, strict=True))
    gap = sum(w * (x - y) for w, x, y in zip(weights, first, second, strict=True))
    half = {"mean_baseline": gap / 2, "leave_one_out": gap}
    return half.get(estimator.name, _sign(gap))


def _sign(x):
    return (x > 0) - (x < 0)


def _listed_update(model, policy, estimator):
    """E[g] over all pairs of episodes: g = (A_1 s_1 + A_2 s_2)/2."""
    share, outcome, rewards, weights = model
    actions, total = range(len(policy)), [Fraction(0)] * len(policy)
    episodes = list(product(actions, range(len(rewards))))
    for rho, table in zip(share, outcome, strict=True):
        for (a, x), (b, y) in product(episodes, episodes):
            chance = rho * policy[a] * table[a][x] * policy[b] * table[b][y]
            if not chance:
                continue
            pull = chance * _advantage(rewards[x], rewards[y], weights, estimator) / 2
            for i in actions:
                total[i] += pull * (((i == a) - policy[i]) - ((i == b) - policy[i]))
    return total


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "name", ["group_normalized", "componentwise_normalized", "leave_one_out", "mean_baseline"]
)
def test_update_of_pairs(name, seed):
    """pi_a (S pi)_a, S enclosed, is the expected update of all listed pairs, as fractions."""
    model, estimator = _model(seed), Estimator(name)
    policy = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]
    s = enclose(lambda *arrays: duels(*arrays, estimator))(*map(exact, model))
    field = [
        p * sum(Fraction(str(x)) * q for x, q in zip(row, policy, strict=True))
        for p, row in zip(policy, s, strict=True)
    ]
    assert field == _listed_update(model, policy, estimator)


def test_divisors_of_the_trainers():
    """ddof = 1 and eps: d/(sqrt(2) |d| + 2 eps) for the difference d of two rewards."""
    estimator = Estimator("group_normalized", ddof=1, eps=1e-4)
    model = (np.ones(1), np.eye(2)[None], np.array([[0.75], [0.25]]), np.ones(1))
    s = duels(*map(jnp.array, model), estimator)
    np.testing.assert_allclose(s[0, 1], 0.5 / (2**0.5 * 0.5 + 2e-4), rtol=1e-14)
    np.testing.assert_allclose(np.asarray(s), -np.asarray(s).T, rtol=1e-14)


def test_update_at_logits():
    """``duel_update`` is the field at the softmax of its logits."""
    s, theta = np.array([[0, 0.3, -0.2], [-0.3, 0, 0.1], [0.2, -0.1, 0]]), np.array([0.5, 0, -2.0])
    policy = np.exp(theta) / np.exp(theta).sum()
    np.testing.assert_allclose(
        jax.jit(duel_update)(jnp.array(s), jnp.array(theta)), policy * (s @ policy), rtol=1e-14
    )
