"""Updates from another policy's episodes: every batch of whole episodes, by definition."""

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.batches.batch_oracle import Groups, _groups, moments_of_groups
from helpers.oracles import Episodes, Floats, action_probs, features, list_paths, path_probability

Coefficients = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""From ratios (N, H) and numbers of decisions (N,): of s_t, for a gain and for a loss."""


def signed_groups(
    mdp: Any, policy: Any, theta: Any, sampler: Floats, size: int, rule: Any, weigh: Coefficients
) -> list[Groups]:
    """All groups of each prompt, whose scores are weighed by the signs of their advantages."""
    pi, phi = action_probs(policy, theta), features(policy)
    step = phi - np.einsum("sb,sbn->sn", pi, phi)[:, None]
    groups = []
    for prompt in range(len(mdp.prompt_distribution)):
        paths = list_paths(mdp, prompt)
        chance, cell = path_probability(paths, sampler), (paths.state, paths.action)
        sampled = paths.taken & (chance > 0)[:, None]
        ratio = np.where(sampled, pi[cell] / np.where(sampled, sampler[cell], 1), 1.0)
        rising, falling = (
            _groups(Episodes(chance, np.einsum("nh,nhd->nd", w * sampled, step[cell]), paths),
                    size, rule.estimator)
            for w in weigh(ratio, paths.taken.sum(1))
        )  # fmt: skip
        score = np.where(rising.advantage[..., None] < 0, falling.score, rising.score)
        groups.append(rising._replace(score=score))
    return groups


def prompt_moments(mdp: Any, groups: list[Groups], rule: Any) -> tuple[Floats, Floats]:
    """Mean (Q, n) and variance (Q,) of each prompt's own group."""
    every = [moments_of_groups(mdp, [g], rule, None, [1]) for g in groups]
    return np.array([m for m, _ in every]), np.array([v for _, v in every])
