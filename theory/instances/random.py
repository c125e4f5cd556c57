"""`random`: a seeded family of models, to meet structures that nobody thought of."""

import jax
import numpy as np

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.numbers import validation as check


def _distribution(rng: np.random.Generator, size: int) -> np.ndarray:
    """Small whole numbers over their sum; some are 0, so that supports differ."""
    parts = rng.integers(0, 6, size)
    parts[rng.integers(size)] += 1
    return parts / parts.sum()


def _legal(rng: np.random.Generator, tools: int, answers: int, last: bool) -> np.ndarray:
    """A random mask with at least one legal answer, and no tool call in the last layer."""
    mask = rng.random(tools + answers) < 0.8
    mask[:tools] &= not last
    mask[tools + rng.integers(answers)] = True
    return mask


def random_instance(
    components: int = 3,
    *,
    seed: int = 0,
    prompts: int = 2,
    width: int = 2,
    tools: int = 2,
    answers: int = 3,
    depth: int = 2,
    separable: bool = True,
    features: int = 0,
    levels: int = 3,
) -> Instance:
    """A random model; rewards in {0, 1/2, 1}, weights in {1/2, 1, 3/2}, start near uniform.

    ``levels`` is the number of equally spaced reward values; 2 gives binary components.
    ``width`` states per layer, for each prompt if ``separable``, else shared by all prompts.
    ``features`` > 0 gives a log-linear policy with that many parameters instead of a tabular one.
    """
    check.check_states("width", (depth + 1) * width * (prompts if separable else 1))
    rng = np.random.default_rng([seed, prompts, width, tools, answers, components, depth])
    blocks = prompts if separable else 1
    level = np.repeat(np.arange(depth + 1), width * blocks)
    block = np.tile(np.repeat(np.arange(blocks), width), depth + 1)
    n = level.size
    legal = np.stack([_legal(rng, tools, answers, bool(d == depth)) for d in level])
    transition = np.zeros((n, tools, n))
    initial = np.zeros((prompts, n))
    for q in range(prompts):
        initial[q, (level == 0) & (block == q % blocks)] = _distribution(rng, width)
    for s in range(n):
        below = (level == level[s] + 1) & (block == block[s])
        for u in np.flatnonzero(legal[s, :tools]):
            transition[s, u, below] = _distribution(rng, width)
    mdp = TAMDP(
        prompt_distribution=_distribution(rng, prompts) * 0.5 + 0.5 / prompts,
        initial_distribution=initial,
        depth=level,
        tool_transition=transition if tools else [],
        legal=legal,
        reward=rng.integers(0, levels, (prompts, n, answers, components)) / (levels - 1),
        weights=rng.integers(1, 4, components) / 2,
    )
    policy: Policy = Tabular(mdp)
    if features:
        policy = LogLinear(mdp, rng.integers(-2, 3, (n, tools + answers, features)))
    start = rng.normal(scale=0.3, size=policy.zeros().shape)
    return Instance("random", mdp, policy, jax.device_put(start))
