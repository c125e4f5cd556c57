"""Next to certainty: gradients, scores, variances against 700 digits, from theta = -700 to 700.

The relative accuracy is that of the logits: a probability is off by |theta| roundings, and a sum of
a few products by a few more.
"""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from helpers import certainty_oracle as oracle

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.evaluation.batched_values import lane_moments
from grpo_checks.theory.evaluation.score import score_moments
from grpo_checks.theory.evaluation.values import gradient, law_gradients, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.updates.moments import expected_update, prompt_moments
from grpo_checks.theory.updates.policy_law import pair_moments
from grpo_checks.theory.updates.silent import filtered_moments

EPS = float(np.finfo(float).eps)
POINTS = (-700.0, -50.0, -37.0, -25.0, -1.0, 0.5, 36.5, 37.0, 50.0, 300.0)
mp.mp.dps = oracle.DIGITS


def _model(rewards: Any, legal: Any = None, depth: Any = (0,), transition: Any = None) -> TAMDP:
    n_states, n_answers = len(rewards), len(rewards[0])
    tools = len(transition[0]) if transition else 0
    return TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[int(s == 0) for s in range(n_states)]],
        depth=list(depth),
        tool_transition=transition or [],
        legal=[[True] * (tools + n_answers)] * n_states if legal is None else legal,
        reward=[[[[r] for r in row] for row in rewards]],
        weights=[1],
    )


BANDIT = _model([[1, 0]])
THREE = _model([[1, "1/2", 0, 1]], [[True, True, True, False]])
# Two calls that lead to states in which success is all but certain: what tells them apart is tiny.
LAYERS = _model(
    [[0, 0], [1, 0], [1, 0]],
    [[True, True, False, False], [False, False, True, True], [False, False, True, True]],
    (0, 1, 1),
    [[[0, 1, 0], [0, 0, 1]], *[[[0, 0, 0]] * 2] * 2],
)
LINE = LogLinear(BANDIT, [[[1.0, 0.5], [-0.5, 0.25]]])
CASES: dict[str, tuple[TAMDP, Policy, Any]] = {
    "bandit": (BANDIT, Tabular(BANDIT), lambda x: [[x, 0]]),
    "three": (THREE, Tabular(THREE), lambda x: [[x, x / 2, 0, 0]]),
    "log-linear": (BANDIT, LINE, lambda x: [x / 2, x / 8]),
    "layers": (
        LAYERS,
        Tabular(LAYERS),
        lambda x: [[0, 0.5, 0, 0], [0, 0, x, 0], [0, 0, x + 0.5 * np.sign(x), 0]],
    ),
}


@cache
def _compiled(name: str) -> Any:
    mdp, policy, _ = CASES[name]
    chances = Chances(mdp)

    @jax.jit
    def quantities(theta: jax.Array) -> dict[str, Any]:
        lane = lane_moments(chances, policy, theta[..., None])
        return {
            "gradient": gradient(mdp, policy, theta),
            "autodiff": jax.grad(lambda t: value(mdp, policy, t))(theta),
            "laws": law_gradients(mdp, policy, theta)[0],
            "sigma2": score_moments(mdp, policy, theta)[0],
            "pairs": pair_moments(mdp, policy, theta),
            "lane": lane.gradient[0, :, 0],
            "lane noise": (lane.spread[0, 0], lane.excess[0, 0]),
        }

    return quantities


def _near(observed: Any, expected: Any, roundings: float) -> None:
    """Every entry to its own digits; underflow gives 0."""
    flat = np.ravel(np.asarray(observed))
    expected = [mp.mpf(x) for x in np.ravel(np.array(expected, dtype=object))]
    for ours, right in zip(flat.tolist(), expected, strict=True):
        assert np.isfinite(ours)
        if abs(right) < mp.mpf("1e-307"):
            assert abs(ours) < 1e-306
        else:
            assert abs(mp.mpf(ours) / right - 1) < roundings * EPS, (ours, right)


