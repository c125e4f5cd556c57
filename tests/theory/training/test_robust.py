"""Models at the edge of floating point: no wrong number, no crash, or one clear error."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import GOOD, menu

from grpo_checks.theory.convergence.confidence import samples_needed
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import plain_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import LogLinear, Tabular
from grpo_checks.theory.training.episodes import action_cdf, sample_episodes
from grpo_checks.theory.updates.moments import update_moments
from grpo_checks.theory.updates.policy_law import pair_moments

PLAIN = Estimator("leave_one_out")
_moments = eqx.filter_jit(update_moments)


@pytest.mark.parametrize("x", [0.0, 3.0, 30.0])
def test_a_constant_component_changes_no_variance(x):
    """A weight of 10^6 on a reward that never varies must not cancel V away, or below 0."""
    alone, beside = menu([[1], [0]], ["1e-5"]), menu([[1, 1], [1, 0]], ["1e6", "1e-5"])
    theta = jnp.array([[x, 0.0]])
    first, second = (
        _moments(mdp, Tabular(mdp), theta, plain_law(PLAIN, 2)).variance for mdp in (alone, beside)
    )
    assert np.isclose(float(second), float(first), rtol=1e-3)
    assert float(second) >= 0


def test_the_pair_term_is_never_negative():
    """2b - a = Var(R) E|s|^2 + |grad J|^2: N V is convex in G at every policy."""
    mdp = menu([[1, 0], [0, 1], [0.5, 0.5]], [1, 2])
    thetas = jax.random.normal(jax.random.key(0), (200, 1, 3)) * 5
    excess = jax.jit(jax.vmap(lambda t: pair_moments(mdp, Tabular(mdp), t).excess))(thetas)
    assert float(excess.min()) >= 0


def test_layers_without_tools_are_sampled():
    """D > 0 with no tool at all: the second layer is unreachable, and nothing is indexed there."""
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1, 0]],
        depth=[0, 1],
        tool_transition=[],
        legal=[[True, True], [True, True]],
        reward=[[[[1], [0]], [[0], [0]]]],
        weights=[1],
    )
    policy = Tabular(mdp)
    chances = Chances(mdp)

    @jax.jit
    def episodes(key):
        cdf = action_cdf(policy.probs(policy.zeros()))
        return sample_episodes(key, chances, cdf, jnp.zeros(100, int))

    assert np.asarray(episodes(jax.random.key(0)).taken).sum() == 100


def test_features_that_drown_a_step_are_refused():
    """Beyond 10^6 a step of theta would be rounded to nothing, and a true theorem refuted."""
    mdp = TAMDP(**GOOD)
    phi = np.zeros((*mdp.legal.shape, 1))
    phi[0, 1] = 1e17
    with pytest.raises(ValueError, match=r"features\[0, 1, 0\] = 1e\+17"):
        LogLinear(mdp, phi)


def test_a_slack_too_small_for_any_sample():
    """The smallest bet sets a floor: infinity, not a wrong number and not an overflow."""
    assert samples_needed(0.002, 0.5, 0.5, 0.001) == np.inf
    assert samples_needed(1e-200, 0.5, 0.5, 0.001) == np.inf
    assert 0 < samples_needed(0.1, 0.1, 0.5, 0.001) < 1000
