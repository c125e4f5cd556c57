"""Baselines and scales of single trainers, by their definitions, written out member by member."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator, group_advantages
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.rules.presets import preset

# Silent groups of 0 and of another reward, one best and two, zeros and none.
REWARDS = np.array([[0.0, 0, 0], [0.7, 0.7, 0.7], [0, 0.5, 2], [1.5, 0.25, 1.5], [0, 0, 0.3]])
LENGTHS = np.array([[1.0, 2, 3], [1, 2, 3], [4, 1, 2], [1, 1, 3], [2, 5, 1]])
GREEDY = np.array([0.0, 0.7, 2.0, 0.25, 0.0])


def _opo(r, lengths, _):
    return r - (lengths * r).sum() / lengths.sum()


def _gpg(r, *_):
    return REWARDS.size / np.count_nonzero(REWARDS) * (r - r.mean())


def _remax(r, _, greedy):
    return r - greedy


def _passk(r, *_):
    second, first = np.sort(r)[-2:]
    gain = np.zeros_like(r)
    gain[np.argmax(r)] = (first - second) / (r.std(ddof=1) + 1e-6)
    return gain


def _maxrl(r, *_):
    return (r - r.mean()) / (r.mean() + 1e-6) if r.any() else np.zeros_like(r)


DEFINITIONS: dict[str, Callable[..., np.ndarray]] = {
    "verl-opo": _opo,
    "verl-gpg": _gpg,
    "verl-remax": _remax,
    "verl-passk": _passk,
    "maxrl": _maxrl,
}


def test_definitions():
    """All five in one program; no more than a few roundings of numbers up to 4."""
    earned = BatchRewards(
        jax.device_put(REWARDS), lengths=jax.device_put(LENGTHS), greedy=jax.device_put(GREEDY)
    )
    rules = [preset(name).rule.estimator for name in DEFINITIONS]
    every = jax.jit(lambda x: [batch_advantages(x, rule) for rule in rules])(earned)
    for name, ours in zip(DEFINITIONS, every, strict=True):
        rows = zip(REWARDS, LENGTHS, GREEDY, strict=True)
        expected = [DEFINITIONS[name](*row) for row in rows]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=40 * np.finfo(float).eps)
        assert (np.asarray(ours)[:2] == 0).all()


@pytest.mark.parametrize("name", ["batch_scaled", "length_weighted", "mean_normalized"])
def test_one_groups_rewards_are_not_enough(name):
    """No estimator falls through to a division by an sd."""
    with pytest.raises(ValueError, match=f"estimator = '{name}': expected one of "):
        group_advantages(jnp.arange(3.0), Estimator(name))


def test_a_greedy_baseline_is_asked_for():
    """Not taken for 0."""
    with pytest.raises(ValueError, match="greedy = None: expected rewards"):
        batch_advantages(BatchRewards(jnp.ones((2, 2))), Estimator("greedy_baseline"))
