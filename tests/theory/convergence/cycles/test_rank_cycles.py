"""The ring that a run does not leave, by definition: sums over policies, pairs and steps."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.convergence.cycles.rank_cycles import (
    circle,
    circle_weights,
    growth_limit,
    noisy_growth_limit,
    potential,
    run,
)

WINS = [(1 / 3, 1 / 3, 1 / 3), (0.1, 0.5, 0.9), (-0.2, -0.3, -0.1)]


_circle = jax.jit(lambda wins: (circle(wins), circle_weights(wins)))
_potential, _slope = jax.jit(potential), jax.jit(jax.grad(potential, argnums=1))
_growth, _noisy, _run = (jax.jit(f) for f in (growth_limit, noisy_growth_limit, run))


def _field(wins):
    """S and w, as NumPy arrays."""
    return tuple(map(np.asarray, _circle(np.array(wins))))


def _softmax(theta):
    odds = np.exp(theta - theta.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def _starts(n):
    theta = 1.5 * np.random.default_rng(0).normal(size=(n, 3))
    return theta - theta.mean(1, keepdims=True)


@pytest.mark.parametrize("wins", WINS)
def test_weights_balance_the_wins(wins):
    """S is antisymmetric with these entries, S w = 0 and w > 0."""
    s, w = _field(wins)
    assert (s == -s.T).all()
    assert (s[0, 1], s[1, 2], s[2, 0]) == wins
    np.testing.assert_allclose(s @ w, 0, atol=1e-17)
    assert (w > 0).all()


@pytest.mark.parametrize("wins", WINS)
def test_a_penalty_pulls_towards_the_zero(wins):
    """Step 6: the rate of Phi along E[g] - beta grad KL, by automatic differentiation."""
    s, w = _field(wins)
    reference, beta = _softmax(np.array([0.3, -0.7, 0.4])), 0.25

    def kl(p, q, log=np.log):
        return (p * log(p / q)).sum()

    pull = jax.jit(jax.grad(lambda at: kl(jax.nn.softmax(at), reference, jnp.log)))
    for theta in _starts(20):
        policy, slope, away = _softmax(theta), np.asarray(_slope(w, theta)), np.asarray(pull(theta))
        rate = slope @ (policy * (s @ policy) - beta * away)
        v = w / w.sum()
        balance = kl(v, policy) + kl(policy, reference) - kl(v, reference)
        expected = -beta * w.sum() / np.exp(theta).sum() * balance
        np.testing.assert_allclose(rate, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("wins", WINS)
def test_second_order_term(wins):
    """The quotient of step 3 of the proof, on a fine simplex, against kappa."""
    s, w = _field(wins)
    policy = np.array([(i, j, 300 - i - j) for i in range(1, 299) for j in range(1, 300 - i)]) / 300
    quotient = (w * policy * (policy @ s.T) ** 2).sum(1) / (w / policy).sum(1)
    kappa = w.prod() ** 2 / (108 * w.min() ** 4)
    assert quotient.max() <= kappa
    # For equal weights the limit is not far off: a lower constant would be wrong.
    if len({*wins}) == 1:
        assert quotient.max() > 0.8 * kappa


@pytest.mark.parametrize(("wins", "reach"), list(product(WINS, (0.5, 4.0))))
def test_growth_along_runs(wins, reach):
    """Step by step in NumPy: the sum of theta is kept, Phi never falls and stays on its ring."""
    s, w = _field(wins)
    limit, step = float(_growth(w, np.array(reach))), reach / np.sqrt(50)
    for theta in _starts(8):
        at, path = theta, [w @ np.exp(-theta)]
        for _ in range(50):
            policy = _softmax(at)
            at = at + step * policy * (s @ policy)
            path.append(w @ np.exp(-at))
        grown = np.diff(np.log(path))
        assert grown.min() > -1e-14
        assert grown.sum() <= limit
        np.testing.assert_allclose(at.sum(), 0, atol=1e-13)
    end = _run(s, theta, np.array(step), 50)
    np.testing.assert_allclose(end, at, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(_potential(w, end), path[-1], rtol=1e-12)


@pytest.mark.parametrize("wins", WINS)
def test_growth_with_noise(wins):
    """One sampled pair: E Phi over all pairs rises, by no more than its limit."""
    s, w = _field(wins)
    limits = {step: float(_noisy(w, np.array(step))) for step in (0.1, 1.0)}
    for theta, step in product(_starts(20), (0.1, 1.0)):
        policy, before, after = _softmax(theta), w @ np.exp(-theta), 0.0
        for a, b in product(range(3), range(3)):
            # Of |S_ab| of the pairs one wins; the rest are ties.
            moved = np.zeros(3)
            moved[a] += np.sign(s[a, b]) / 2
            moved[b] -= np.sign(s[a, b]) / 2
            won = w @ np.exp(-theta - step * moved)
            after += policy[a] * policy[b] * (abs(s[a, b]) * won + (1 - abs(s[a, b])) * before)
        assert -1e-14 * before < after - before <= limits[step]
