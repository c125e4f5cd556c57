"""Silent groups whose components cancel: against all groups at many digits, for both engines."""

from fractions import Fraction
from itertools import product
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from helpers.cancelling_oracle import CASES, NAME, SIZES, expected, menu, never_taken, scores

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.batch_advantages import BatchRewards, batch_advantages
from grpo_checks.theory.estimators.group_counts import advantages
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.estimators.group_pairs import is_two_valued
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.silent import filtered_moments, silent_probabilities


def _engines(name: str) -> list[Any]:
    return ["counts", "lattice"] if is_two_valued(np.array(CASES[name][0], float)) else ["counts"]


@pytest.mark.parametrize(("name", "size", "ddof"), [*product(CASES, SIZES, (0, 1))])
def test_which_groups_are_silent(name, size, ddof):
    """Every group, and every advantage, of the table of count vectors."""
    rewards, weights, eps = CASES[name]
    listed = scores(name, size, ddof)
    counts = np.array([c for c, _, _ in listed])
    weights = np.array([float(Fraction(str(w))) for w in weights])
    estimator = Estimator(NAME, ddof, eps)
    values, speaks = advantages(np.array(rewards, float), weights, counts, estimator)
    assert speaks.tolist() == [any(s) for _, s, _ in listed]
    np.testing.assert_allclose(values, np.array([s for _, s, _ in listed], float), atol=1e-14)


_silent = jax.jit(silent_probabilities)


@jax.jit
def _both(*model):
    return silent_probabilities(*model)[0], filtered_moments(*model)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_probability_of_silence_and_what_speaks(name, size):
    """P(silent), and mean, V and number of episodes of groups that speak."""
    taken = np.linspace(-0.5, 0.7, len(CASES[name][0]))
    right = expected(name, size, taken)
    for engine in _engines(name):
        # The lattice knows that no group speaks from the model's rewards, those never taken too.
        mdp, logits = never_taken(name, taken) if engine == "counts" else (menu(name), taken[None])
        law = group_law(mdp, size, Estimator(NAME, 0, CASES[name][2]), engine, max(SIZES))
        if engine == "counts":
            # eps is in the table alone: under one name, models of one shape share a compilation.
            law = GroupLaw(Estimator(NAME), law.group_size, law.member, law.table)
        chance, observed = _both(mdp, Tabular(mdp), logits, law)
        assert float(chance) == pytest.approx(float(right.silent), rel=1e-13)
        if not right.speaks:
            assert float(observed.episodes) == np.inf
            assert float(observed.update.variance) == 0
            continue
        mean = np.append(np.array(right.mean, float), np.zeros(logits.size - taken.size))
        np.testing.assert_allclose(observed.update.mean, mean, atol=1e-12)
        assert float(observed.update.variance) == pytest.approx(float(right.variance), abs=1e-12)
        assert float(observed.episodes) == pytest.approx(float(size / right.speaks), rel=1e-11)


@pytest.mark.parametrize(("weights", "silent"), [([1, 1], 1.0), ([1, 2], 0.5)])
def test_two_rewards_that_cancel(weights, silent):
    """(1, 0) and (0, 1): with equal weights no group ever speaks; joint ones as composites say."""
    name = "opposed" if silent == 1 else "unequal weights"
    mdp = menu(name)
    for estimator in (NAME, "group_normalized", "mean_baseline", "leave_one_out"):
        law = group_law(mdp, 2, Estimator(estimator))
        policy = Tabular(mdp)
        chance = np.asarray(_silent(mdp, policy, policy.zeros(), law))[0]
        assert chance == silent, weights


def test_too_many_groups_are_refused():
    """Sixteen vectors of four components in groups of 64: moments are served, silence is not."""
    rewards = list(product([0, 1], repeat=4))
    CASES["sixteen"] = rewards, [1, 1, 1, 1], 0.0
    mdp = menu("sixteen")
    model = mdp, Tabular(mdp), Tabular(mdp).zeros(), group_law(mdp, 64, Estimator(NAME))
    for ask in (silent_probabilities, filtered_moments):
        with pytest.raises(ValueError, match=r"group_size = 64: too many groups may cancel"):
            eqx.filter_jit(ask)(*model)


CANCEL = [
    ([[1, 0], [0, 1]], [0.3, 0.3]),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 1]),
    ([[1, 0, 0], [0, 1, 1], [1, 0, 0], [1, 0, 0], [0, 1, 1]], [0.6, 0.2, 0.4]),
]


WHITENED = [Estimator(NAME, 1, 0.0, whiten=eps) for eps in (None, 0.0, 1e-8, 1e-4)]


@jax.jit
def _batches(vectors, weights):
    earned = BatchRewards(vectors @ weights, vectors, weights)
    return [batch_advantages(earned, estimator) for estimator in WHITENED]


@pytest.mark.parametrize(("rewards", "weights"), CANCEL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_components_that_cancel_give_exactly_zero(dtype, rewards, weights):
    """A rounding error would be whitened to a signal of size 1; with (1, 1, ..) they speak."""
    vectors, w = np.array([rewards], dtype), np.array(weights, dtype)
    spoken = vectors.copy()
    spoken[0, 0] = 1
    for silent, heard in zip(_batches(vectors, w), _batches(spoken, w), strict=True):
        assert silent.dtype == heard.dtype == dtype
        assert (np.asarray(silent) == 0).all()
        assert np.abs(np.asarray(heard)).min() > 1e-3
