"""Mean and variance of an update, exactly, beside Monte Carlo of the same two numbers.

One prompt, 8 reward vectors, `group_normalized` with weights (5, 3, 2)/10. The peer is a vectorised
NumPy sampler that draws whole groups for as long as the exact computation takes; its errors are
against the exact numbers. The ratio is of the times to know V to one part in a million, the
sampler's extrapolated as 1/error^2; the exact number is good to about 1e-12.
"""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from timing import seconds

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.updates.moments import prompt_moments

WEIGHTS = ["5/10", "3/10", "2/10"]
TARGET = 1e-6


def _model() -> tuple[TAMDP, Tabular, jax.Array]:
    bits = np.arange(8)[:, None] >> np.arange(3) & 1
    mdp = TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1]],
        depth=[0],
        tool_transition=[],
        legal=np.ones((1, 8), bool),
        reward=bits[None, None],
        weights=WEIGHTS,
    )
    return mdp, Tabular(mdp), jnp.asarray(np.random.default_rng(0).normal(size=(1, 8)))


def monte_carlo(
    probability: np.ndarray, reward: np.ndarray, group_size: int, groups: int, seed: int
) -> tuple[np.ndarray, float]:
    """Mean (n,) and variance of g over sampled groups: one draw of indices, no Python loop."""
    rng = np.random.default_rng(seed)
    cdf = np.cumsum(probability)
    answer = np.searchsorted(cdf, rng.random((groups, group_size)) * cdf[-1])
    r = reward[answer]
    centred = r - r.mean(1, keepdims=True)
    sd = r.std(1, keepdims=True)
    # Sums of the same decimals may differ by an ulp: such a group is silent.
    advantage = np.where(sd > 1e-12, centred / np.where(sd > 1e-12, sd, 1), 0)
    score = np.eye(len(probability))[answer] - probability
    update = np.einsum("bg,bgn->bn", advantage, score) / group_size
    mean = update.mean(0)
    return mean, float(np.square(update - mean).sum(1).mean())


def _groups_in(
    budget: float, probability: np.ndarray, reward: np.ndarray, group_size: int
) -> tuple[int, float]:
    """As many groups as take about ``budget`` seconds (at least 2), and what they took."""
    groups, taken = 2, 0.0
    while taken < budget and groups < 10**7:
        groups *= 2
        start = time.perf_counter()
        monte_carlo(probability, reward, group_size, groups, 0)
        taken = time.perf_counter() - start
    return groups, taken


def _row(group_size: int) -> dict[str, Any]:
    mdp, policy, theta = _model()
    law = group_law(mdp, group_size, Estimator("group_normalized"))
    exactly = jax.jit(prompt_moments)
    ours = seconds(lambda: exactly(mdp, policy, theta, law))
    exact = exactly(mdp, policy, theta, law)
    probability = np.asarray(policy.probs(theta))[0]
    reward = np.asarray(mdp.class_composite)[np.asarray(mdp.class_index)[0, 0]]
    groups, taken = _groups_in(ours, probability, reward, group_size)
    mean, variance = monte_carlo(probability, reward, group_size, groups, 1)
    off = float(np.linalg.norm(mean - np.asarray(exact.mean[0])))
    size, exact_variance = float(jnp.linalg.norm(exact.mean)), float(exact.variance[0])
    of_variance = abs(variance - exact_variance) / exact_variance
    return {
        "ratio": taken * (of_variance / TARGET) ** 2 / ours,
        "benchmark": f"mean and variance, 8 reward vectors, G = {group_size}",
        "ours_seconds": ours,
        "peer": f"NumPy Monte Carlo, {groups} groups",
        "peer_seconds": taken,
        "note": f"error of the peer: mean {off / size:.1%}, variance {of_variance:.1%}; "
        f"ratio to an error of {TARGET:g}, extrapolated",
    }


def rows() -> list[dict[str, Any]]:
    """G = 8, 16 and 64."""
    return [_row(g) for g in (8, 16, 64)]
