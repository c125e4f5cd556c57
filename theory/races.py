"""Races: what the efficiency e of an update says of training, exactly or by sampling.

J rises in expectation by eta <grad J, m> -+ eta^2 L (|m|^2 + V)/2, so with a share s of the best
step (``theory.benefit``) the rise lies between (s - s^2/2) e/L and (s + s^2/2) e/L (derived). Once
e differs by more than a factor (1 + s/2)/(1 - s/2), the sign of the difference is certain.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from theory.benefit import ascent
from theory.chances import Chances
from theory.episodes import action_cdf
from theory.exact import Theta, gradient, value
from theory.group_law import GroupLaw
from theory.grpo import Training, sample_batch, sampled_update
from theory.model import TAMDP
from theory.policy import Policy
from theory.sampling import over_updates
from theory.update import update_moments


def sign_is_clear(
    first: Float[Array, "..."], second: Float[Array, "..."], share: float
) -> Bool[Array, "..."]:
    """Whether a ``share`` of the best steps is sure to rank two updates by their e."""
    low, high = jnp.minimum(first, second), jnp.maximum(first, second)
    return high * (1 - share / 2) > low * (1 + share / 2)


class GreedyTrace(NamedTuple):
    """Two runs whose steps are the best ones, one for each estimator; T + 1 policies each."""

    value: Float[Array, "T1 2"]
    """J."""
    lead: Float[Array, "T1 2"]
    """e of the first estimator minus e of the second, at the policies of either run."""


def greedy_runs(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    smoothness: Float[Array, ""],
    trainings: tuple[Training, Training],
    laws: tuple[GroupLaw, GroupLaw],
    n_steps: int,
) -> GreedyTrace:
    """Both estimators from one start with the same random numbers, each with its eta*.

    The step is an oracle's: it is taken from the exact moments at the policy where it is made.
    """

    def look(at: Theta) -> tuple[Float[Array, " 2"], Float[Array, ""], Float[Array, ""]]:
        each = [
            ascent(update_moments(mdp, policy, at, law, training.prompts))
            for law, training in zip(laws, trainings, strict=True)
        ]
        steps = jnp.stack([a.best_step(smoothness) for a in each])
        return steps, value(mdp, policy, at), each[0].efficiency - each[1].efficiency

    def step(both: Theta, t: Int[Array, ""]) -> tuple[Theta, tuple[Array, Array]]:
        steps, values, leads = jax.vmap(look)(both)
        moves = []
        for at, training in zip(both, trainings, strict=True):
            cdf = action_cdf(policy.probs(at).astype(training.precision))
            batch = sample_batch(jax.random.fold_in(key, t), chances, cdf, training)
            moves.append(sampled_update(mdp, policy, at, batch, training))
        # Each run moves by its own estimator's best step at its own policy.
        own = jnp.diagonal(steps).reshape(2, *[1] * (both.ndim - 1))
        return both + own * jnp.stack(moves), (values, leads)

    both = jnp.stack([theta, theta])
    # One more step than is taken: the last look is at the end.
    _, (values, leads) = jax.lax.scan(step, both, jnp.arange(n_steps + 1))
    return GreedyTrace(values, leads)


class SampledAscent(NamedTuple):
    """N updates at one policy, for estimators without exact moments."""

    along: Float[Array, " N"]
    """<grad J, g>."""
    square: Float[Array, " N"]
    """|g|^2."""
    gain: Float[Array, " N"]
    """J(theta + step g) - J(theta)."""


def sampled_ascent(
    key: PRNGKeyArray,
    mdp: TAMDP,
    chances: Chances,
    policy: Policy,
    theta: Theta,
    training: Training,
    step: Float[Array, ""],
    count: int,
) -> SampledAscent:
    """``count`` independent updates: their means estimate an ``Ascent``."""
    slope = gradient(mdp, policy, theta)
    start = value(mdp, policy, theta)

    def measure(g: Theta) -> SampledAscent:
        gain = value(mdp, policy, theta + step * g) - start
        return SampledAscent((slope * g).sum(), jnp.square(g).sum(), gain)

    keys = jax.random.split(key, count)
    return over_updates(keys, mdp, chances, policy, theta, training, measure)
