"""Sequences of exact maximisers, each whitened by the one before, and how far they may be off."""

from functools import cache, partial
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.special import logit

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.evaluation.tilting import best_outcome, iterate, per_prompt
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.rounding import ELEMENTARY, accumulated, rounding, sweep_roundings

STEPS = 8
SETTINGS = tuple(product((0.5, 2.0), (1e-4, 1e-2)))
"""(beta, eps)."""


class Iterates(NamedTuple):
    """One sequence of exact maximisers."""

    component: int
    prompt: int
    beta: float
    eps: float
    chance: tuple[float, ...]
    """p_ref, p_1, ..., p_n."""


@partial(jax.jit, static_argnames="n_steps")
def _chances(
    mdp: TAMDP,
    policy: Policy,
    theta: Theta,
    events: Float[Array, "B C"],
    beta: Float[Array, " B"],
    eps: Float[Array, " B"],
    n_steps: int,
) -> Float[Array, "B N Q"]:
    """(settings, n+1, Q): every component and penalty in one compilation per shape."""
    reference = per_prompt(mdp, policy.log_probs(theta))
    one = lambda r, b, e: iterate(mdp, reference, r, b, e, n_steps)  # noqa: E731
    return jax.vmap(one)(events, beta, eps)


@cache
def chance_roundings(spec: InstanceSpec) -> float:
    """On the way to a chance of success, by tilting a policy and a sweep."""
    _, mdp, policy, theta, *_ = build(spec)
    return 2 * sweep_roundings(mdp, policy, theta) + 4 * ELEMENTARY


def certain(spec: InstanceSpec) -> float:
    """A chance of failure below which 1 - p has no digits left in float64."""
    return accumulated(chance_roundings(spec))


def error(spec: InstanceSpec, run: Iterates, before: float, after: float) -> float:
    """Of p_n, and of h(p_{n-1}): those of their log-odds, times p_n (1 - p_n), and their own.

    A chance p is off by a share of itself, logit p by that over 1 - p, and the gain, or the
    advantages over beta, by p/(2 (p(1-p) + eps)) times that more.
    """
    spread, start = before * (1 - before) + run.eps, run.chance[0]
    gain = (1 + before / (2 * spread)) / (run.beta * float(np.sqrt(spread)))
    odds = 1 / (1 - start) + abs(float(logit(start))) + 4 * gain
    return rounding(after * (1 - after) * odds + after, chance_roundings(spec))


@cache
def iterates(spec: InstanceSpec) -> list[Iterates]:
    """For every component, prompt and setting; those of certain success or failure are left out."""
    _, mdp, policy, theta, *_ = build(spec)
    cells = list(product(range(mdp.weights.shape[0]), SETTINGS))
    events = jnp.stack([best_outcome(mdp, k) for k, _ in cells])
    beta, eps = (jnp.array([s[i] for _, s in cells]) for i in (0, 1))
    sequences = np.asarray(_chances(mdp, policy, theta, events, beta, eps, STEPS))
    listed = []
    for (k, setting), chances in zip(cells, sequences, strict=True):
        for q, column in enumerate(chances.T):
            if 0 < column[0] < 1 - certain(spec):
                listed.append(Iterates(k, q, *setting, tuple(map(float, column))))
    return listed
