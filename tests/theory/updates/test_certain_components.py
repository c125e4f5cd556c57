"""Next to certainty with several components: both engines against 700 digits."""

import jax
import mpmath as mp
import numpy as np
import pytest
from helpers import cancelling_oracle as oracle

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import GroupLaw, group_law
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.moments import prompt_moments
from grpo_checks.theory.updates.silent import filtered_moments, silent_probabilities

EPS = float(np.finfo(float).eps)
POINTS = (-300.0, -40.0, -25.0, 25.0, 37.0, 300.0)
SIZE = 4
NAMES = (
    "unequal weights",
    "a third that varies",
    "scales that eps makes cancel",
    "three, eps",
    "four",
)
SPEAKING = ("unequal weights", "scales that eps makes cancel")
"""Two answers; the second cancel in groups of two each, not in those of three and one."""


@jax.jit
def _found(*model):
    return silent_probabilities(*model)[0], prompt_moments(*model), filtered_moments(*model)


def _case(name, x, engine):
    """Moments, the right ones, and roundings: a probability is off by |x| of them."""
    taken = x * np.linspace(1, 0, len(oracle.CASES[name][0]))
    mdp, logits = oracle.menu(name), taken[None]
    if engine == "counts":
        mdp, logits = oracle.never_taken(name, taken)
    law = group_law(mdp, SIZE, Estimator(oracle.NAME, 0, oracle.CASES[name][2]), engine)
    if engine == "counts":
        # eps is in the table alone.
        law = GroupLaw(Estimator(oracle.NAME), law.group_size, law.member, law.table)
    right = oracle.expected(name, SIZE, taken)
    return _found(mdp, Tabular(mdp), logits, law), right, (40 + 4 * abs(x)) * SIZE**2


def _means(vectors, right):
    """Of each answer; those that are never taken do not move."""
    means = np.asarray(vectors).tolist()
    assert not any(means[len(right.mean) :])
    return zip(means[: len(right.mean)], right.mean, right.size, strict=True)


def _agree(silent, moments, kept, right, roundings):
    """All but V of groups that speak."""
    assert float(silent) == pytest.approx(float(right.silent), rel=roundings * EPS)
    episodes = float(SIZE / right.speaks)
    assert float(kept.episodes) == pytest.approx(episodes, rel=roundings * EPS)
    for ours, mean, size in _means(kept.update.mean, right):
        assert abs(ours - mean) <= roundings * EPS * size + mp.mpf("1e-307")
    square = mp.fsum(m * m for m in right.mean)
    variance = right.speaks * (right.variance + right.silent * square)
    assert abs(float(moments.variance[0]) / variance - 1) <= 2 * roundings * EPS


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("name", NAMES)
def test_listed_groups_keep_their_digits(name, x):
    """Chance of silence, mean and V with and without silent groups, number of episodes."""
    (silent, moments, kept), right, roundings = _case(name, x, "counts")
    _agree(silent, moments, kept, right, roundings)
    for ours, mean, size in _means(moments.mean[0], right):
        assert abs(ours - right.speaks * mean) <= roundings * EPS * right.speaks * size
    variance = float(kept.update.variance)
    assert variance >= 0
    off = 2 * roundings * EPS * right.variance + mp.mpf("1e-40") * right.square
    assert abs(variance - right.variance) <= off


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("name", SPEAKING)
def test_the_lattice_keeps_those_of_second_moments(name, x):
    """V of groups that speak is a difference there: right to roundings of E|g|^2, never below 0.

    Of what E|g|^2 were if components did not cancel each other.
    Pairs of members know no more: where all groups that speak are alike, V itself has no digits.
    """
    (silent, moments, kept), right, roundings = _case(name, x, "lattice")
    _agree(silent, moments, kept, right, roundings)
    variance = float(kept.update.variance)
    assert variance >= 0
    assert abs(variance - right.variance) <= roundings * EPS * right.square


@pytest.mark.parametrize("x", POINTS)
@pytest.mark.parametrize("estimator", ["leave_one_out", "mean_baseline"])
def test_closed_forms_keep_those_of_all_groups(estimator, x):
    """Without a table: V of groups that speak, to roundings of V/P(speaks); all else to its own."""
    mdp = oracle.menu("a third that varies")
    logits = x * np.linspace(1, 0, 3)[None]
    model = mdp, Tabular(mdp), logits
    plain, listed = (group_law(mdp, SIZE, Estimator(estimator), e) for e in ("auto", "counts"))
    assert plain.table is None
    # What the estimator is, the table says alone.
    listed = GroupLaw(Estimator(oracle.NAME), listed.group_size, listed.member, listed.table)
    (silent, moments, kept), (other, _, right) = _found(*model, plain), _found(*model, listed)
    rel = (40 + 4 * abs(x)) * SIZE**2 * EPS
    assert float(silent) == pytest.approx(float(other), rel=rel)
    assert float(kept.episodes) == pytest.approx(float(right.episodes), rel=rel)
    chance = SIZE / float(right.episodes)
    scale = np.abs(right.update.mean).max()
    np.testing.assert_allclose(kept.update.mean, right.update.mean, rtol=0, atol=rel * scale)
    variance = float(kept.update.variance)
    assert variance >= 0
    assert abs(variance - float(right.update.variance)) <= rel * float(moments.variance[0]) / chance
