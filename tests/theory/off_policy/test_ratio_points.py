"""Cumulative ratios with outcome rewards: what arXiv:2605.07331 says of rewards per step.

Two binary decisions, the second answers; R = 1 for its second answer, no baseline: an update is
R sum_t W_t s_t of one episode. Expected values are exact, by listing the four episodes.
"""

from fractions import Fraction
from itertools import product

import jax
import numpy as np
import pytest

from grpo_checks.theory.evaluation.episode_listing import walks
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular
from grpo_checks.theory.off_policy.listed_scores import listed_scores
from grpo_checks.theory.off_policy.weighted_scores import (
    cumulative_scores,
    product_scores,
    token_scores,
)
from grpo_checks.theory.off_policy.weights import TokenWeights, clipped, ratios
from grpo_checks.theory.updates.rounding import accumulated

HALF = Fraction(1, 2)
OFF = 4 * accumulated(100)
"""Four episodes of two steps, weights below 3 and scores below 1."""


def _bias(e):
    """pi and mu after either first action: they agree after the second one."""
    return [(HALF + e, HALF - e), (HALF, HALF)], [(HALF - e, HALF + e), (HALF, HALF)]


def _mirrored(p):
    return [(p, 1 - p)] * 2, [(1 - p, p)] * 2


def _exactly(later, kind):
    """Mean by (state, action) and total variance of one episode's update, in fractions."""
    pi, mu = later
    chances, updates = [], []
    for a, b in product((0, 1), repeat=2):
        rho = pi[a][b] / mu[a][b]
        first = rho if kind == "product" else Fraction(1)
        g = [Fraction(0)] * 6
        for i in (0, 1):
            g[i] = b * first * ((i == a) - HALF)
            g[2 + 2 * a + i] = b * rho * ((i == b) - pi[a][i])
        chances.append(HALF * mu[a][b])
        updates.append(g)
    mean = [sum(c * g[i] for c, g in zip(chances, updates, strict=True)) for i in range(6)]
    square = sum(c * x * x for c, g in zip(chances, updates, strict=True) for x in g)
    return mean, square - sum(m * m for m in mean)


MDP = TAMDP(
    prompt_distribution=[1],
    initial_distribution=[[1, 0, 0]],
    depth=[0, 1, 1],
    tool_transition=[[[0, 1, 0], [0, 0, 1]], [[0] * 3] * 2, [[0] * 3] * 2],
    legal=[[True, True, False, False]] + [[False, False, True, True]] * 2,
    reward=[[[[0], [1]]] * 3],
    weights=[1],
)


def _table(rows):
    """Probabilities of the first decision, uniform, and of the second ones."""
    first, later = [[0.5, 0.5, 0.0, 0.0]], [[0.0, 0.0, *map(float, row)] for row in rows]
    return np.array(first + later)


def _at(later):
    policy, (pi, mu) = Tabular(MDP), map(_table, later)
    theta = np.log(np.where(pi > 0, pi, 1.0))
    return MDP, policy, jax.device_put(theta), jax.device_put(mu)


@jax.jit
def _all_kinds(mdp, policy, theta, sampler):
    rho, at = ratios(policy.probs(theta), sampler), (mdp, policy, theta, sampler)
    token = token_scores(*at, TokenWeights(rho, rho))
    return {"token": token, "product": product_scores(*at), "cumulative": cumulative_scores(*at)}


def _seen(later):
    """Mean by (state, action) and variance of R times a weighted score."""
    earned = np.asarray(MDP.class_composite)
    for kind, scores in _all_kinds(*_at(later)).items():
        mean = earned @ np.asarray(scores.mean[0, 0])
        square = earned**2 @ np.asarray(scores.square[0, 0])
        yield kind, mean.reshape(3, 4), float(square - mean @ mean)


@pytest.mark.parametrize(
    ("later", "variances"),
    [
        (_bias(Fraction(1, 4)), (Fraction(219, 512), Fraction(401, 1536))),
        (_bias(Fraction(1, 40)), None),
        (_mirrored(Fraction(3, 4)), (Fraction(111, 256), Fraction(77, 768))),
    ],
)
def test_points_of_outcome_rewards(later, variances):
    """Means, and variances of the whole update (six logits), cumulative beside full product."""
    exact = {kind: _exactly(later, kind) for kind in ("token", "product", "cumulative")}
    for kind, mean, variance in _seen(later):
        first, rest = mean[0, :2], mean[1:, 2:].reshape(-1)
        expected = np.array([float(x) for x in exact[kind][0]])
        np.testing.assert_allclose([*first, *rest], expected, atol=OFF, rtol=0)
        assert variance == pytest.approx(float(exact[kind][1]), abs=OFF)
    if variances is not None:
        assert (exact["cumulative"][1], exact["product"][1]) == variances


