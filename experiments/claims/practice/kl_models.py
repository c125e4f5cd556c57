"""Cells of P.kl on models: how far estimates are off, at policies ever further from a reference.

The reference is a model's start policy, the policy one whose parameters lie ``step`` normal draws
away, the same draws for every step. Observed is |E[gradient] - that taken for| over the latter.
"""

from functools import lru_cache
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.protocol.cell_rows import Models, inequality
from grpo_checks.experiments.protocol.claim import Row, Scope
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy
from grpo_checks.theory.regularisation.episode_kl import (
    forward_gradient,
    reverse_gradient,
    reverse_kl,
)
from grpo_checks.theory.regularisation.in_loss import loss_gradient, token_factors
from grpo_checks.theory.regularisation.in_reward import reward_gradient
from grpo_checks.theory.regularisation.lengths import length_shares
from grpo_checks.theory.regularisation.sums import log_ratio
from grpo_checks.theory.rules.aggregation import EPISODE_SUM
from grpo_checks.theory.updates.rounding import COMMON, accumulated, sweep_roundings

STEPS = {"quick": (0.125, 0.5), "paper": (0.03125, 0.125, 0.5, 2.0)}
MODELS = Models(
    [named("bandit", components=1), named("relay", depth=2, failure=0.25)],
    [
        named("relay", depth=4, failure=0.25),
        *(named(name, components=3) for name in ("search", "coding")),
    ],
)
Sides = dict[str, tuple[Float[Array, "..."], Float[Array, "..."]]]


@jax.jit
def _sides(
    mdp: TAMDP, policy: Policy, theta: Theta, start: Theta
) -> tuple[Sides, Float[Array, ""], Float[Array, ""]]:
    """Of each estimate both gradients; KL(pi || ref); and the largest of what they add up."""
    probs, reference = policy.probs(theta), policy.log_probs(start)
    logs, known = policy.log_probs(theta), policy.probs(start)
    x, shares = log_ratio(policy, logs, reference), length_shares(mdp, probs, EPISODE_SUM)
    model = mdp, policy, probs
    reverse = reverse_gradient(*model, x)
    second, third = (
        loss_gradient(*model, probs, token_factors(policy, theta, reference, kind), shares)
        for kind in ("k2", "k3")
    )
    sides: Sides = {
        "k1 in the reward": (
            reward_gradient(*model, probs, x, jnp.ones_like(probs), shares),
            reverse,
        ),
        "k2 as loss": (second, reverse),
        "k3 as loss": (third, forward_gradient(*model, known)),
    }
    sizes = [jnp.where(policy.legal, -table, 0.0).max() for table in (logs, reference)]
    largest = jnp.stack([*sizes, jnp.exp(-x).max(), jnp.ones(())]).max()
    return sides, reverse_kl(mdp, policy, theta, reference), largest


@lru_cache(maxsize=64)
def _direction(shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(size=shape)


def _error(instance: Instance, theta: Theta, largest: float) -> float:
    """What float64 may have done to the length of a difference of two gradients.

    A gradient adds up, over at most H tokens, scores of components up to 2 |phi| times sums of at
    most H terms.
    """
    mdp, policy = instance.mdp, instance.policy
    features = float(np.abs(policy.features).max()) if isinstance(policy, LogLinear) else 1.0
    terms = 4 * features * mdp.horizon**2 * largest * np.sqrt(theta.size)
    return terms * accumulated(2 * sweep_roundings(mdp, policy, theta) + COMMON)


def _cells(name: str, spec: InstanceSpec, step: float) -> list[Row]:
    instance = build(spec)
    start = instance.theta
    theta = start + step * jnp.asarray(_direction(start.shape))
    sides, nats, largest = _sides(instance.mdp, instance.policy, theta, start)
    error, table = _error(instance, theta, float(largest)), []
    for estimate, (observed, taken) in sides.items():
        size = float(jnp.linalg.norm(taken.reshape(-1)))
        distance = float(jnp.linalg.norm((observed - taken).reshape(-1)))
        scale = 1 / size if size > 0 else 1.0
        parameters = {"estimate": estimate, "decisions": instance.mdp.horizon, "step": step}
        extra = {"nats": float(nats)}
        numbers = distance * scale, 0.0, error * scale
        row = inequality(name, spec.name, parameters, *numbers, "", extra, identity=size == 0)
        table.append(row)
    return table


def model_rows(name: str, scope: Scope) -> list[Row]:
    """Every step on the models, or on the one that a user asks about."""
    cells = product(MODELS.chosen(scope), STEPS[scope.profile])
    return [row for spec, step in cells for row in _cells(name, spec, step)]
