"""Sampled training beside an orbit of expected updates: J and its components over time.

Steps of ``STEP`` with ``GROUPS`` groups each: averaged over the groups of an update, chance moves a
run little from the orbit, and what is left is seen in the spread of ``SEEDS`` runs.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import Theta, component_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.loop import train

STEP, GROUPS, SEEDS, POINTS = 0.4, 1024, 8, 24
_train = jax.jit(train, static_argnames=("training", "recorded"))


@jax.jit
def components(mdp: TAMDP, policy: Policy, thetas: Float[Array, "N ..."]) -> Float[Array, "N K"]:
    """J_k = sum_q rho_q J_qk at each of N policies, in [0, 1]."""

    def at(theta: Theta) -> Float[Array, " K"]:
        return mdp.prompt_distribution @ component_values(mdp, policy.probs(theta))

    return jax.vmap(at)(thetas)


def sampled(
    spec: InstanceSpec, group_size: int, estimator: Estimator, span: float
) -> dict[str, float]:
    """Columns "sampled J at t=", "sampled J_k at t=" and "spread of J at t=" (standard deviation
    over runs), at ``POINTS`` times up to ``span``, in units of the flow."""
    instance = build(spec)
    steps = np.linspace(0, span / STEP, POINTS + 1).round().astype(int)[1:]
    model = (instance.mdp, Chances(instance.mdp), instance.policy, instance.theta)
    training = Training(estimator, group_size, prompts=GROUPS)
    keys = jax.random.split(jax.random.key(0), SEEDS)
    trace = _train(
        keys, *model, jnp.asarray(STEP), jnp.asarray(steps), training=training, group=None,
        recorded=False,
    )  # fmt: skip
    thetas = trace.theta.reshape(-1, *instance.theta.shape)
    parts = np.asarray(components(instance.mdp, instance.policy, thetas))
    parts = parts.reshape(SEEDS, POINTS, -1)
    values = parts @ np.asarray(instance.mdp.weights)
    columns = {"sampled J": values.mean(0), "spread of J": values.std(0, ddof=1)}
    columns |= {f"sampled J_{k + 1}": x for k, x in enumerate(parts.mean(0).T)}
    return {
        f"{name} at t={STEP * t:g}": float(x)
        for name, numbers in columns.items()
        for t, x in zip(steps, numbers, strict=True)
    }
