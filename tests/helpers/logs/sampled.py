"""Logs of `coding` while it learns, and the exact values of what is estimated from them."""

from itertools import combinations_with_replacement
from math import factorial
from typing import Any, NamedTuple

import jax
import numpy as np
import scipy
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.reading import LogRows
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import coefficients
from grpo_checks.theory.evaluation.values import gradient, reward_law
from grpo_checks.theory.identification.earned import earned
from grpo_checks.theory.identification.predicted import advantages
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.mdp.mdp import TAMDP

NAMES = ("format", "accuracy", "executability")
WEIGHTS = np.array([0.2, 1.0, 0.5])
G, STEPS, BEFORE, PROMPTS = 6, 8, 12, 24


class Learning(NamedTuple):
    """A model and its laws."""

    laws: NDArray[np.float64]
    """(T, 2, C), easy and hard tasks."""
    vectors: NDArray[np.float64]
    """(C, K)."""
    mdp: TAMDP


def learning() -> Learning:
    """After ``BEFORE`` steps of exact ascent, ``STEPS`` of them."""
    instance = coding(3)
    mdp, policy, theta = instance.mdp, instance.policy, instance.theta

    @jax.jit
    def at(theta: Any) -> Any:
        return reward_law(mdp, policy.probs(theta)), theta + 5 * gradient(mdp, policy, theta)

    laws = []
    for _ in range(BEFORE + STEPS):
        law, theta = at(theta)
        laws.append(np.asarray(law))
    return Learning(np.stack(laws[BEFORE:]), np.asarray(mdp.class_vector), mdp)


def sampled(model: Learning, seed: int, prompts: int = PROMPTS) -> LogRows:
    """Rows of a log: at each step ``prompts`` groups, half of each kind."""
    laws, vectors, _ = model
    rng = np.random.default_rng(seed)
    step, kind = np.divmod(np.arange(STEPS * prompts), prompts)
    law = laws[step, kind % 2]
    u = rng.random((len(law), G, 1))
    drawn = (np.cumsum(law, 1)[:, None, :-1] <= u).sum(2)
    rewards = vectors[drawn].reshape(-1, 3)
    n = len(rewards)
    label = np.repeat(np.arange(STEPS * prompts), G)
    joint = Estimator("group_normalized", 1, 1e-4)
    given = np.real(advantages(earned(rewards, WEIGHTS, label), joint, 1e-4).values)
    return LogRows(
        np.repeat(step, G).astype(np.int32), label.astype(np.uint64), np.zeros(n, np.uint64),
        rng.integers(1, 9, n).astype(np.float32), given, rewards.astype(np.float32),
    )  # fmt: skip


Truth = dict[tuple[str, str], float]


def truth(model: Learning) -> Truth:
    """By quantity and what it is about: averages over the groups of one window of all steps."""
    laws, vectors, _ = model
    composite = np.round(vectors @ WEIGHTS, 6)
    merged = np.stack([laws[..., composite == v].sum(-1) for v in np.unique(composite)], -1)
    answers = {("silent", str(g)): (merged**g).sum(-1).mean() for g in (2, 4, 6)}
    means = laws @ vectors
    b = np.asarray(coefficients(G, 1, 1e-4))
    for k, name in enumerate(NAMES):
        answers[("mean", name)] = means[..., k].mean()
        answers[("spread", name)] = means[..., k].var()
        chance = scipy.stats.binom.pmf(np.arange(G - 1), G - 2, means[..., k, None])
        answers[("response", name)] = float((chance @ b).mean())
    covariance = np.einsum("tqc,ck,cl->tqkl", laws, vectors, vectors)
    covariance -= means[..., :, None] * means[..., None, :]
    mean = covariance.mean((0, 1))
    for k, j in ((0, 1), (0, 2), (1, 2)):
        value = mean[k, j] / np.sqrt(mean[k, k] * mean[j, j])
        for limits in ("correlation", "correlation, sure limits"):
            answers[(limits, f"{NAMES[k]}, {NAMES[j]}")] = value
    for rule in ("group_normalized", "componentwise_normalized"):
        answers |= _heard(model, Estimator(rule, 1, 1e-4))
    return answers


def _heard(model: Learning, estimator: Estimator) -> Truth:
    """By listing all multisets of G classes, each with its multinomial chance."""
    classes = range(len(model.vectors))
    draws = np.array([*combinations_with_replacement(classes, G)])
    counts = np.stack([(draws == c).sum(1) for c in classes], 1)
    ways = np.array(
        [factorial(G) / np.prod([factorial(n) for n in row]) for row in counts.tolist()]
    )
    law = model.laws.reshape(-1, len(model.vectors))
    chance = (ways * np.prod(law[:, None] ** counts[None], 2)).mean(0)
    rewards = model.vectors[draws]
    label = np.repeat(np.arange(len(draws)), G)
    data = earned(rewards.reshape(-1, 3), WEIGHTS, label)
    given = np.real(advantages(data, estimator, estimator.eps).values).reshape(-1, G)
    centred = rewards - rewards.mean(1, keepdims=True)
    with_given = chance @ np.einsum("dgk,dg->dk", centred, given)
    spread, size = chance @ (centred**2).sum(1), chance @ (given**2).sum(1)
    rule = "joint" if estimator.name == "group_normalized" else "decomposed"
    share = WEIGHTS * with_given / (WEIGHTS @ with_given)
    answers = {(f"share_{rule}", name): share[k] for k, name in enumerate(NAMES)}
    for k, name in enumerate(NAMES):
        answers[(f"heard_{rule}", name)] = with_given[k] / np.sqrt(spread[k] * size)
    return answers
