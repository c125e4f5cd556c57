"""KL of episode laws at the edges: excluded actions, and probabilities that underflow."""

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.evaluation.values import episode_kl
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular

_kl = jax.jit(episode_kl)


def _close(ours, oracle):
    np.testing.assert_allclose(ours, oracle, atol=1e-12, rtol=1e-12)


def test_kl_is_infinite_where_an_action_is_excluded():
    """Only where it is taken; an action that both exclude adds nothing."""
    mdp = conflict().mdp
    both, first = jnp.log(jnp.full((2, 2), 0.5)), jnp.log(jnp.array([[1.0, 0.0]] * 2))
    _close(_kl(mdp, both, first), [np.inf, np.inf])
    _close(_kl(mdp, first, both), [np.log(2), np.log(2)])
    _close(_kl(mdp, first, first), [0, 0])


def test_kl_to_a_policy_whose_probability_underflows():
    """Uniform against a logit of 800: 400 - ln 2 up to e^-800, not infinity; slopes too."""
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1]],
        depth=[0],
        tool_transition=[],
        legal=[[True, True]],
        reward=[[[[1], [0]]]],
        weights=[1],
    )
    policy = Tabular(mdp)
    theta, far = policy.zeros(), jnp.array([[800.0, 0.0]])
    logs = jax.jit(lambda t: policy.log_probs(t))
    uniform, sure = logs(theta), logs(far)
    _close(_kl(mdp, uniform, sure), [400 - np.log(2)])
    _close(_kl(mdp, sure, uniform), [np.log(2)])
    slope = jax.jit(jax.grad(lambda t: episode_kl(mdp, uniform, policy.log_probs(t))[0]))
    _close(slope(far), [[0.5, -0.5]])
    slope = jax.jit(jax.grad(lambda t: episode_kl(mdp, policy.log_probs(t), uniform)[0]))
    _close(slope(far), [[0.0, 0.0]])
