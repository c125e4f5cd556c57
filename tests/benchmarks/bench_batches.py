"""Mean and variance of updates with a divisor of the batch, beside Monte Carlo.

`search`, G = 8, drawn prompts. The peer samples batches, as many as fit the time of the exact sum;
its error is that of V against the exact one, the larger of what it states and of what it has. The
ratio is of the times to know V to one part in a million, the sampler's extrapolated as 1/error^2.
"""

from typing import Any

import jax
from timing import seconds

from grpo_checks.theory.batches.rule_law import RuleLaw, rule_law
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.training.sampling import SampledMoments, sampled_moments
from grpo_checks.theory.updates.moments import UpdateMoments

GROUP, LEAST, TARGET = 8, 2, 1e-6
MODEL = search()
CASES = (
    ("trl", "token_mean", 64),
    ("trl-batch", "batch_scaled", 8),
    ("verl-opo", "length_weighted, token_mean", 64),
)
"""Preset, what it is, B."""


@jax.jit
def _moments(law: RuleLaw) -> UpdateMoments:
    return law.moments(MODEL.policy, MODEL.theta)


def _row(name: str, what: str, prompts: int) -> dict[str, Any]:
    rule = preset(name).rule
    law = rule_law(MODEL.mdp, GROUP, rule, prompts)
    exact = float(_moments(law).variance)
    ours = seconds(lambda: _moments(law).variance)
    training = Training(rule.estimator, GROUP, prompts, aggregation=rule.aggregation)

    def sampled(batches: int) -> SampledMoments:
        model = (MODEL.mdp, MODEL.policy, MODEL.theta)
        return sampled_moments(jax.random.key(1), *model, training, batches)

    batches = LEAST
    # As many as take no longer: each number of batches is compiled before it is timed.
    while seconds(lambda: sampled(2 * batches).variance) <= ours:  # noqa: B023
        batches *= 2
    taken, estimate = seconds(lambda: sampled(batches).variance), sampled(batches)
    error = max(abs(float(estimate.variance) - exact), float(estimate.variance_error)) / exact
    return {
        "ratio": taken * (error / TARGET) ** 2 / ours,
        "benchmark": f"E[g] and V, {what}, search, G = {GROUP}, B = {prompts}",
        "ours_seconds": ours,
        "peer": f"Monte Carlo, batches: {batches}",
        "peer_seconds": taken,
        "note": f"aim < 1 s; error of the peer's V {error:.1%}; ratio to an error of "
        f"{TARGET:g}, extrapolated",
    }


def rows() -> list[dict[str, Any]]:
    """TRL's default and its scale over the batch first."""
    return [_row(*case) for case in CASES]