def _near_mean(observed: Any, chances: Any, vectors: Any, roundings: float) -> None:
    """Relative to E|x_i|, since different groups may cancel; that is tiny where x_i is."""
    sizes = oracle.mean(chances, [[abs(x) for x in v] for v in vectors])
    right = oracle.mean(chances, vectors)
    for ours, exact, size in zip(np.ravel(observed).tolist(), right, sizes, strict=True):
        assert abs(ours - exact) <= roundings * EPS * size + mp.mpf("1e-307"), (ours, exact)


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("name", CASES)
def test_gradients_and_scores(name, x):
    """Every component of grad J, of grad p(v), E|s|^2 1{v}, tr Cov((R-mu)s); lanes likewise."""
    mdp, policy, at = CASES[name]
    theta = jnp.asarray(at(x), float)
    listed = oracle.episodes(mdp, policy, theta, 0)
    p, mu = [e.chance for e in listed], mp.fsum(e.chance * e.reward for e in listed)
    central = [[(e.reward - mu) * s for s in e.score] for e in listed]
    slope = oracle.mean(p, central)
    observed, roundings = _compiled(name)(theta), 40 + 4 * abs(x)
    _near(observed["gradient"], slope, roundings)
    if name != "layers":
        # Derivatives of the value keep first differences; the layers need second ones.
        _near(observed["autodiff"], slope, roundings)
    _near(observed["lane"], slope, roundings)
    for v, r in enumerate(np.asarray(mdp.class_composite).tolist()):
        chances = [e.chance if abs(e.reward - r) < 1e-9 else mp.mpf(0) for e in listed]
        _near(observed["laws"][v], oracle.mean(chances, [e.score for e in listed]), roundings)
        squares = [oracle.norm2(e.score) for e in listed]
        _near(observed["sigma2"][v], [mp.fdot(chances, squares)], 2 * roundings)
    spread = oracle.variance(p, central)
    varied = mp.fsum(e.chance * (e.reward - mu) ** 2 for e in listed)
    excess = varied * mp.fsum(e.chance * oracle.norm2(e.score) for e in listed)
    excess += oracle.norm2(slope)
    _near(observed["pairs"].spread, [spread], 3 * roundings)
    _near(observed["pairs"].excess, [excess], 3 * roundings)
    # A lane forms the spread as a difference, right to roundings of E[(R-mu)^2 |s|^2].
    total = float(spread + oracle.norm2(slope))
    assert abs(float(observed["lane noise"][0]) - float(spread)) <= 3 * roundings * EPS * total
    _near(observed["lane noise"][1], [excess], 3 * roundings)


GROUPS = [
    (2, Estimator("group_normalized")),
    (3, Estimator("group_normalized", 1, 1e-4)),
    (4, Estimator("group_normalized", 0, 0.3)),
    (3, Estimator("leave_one_out")),
]


@jax.jit
def _updates(*model):
    return prompt_moments(*model), filtered_moments(*model), expected_update(*model)


@cache
def _law(name: str, size: int, estimator: Estimator) -> GroupLaw:
    """Tables for groups of four, by one estimator's name: all share a program for each model."""
    law = group_law(CASES[name][0], size, estimator, "counts", 4)
    return GroupLaw(GROUPS[0][1], law.group_size, law.member, law.table)


@pytest.mark.parametrize(("size", "estimator"), GROUPS, ids=str)
@pytest.mark.parametrize("x", [-40.0, -26.0, -25.0, 0.0, 0.5, 50.0, 300.0])
@pytest.mark.parametrize("name", ["bandit", "log-linear", "three"])
def test_updates_and_groups_that_speak(name, x, size, estimator):
    """Mean and V of an update, and the same of groups that speak, to their own digits."""
    mdp, policy, at = CASES[name]
    theta = jnp.asarray(at(x), float)
    listed = oracle.episodes(mdp, policy, theta, 0)
    law = _law(name, size, estimator)
    chances, moves, speaks = oracle.updates(
        listed, size, estimator.name, estimator.ddof, estimator.eps
    )
    moments, kept, field = _updates(mdp, policy, theta, law)
    roundings = (40 + 4 * abs(x)) * size**2
    _near_mean(moments.mean, chances, moves, roundings)
    _near(moments.variance, [oracle.variance(chances, moves)], 2 * roundings)
    chance = mp.fsum(c for c, s in zip(chances, speaks, strict=True) if s)
    share = [c / chance if s else mp.mpf(0) for c, s in zip(chances, speaks, strict=True)]
    _near_mean(kept.update.mean, share, moves, roundings)
    variance, right = float(kept.update.variance), oracle.variance(share, moves)
    assert variance >= 0
    # Where all groups that speak are alike V is 0; the oracle has rounding left.
    scale = mp.fdot(share, [oracle.norm2(v) for v in moves])
    assert abs(variance - right) <= 2 * roundings * EPS * right + mp.mpf("1e-40") * scale
    assert float(kept.episodes) == pytest.approx(float(size / chance), rel=roundings * EPS)
    _near_mean(field, chances, moves, roundings)


def test_mirrored_models_agree():
    """theta = 50 and -50 with the rewards exchanged: one model, written twice, to the bit."""
    other = _model([[0, 1]])
    observed = [
        jax.jit(pair_moments)(m, Tabular(m), jnp.array([[t, 0.0]]))
        for m, t in ((BANDIT, 50.0), (other, -50.0))
    ]
    for x, y in zip(*observed, strict=True):
        np.testing.assert_allclose(np.abs(x), np.abs(y), rtol=4 * EPS)
