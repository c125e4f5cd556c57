"""Sequences of exact maximisers, each whitened by the one before, and how far they may be off.

And a second way to them: gradient ascent of the KL-regularised objective.
"""

from functools import cache, partial
from itertools import product
from math import sqrt
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy import optimize
from scipy.special import expit, logit

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.protocol.cell_rows import at_most, exact
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.evaluation.amplification import amplify
from grpo_checks.theory.evaluation.tilting import (
    Policies,
    best_outcome,
    iterate,
    per_prompt,
    regularised,
    success,
    tilt,
    whitened,
)
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.updates.rounding import ELEMENTARY, accumulated, rounding, sweep_roundings

Number = float | Float[Array, ""]
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


_amplify = jax.jit(amplify)


@jax.jit
def _problem(
    mdp: TAMDP, policy: Policy, theta: Theta, event: Float[Array, " C"], beta: Number, eps: Number
) -> tuple[Policies, Float[Array, " Q"], Float[Array, "Q C"], Float[Array, ""]]:
    """pi_ref, its chance of success and advantages, and the largest F, summed over prompts."""
    reference = per_prompt(mdp, policy.log_probs(theta))
    start = success(mdp, reference, event)
    advantage = whitened(event, start, eps)
    best = tilt(mdp, reference, advantage, beta)
    return reference, start, advantage, regularised(mdp, best, reference, advantage, beta).sum()


@jax.jit
def _objective(
    mdp: TAMDP,
    logits: Policies,
    reference: Policies,
    advantage: Float[Array, "Q C"],
    event: Float[Array, " C"],
    beta: Number,
) -> tuple[tuple[Float[Array, ""], Float[Array, " Q"]], Policies]:
    """-F of softmax logits (Q,S,A), its gradient, and the chance of success."""

    def loss(x: Policies) -> tuple[Float[Array, ""], Float[Array, " Q"]]:
        legal = jnp.isfinite(reference)
        raw = jnp.where(legal | ~legal.any(-1, keepdims=True), x, -jnp.inf)
        policies = jnp.where(legal, jax.nn.log_softmax(raw, -1), -jnp.inf)
        value = regularised(mdp, policies, reference, advantage, beta).sum()
        return -value, success(mdp, policies, event)

    return jax.value_and_grad(loss, has_aux=True)(logits)


def ascent_rows(spec: InstanceSpec, beta: float, eps: float) -> list[Row]:
    """One step of the sequence by quasi-Newton ascent of F over logits, from the uniform policy.

    F* - F(pi) = beta KL, so by Pinsker |p - p*| <= sqrt((F* - F)/(2 beta)) for what was found.
    """
    _, mdp, policy, theta, *_ = build(spec)
    event = best_outcome(mdp, 0)
    reference, start, advantage, top = _problem(mdp, policy, theta, event, beta, eps)

    def at(x: Any) -> Any:
        logits = x.reshape(reference.shape)
        return _objective(mdp, logits, reference, advantage, event, beta)

    def fun(x: Any) -> tuple[float, Any]:
        (loss, _), slope = at(x)
        return float(loss), np.asarray(slope).reshape(-1)

    optimum = optimize.minimize(fun, np.zeros(reference.size), jac=True, method="BFGS", tol=1e-9)
    (loss, reached), _ = at(optimum.x)
    # What is lost to the optimum is summed over prompts, an upper bound for each.
    # F is a mean of advantages and beta times one of logarithms; the chances are those of a sweep.
    largest = float(np.abs(advantage).max())
    steps = 2 * sweep_roundings(mdp, policy, theta) + 4 * ELEMENTARY
    lost = max(float(top) + float(loss), 0.0) + rounding(4 * largest * start.size, steps)
    within, rows = sqrt(lost / (2 * beta)) + rounding(1 + largest / beta, steps), []
    for q, (p, p_ref) in enumerate(zip(map(float, reached), map(float, start), strict=True)):
        expected = float(expit(_amplify(logit(p_ref), logit(p_ref), beta, eps)))
        parameters = {"component": 0, "prompt": q, "beta": beta, "eps": eps, "iterate": 1}
        note = f"by gradient ascent, within Pinsker's {within:.1e}"
        extra = {"reference": p_ref, "method": "ascent", "objective_gap": lost}
        labels = ("L.amplification", spec.name, parameters, p, expected)
        rows.append(exact(*labels, at_most(abs(p - expected), 0.0, within), note, extra))
    return rows