def test_the_first_step_goes_the_wrong_way():
    """(e/4, -e/4) for (-e/4, e/4), with a cumulative or token ratio, clipped or not."""
    for e in (Fraction(1, 4), Fraction(1, 40)):
        right = [-e / 4, e / 4]
        assert _exactly(_bias(e), "product")[0][:2] == right
        for kind in ("cumulative", "token"):
            assert _exactly(_bias(e), kind)[0][:2] == right[::-1]
    weigh = lambda ratio: clipped(ratio, Clipping(0.2))  # noqa: E731
    scores = listed_scores(*_at(_bias(Fraction(1, 40))), "cumulative", weigh)
    first = np.asarray(MDP.class_composite) @ np.asarray(scores.mean[0, 0]).reshape(-1, 3, 4)[:, 0]
    np.testing.assert_allclose(first[:2], [1 / 160, -1 / 160], atol=OFF, rtol=0)


def test_the_variance_is_no_smaller():
    """Without a bias: 333/77 of the full product's, and 29.8 times where policies differ more."""
    ratio = []
    for p in (Fraction(3, 4), Fraction(9, 10)):
        (mean, cumulative), (same, full) = (
            _exactly(_mirrored(p), kind) for kind in ("cumulative", "product")
        )
        assert mean == same
        ratio.append(cumulative / full)
    assert ratio[0] == Fraction(333, 77)
    assert round(float(ratio[1]), 1) == 29.8


SECOND = (Fraction(1, 4), Fraction(3, 4))
"""mu of the second decision, after either first one; else both policies are uniform."""
EARNED = ((Fraction(1, 3), Fraction(1)), (Fraction(0), Fraction(2, 3)))
"""By both actions."""


def _true_advantages(a, b):
    """Of pi, of the first and the second decision."""
    after = [sum(row) / 2 for row in EARNED]
    return after[a] - sum(after) / 2, EARNED[a][b] - after[a]


def _summed(kind, shared):
    """Mean and variance of sum_t W_t A_t s_t: of one logit of both decisions, or of three."""
    chances, updates = [], []
    for a, b in product((0, 1), repeat=2):
        rho = HALF / SECOND[b]
        first, later = (A * (HALF - x) for A, x in zip(_true_advantages(a, b), (a, b), strict=True))
        g = [first * (rho if kind == "product" else 1), Fraction(0), Fraction(0)]
        g[0 if shared else 1 + a] += later * rho
        chances.append(HALF * SECOND[b])
        updates.append(g)
    mean = [sum(c * g[i] for c, g in zip(chances, updates, strict=True)) for i in range(3)]
    square = sum(c * x * x for c, g in zip(chances, updates, strict=True) for x in g)
    return mean, square - sum(m * m for m in mean)


def test_the_variance_of_a_sum_with_true_advantages():
    """Shared logit: 1/108 for ratios up to t, 1/432 for the full product; less only for a table."""
    down = [-Fraction(1, 12), 0, 0]
    assert _summed("cumulative", True) == (down, Fraction(1, 108))
    assert _summed("product", True) == (down, Fraction(1, 432))
    (mean, cumulative), (same, full) = (_summed(k, False) for k in ("cumulative", "product"))
    assert mean == same
    assert cumulative < full


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("kind", ["cumulative", "product"])
def test_listed_sums_with_true_advantages(kind, shared):
    """The listing of the suite, whose weights take the advantages in, against fractions."""
    _, _, _, mu = _at(([(HALF, HALF)] * 2, [SECOND] * 2))
    features = np.zeros((3, 4, 3))
    for state, action, parameter in ((0, 0, 0), (1, 2, 1), (2, 2, 2)):
        features[state, action, 0 if shared else parameter] = 1
    policy = LogLinear(MDP, features)
    taken = [[action % 2 for _, action in walk.steps] for walk in walks(MDP, 0, np.asarray(mu))]
    worth = np.array([_true_advantages(a, b) for a, b in taken], float)
    weigh = lambda ratio: TokenWeights(ratio * worth, ratio * worth)  # noqa: E731
    scores = listed_scores(MDP, policy, policy.zeros(), mu, kind, weigh)
    mean, square = np.asarray(scores.mean[0, 0]).sum(0), float(scores.square[0, 0].sum())
    expected, variance = _summed(kind, shared)
    np.testing.assert_allclose(mean, [float(x) for x in expected], atol=OFF, rtol=0)
    assert square - mean @ mean == pytest.approx(float(variance), abs=OFF)
