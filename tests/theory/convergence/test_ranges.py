"""Ranges of an update: no policy and no sample exceeds them, and they are not idle."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.small_models import binary_instance

from grpo_checks.theory.convergence.ranges import update_ranges
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.batch import Training, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.score_sums import sampled_update
from grpo_checks.theory.updates.moments import combine, moments_at
from grpo_checks.theory.updates.policy_law import policy_law

INSTANCES = {"conflict": conflict(2), "binary": binary_instance(2, seed=4)}
ESTIMATORS = [
    Estimator("mean_baseline"),
    Estimator("leave_one_out"),
    Estimator("group_normalized", 1, 1e-4),
    Estimator("componentwise_normalized"),
]
SIZE, POINTS = 4, 64
DRAWN = None, 2


def _points(theta):
    rng = np.random.default_rng(0)
    spread = np.exp(rng.uniform(np.log(0.1), np.log(4), (POINTS, *[1] * theta.ndim)))
    return jax.device_put(spread * rng.normal(size=(POINTS, *theta.shape)))


@cache
def _measured(name):
    """|g| of a sampled batch and exact V, at 64 policies near and far, by (prompts, estimator)."""
    _, mdp, policy, theta, *_ = INSTANCES[name]
    laws, chances = [group_law(mdp, SIZE, e) for e in ESTIMATORS], Chances(mdp)

    @jax.jit
    @jax.vmap
    def both(key, at):
        seen, law_here = {}, policy_law(mdp, policy, at)
        groups = [moments_at(mdp, law_here, law) for law in laws]
        for prompts in DRAWN:
            settings = [Training(e, SIZE, prompts=prompts) for e in ESTIMATORS]
            batch = sample_batch(key, chances, action_cdf(policy.probs(at)), settings[0])
            for training, group in zip(settings, groups, strict=True):
                norm = jnp.linalg.norm(sampled_update(mdp, policy, at, batch, training))
                variance = combine(mdp.prompt_distribution, group, prompts).variance
                seen[str(prompts), training.estimator.name] = norm, variance
        return seen

    observed = both(jax.random.split(jax.random.key(0), POINTS), _points(theta))
    return jax.tree.map(np.asarray, observed)


@cache
def _ranges(name):
    """By (prompts, estimator), in one program."""
    _, mdp, policy, *_ = INSTANCES[name]
    requests = [(e, drawn) for e in ESTIMATORS for drawn in DRAWN]
    every = jax.jit(lambda m, p: [update_ranges(m, p, SIZE, *request) for request in requests])
    keys = [(str(drawn), e.name) for e, drawn in requests]
    return dict(zip(keys, every(mdp, policy), strict=True))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.name)
@pytest.mark.parametrize("prompts", DRAWN)
@pytest.mark.parametrize("name", INSTANCES)
def test_variance_and_norm_stay_within(name, prompts, estimator):
    """Whatever the batch, and whatever the policy."""
    ranges = _ranges(name)[str(prompts), estimator.name]
    norm, variance = _measured(name)[str(prompts), estimator.name]
    assert 0.02 * float(ranges.norm) < float(norm.max()) <= float(ranges.norm)
    assert 0.02 * float(ranges.variance) < float(variance.max()) <= float(ranges.variance)


def test_batch_estimators_have_no_range():
    """Their advantages are not bounded group by group."""
    _, mdp, policy, *_ = INSTANCES["conflict"]
    with pytest.raises(ValueError, match="whose groups stand alone"):
        update_ranges(mdp, policy, SIZE, Estimator("batch_scaled"))


@pytest.mark.parametrize("size", [2, 3, 8])
@pytest.mark.parametrize(
    ("name", "scale"), [("mean_baseline", 1.0), ("leave_one_out", None), ("group_normalized", 2.0)]
)
def test_norm_is_reached_on_conflict(size, name, scale):
    """By listing: k of G succeed at x and G - k at -2x, which pull the same way: 3/2 k(G-k)/G^2
    times 1, G/(G-1), or 1/sd = G/sqrt(k(G-k)); at most 3/8, 3/8 G/(G-1), 3/4."""
    _, mdp, policy, *_ = conflict()
    k = np.arange(1, size)
    share = k * (size - k) / size**2
    listed = {
        "mean_baseline": 1.5 * share,
        "leave_one_out": 1.5 * share * size / (size - 1),
        "group_normalized": 1.5 * np.sqrt(share),
    }[name].max()
    ranges = jax.jit(lambda m, p: update_ranges(m, p, size, Estimator(name)))
    norm = float(ranges(mdp, policy).norm)
    assert norm == pytest.approx(0.375 * (scale or size / (size - 1)), rel=1e-15)
    assert listed <= norm * (1 + 1e-15)
    assert listed == pytest.approx(norm, rel=1e-15 if size % 2 == 0 else 0.12)
