"""A Gaussian posterior over the logits of a policy, trained on a bound, certified honestly.

P = N(0, s^2 I), Q = N(mean, diag(scale^2)), KL(Q ‖ P) in closed form. Risks of one draw are exact;
the expectation over Q is a sum over nodes: a quadrature for one parameter, else fixed draws. In a
certificate the draws are an observation of their own, with a share of delta (Langford and Caruana
2001).
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray

from grpo_checks.theory.generalization.learning import policy_losses
from grpo_checks.theory.generalization.pac_bayes import best_rate, lambda_bound, maurer
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy
from grpo_checks.theory.numbers.kl import Number, exponential_excess, kl_upper

OBJECTIVES = ("lambda", "kl")


class Gaussian(NamedTuple):
    """N(mean, diag(exp(log_scale)^2)) over the d parameters of a policy."""

    mean: Float[Array, " d"]
    log_scale: Float[Array, " d"]


class Nodes(NamedTuple):
    """Points and weights of an expectation over N(0, I)."""

    point: Float[Array, "K d"]
    weight: Float[Array, " K"]


class Settings(NamedTuple):
    """How a posterior is trained; hashable, part of the compiled program."""

    objective: str = "lambda"
    prior_scale: float = 2.0
    steps: int = 200
    rate: float = 0.1


def trapezoid(size: int) -> Nodes:
    """Trapezoidal rule for one parameter, on +-9 standard deviations.

    For a smooth loss the error falls exponentially in ``size``; with 121 nodes it is below 1e-12
    for slopes of a logit up to 4.
    """
    points = jnp.linspace(-9.0, 9.0, size)
    weights = jnp.exp(-points * points / 2)
    return Nodes(points[:, None], weights / weights.sum())


def drawn(key: PRNGKeyArray, size: int, dimension: int) -> Nodes:
    """``size`` independent draws of equal weight."""
    return Nodes(jax.random.normal(key, (size, dimension)), jnp.full(size, 1 / size))


def divergence(q: Gaussian, prior_scale: float) -> Float[Array, ""]:
    """KL(Q ‖ N(0, s^2 I)) in nats."""
    ratio = 2 * (q.log_scale - jnp.log(prior_scale))
    return 0.5 * (exponential_excess(ratio) + jnp.square(q.mean / prior_scale)).sum()


def node_losses(mdp: TAMDP, policy: Policy, q: Gaussian, nodes: Nodes) -> Float[Array, "K Q"]:
    """Exact loss of the policy at each node, per task type."""
    _, unravel = ravel_pytree(policy.zeros())
    theta = q.mean[None] + jnp.exp(q.log_scale)[None] * nodes.point
    return policy_losses(mdp, jax.vmap(lambda t: policy.probs(unravel(t)))(theta))


def expected_losses(mdp: TAMDP, policy: Policy, q: Gaussian, nodes: Nodes) -> Float[Array, " Q"]:
    """E_Q of the loss on each task type, up to the error of the nodes."""
    return nodes.weight @ node_losses(mdp, policy, q, nodes)


def _objective(
    empirical: Number, kl: Number, n: Number, delta: Number, objective: str
) -> Float[Array, ""]:
    if objective == "kl":
        return maurer(empirical, kl, n, delta, 2 * jnp.sqrt(n))
    rate = jax.lax.stop_gradient(best_rate(empirical, kl, n, delta))
    return lambda_bound(empirical, kl, n, delta, rate)


@partial(jax.jit, static_argnames="settings")
def train_posterior(
    mdp: TAMDP,
    policy: Policy,
    counts: Float[Array, " Q"],
    nodes: Nodes,
    delta: Float[Array, ""],
    settings: Settings = Settings(),  # noqa: B008
) -> Gaussian:
    """Q after ``steps`` of Adam on the lambda bound (at its best rate) or the kl bound, from P.

    A function of the task counts alone: nodes and steps are fixed beforehand. Raises ValueError
    for an unknown objective.
    """
    if settings.objective not in OBJECTIVES:
        raise ValueError(f"objective = {settings.objective!r}: expected one of {OBJECTIVES}")
    size, n = policy.zeros().size, counts.sum()
    start = Gaussian(jnp.zeros(size), jnp.full(size, jnp.log(settings.prior_scale)))
    optimiser = optax.adam(settings.rate)

    def bound(q: Gaussian) -> Float[Array, ""]:
        empirical = expected_losses(mdp, policy, q, nodes) @ counts / n
        kl = divergence(q, settings.prior_scale)
        return _objective(empirical, kl, n, delta, settings.objective)

    def step(
        carry: tuple[Gaussian, optax.OptState], _: None
    ) -> tuple[tuple[Gaussian, optax.OptState], None]:
        q, state = carry
        updates, state = optimiser.update(jax.grad(bound)(q), state)
        return (optax.apply_updates(q, updates), state), None

    (q, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), None, length=settings.steps)
    return q


def certificate(
    losses: Float[Array, " K"],
    kl: Number,
    n: Number,
    delta: Number,
    delta_draws: Number,
    price: Number,
) -> Float[Array, ""]:
    """Risk of Q, with probability 1 - delta - delta_draws, from K independent draws of Q.

    ``losses`` are the empirical losses of the draws, in [0,1]. Their mean is first turned into an
    upper limit for Lhat(Q), kl^{-1}(mean, ln(1/delta_draws)/K); ``price`` is xi(n) or 2 sqrt n.
    """
    limit = kl_upper(losses.mean(), -jnp.log(jnp.asarray(delta_draws)) / losses.shape[0])
    return maurer(limit, kl, n, delta, price)
