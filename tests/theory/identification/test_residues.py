"""A residue excuses what it reaches, and nothing else: trainers in float32 whose eps is near 0."""

import numpy as np
import pytest

from grpo_checks.theory.identification.advantages import identify_advantages

WEIGHTS = np.array([0.2, 1.0, 0.5])
WORTH = np.array([0.3, 0.7, 0.9])
"""Of a component: float32 rounds sums of it, so that equal rewards leave a residue."""
G, GROUPS = 6, 8
GROUP = np.arange(GROUPS).repeat(G)
BATCH = GROUP // (GROUPS // 2)


def _rewards(seed):
    """(N, 3): some components of some groups are all equal."""
    rng = np.random.default_rng(seed)
    chances = rng.choice([0.0, 0.3, 0.6, 1.0], (GROUPS, 1, 3))
    return (rng.random((GROUPS, G, 3)) < chances).reshape(-1, 3) * WORTH


def _divided(values, eps):
    """(N,) by the mean and sd of each group, in float32, as a trainer computes them."""
    groups = np.float32(values).reshape(GROUPS, G)
    mean = groups.sum(1, keepdims=True, dtype=np.float32) / np.float32(G)
    # Of equal values the sd is 0: NumPy's own of these leaves its mean's residue in it.
    same = np.ptp(groups, 1, keepdims=True) == 0
    sd = np.where(same, 0, groups.std(1, ddof=1, keepdims=True))
    return ((groups - mean) / (sd + np.float32(eps))).reshape(-1)


def _decomposed(rewards, eps):
    parts = np.stack([_divided(column, eps) for column in rewards.T], 1)
    return (parts * np.float32(WEIGHTS)).sum(1, dtype=np.float32)


def _whitened(values, eps=1e-4):
    batches = values.reshape(2, -1)
    sd = batches.std(1, ddof=1, keepdims=True)
    return ((batches - batches.mean(1, keepdims=True)) / (sd + np.float32(eps))).reshape(-1)


def _rules(rewards, observed, weights=WEIGHTS):
    observed = np.asarray(observed, float)
    return identify_advantages(rewards, weights, GROUP, observed, batch=BATCH).rules


@pytest.mark.parametrize("seed", range(2))
def test_no_residue_hides_another_rule(seed):
    """Joint advantages, without a residue: what is named leaves rounding, whatever its eps."""
    rewards = _rewards(seed)
    joint = _divided(rewards @ WEIGHTS, 1e-4)
    joint = np.where(np.abs(joint) < 0.01, 0, joint)
    rules = _rules(rewards, joint)
    assert [rule.estimator.name for rule in rules] == ["group_normalized"]
    # 32 roundings of float32, over the 1e-4 of .2 of a group's own sd.
    assert all(rule.unexplained < 1e-5 for rule in rules)
    assert not _rules(rewards, joint, np.ones(3))
    shuffled = np.random.default_rng(seed).permutation(joint)
    assert not _rules(rewards, shuffled)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("eps", [1e-6, 1e-8])
def test_residues_are_no_other_rule(seed, eps):
    """Components divided, with residues of a tenth and more, whitened or not: they are named."""
    rewards = _rewards(seed)
    plain = _decomposed(rewards, eps)
    exact = _decomposed((rewards > 0).astype(float), eps)
    assert np.abs(plain - exact).max() > 0.01
    for observed, whitened in ((plain, False), (_whitened(plain), True)):
        rules = _rules(rewards, observed)
        kinds = {(r.estimator.name, r.estimator.whiten is not None) for r in rules if r.usual}
        assert kinds == {("componentwise_normalized", whitened)}
