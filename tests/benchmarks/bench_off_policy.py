"""E[g] of an update whose episodes an older policy sampled, clipped, beside Monte Carlo.

`search`, G = 8, TRL's advantages. The peer samples batches of the older policy and differentiates
their losses, as many as fit the time of the exact sum; its error is against the exact mean. The
ratio is of the times to know the mean to one part in a million, the sampler's extrapolated as
1/error^2.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from timing import seconds

from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.off_policy.moments import off_policy_moments, off_policy_update
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weighted_scores import token_scores
from grpo_checks.theory.off_policy.weights import TokenWeights, clipped, ratios
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.training.batch import Training, batch_loss, sample_batch
from grpo_checks.theory.training.episodes import action_cdf

GROUP, CLIPPING, TARGET = 8, Clipping(0.2), 1e-6
MODEL = search()
MDP, POLICY, THETA = MODEL.mdp, MODEL.policy, MODEL.theta
OLD = THETA + 0.3 * jax.random.normal(jax.random.key(0), THETA.shape)
SAMPLER, CHANCES = POLICY.probs(OLD), Chances(MDP)
Means = Callable[[], jax.Array]


def _weights(theta: jax.Array) -> TokenWeights:
    return clipped(ratios(POLICY.probs(theta), SAMPLER), CLIPPING)


def _mean_alone(name: str) -> Means:
    """Of a rule within groups, a full sweep of prompts."""
    law = signed_law(MDP, GROUP, preset(name).rule)
    one = jax.jit(lambda law, at: off_policy_update(POLICY, at, SAMPLER, law, _weights(at)))
    return lambda: one(law, THETA)


def _both_moments(name: str, prompts: int) -> Means:
    """Mean and variance, of which the mean is returned, with a divisor of the batch."""
    law = signed_law(MDP, GROUP, preset(name).rule, prompts)

    def both(law: Any, at: jax.Array) -> Any:
        scores = token_scores(law.mdp, POLICY, at, SAMPLER, _weights(at))
        moments = off_policy_moments(POLICY, at, law, scores)
        return moments.mean, moments.variance

    compiled = jax.jit(both)
    return lambda: compiled(law, THETA)[0]


def _sampler(name: str, prompts: int | None) -> Callable[[int, int], Means]:
    """The mean over so many batches of a key."""
    rule = preset(name).rule
    options = {"prompts": prompts, "clipping": CLIPPING, "aggregation": rule.aggregation}
    training = Training(rule.estimator, GROUP, **options)  # type: ignore[arg-type]
    old = POLICY.log_probs(OLD)

    def one(key: jax.Array) -> jax.Array:
        batch = sample_batch(key, CHANCES, action_cdf(SAMPLER), training)
        return -jax.grad(batch_loss, 2)(MDP, POLICY, THETA, old, old, batch, training)

    means = jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=64).mean(0))
    return lambda batches, seed: lambda: means(jax.random.split(jax.random.key(seed), batches))


def _row(name: str, what: str, prompts: int | None, exactly: Means, aim: str) -> dict[str, Any]:
    ours, exact = seconds(exactly), exactly().reshape(-1)
    sampled, batches = _sampler(name, prompts), 1
    # As many as take no longer: each number of batches is compiled before it is timed.
    while (taken := seconds(sampled(2 * batches, 0))) <= ours:
        batches *= 2
    taken = seconds(sampled(batches, 0))
    off = sampled(batches, 1)().reshape(-1) - exact
    error = float(jnp.linalg.norm(off) / jnp.linalg.norm(exact))
    return {
        "ratio": taken * (error / TARGET) ** 2 / ours,
        "benchmark": f"{what}, search, G = {GROUP}",
        "ours_seconds": ours,
        "peer": f"Monte Carlo, batches: {batches}",
        "peer_seconds": taken,
        "note": f"aim {aim}; error of the peer's mean {error:.1%}; ratio to an error of "
        f"{TARGET:g}, extrapolated",
    }


def rows() -> list[dict[str, Any]]:
    """The mean of a full sweep; mean and variance with TRL's divisor, 64 prompts."""
    mean, both = _mean_alone("trl-luspo"), _both_moments("trl", 64)
    return [
        _row("trl-luspo", "clipped E[g], a full sweep", None, mean, "< 10 ms"),
        _row("trl", "clipped E[g] and V, token_mean, B = 64", 64, both, "< 1 s"),
    ]
