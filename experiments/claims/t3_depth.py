"""T3.depth: how a change of the tool's answers grows with the number of calls, at most linearly.

`relay` with 1 % of passes failing on the target and none on the source: the gap 1 - (1-0.01)^D grows
in proportion to D where a loss is final, and not at all where the next pass repairs it. On other
instances the target's tool answers from a mixture with another law, and the policies are sampled.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import linregress

from experiments.claim import Claim, Row, Scope, Verdict, judge
from experiments.instances import InstanceSpec, build, named
from experiments.runs import RunResult, RunSettings
from theory.exact import prompt_values, value
from theory.instances.relay import relay
from theory.learning import sampled_policies
from theory.model import TAMDP
from theory.transfer import (
    depth_bound,
    depth_bound_coupled,
    response_distance,
    step_kl_bound,
    total_variation,
)

NAME = "T3.depth"
MUTANTS = {
    "half of the depth": "R_max (TV + D/2 max TV), on `relay`",
    "no depth": "R_max (TV + max TV), on `relay`",
}
DEPTHS = {"quick": (1, 2, 4, 8), "paper": (1, 2, 4, 8, 16, 32)}
FAILURE, MIXED = 0.01, 0.2
# Equality is reached at D = 1: rounding must not look like a violation.
ROUNDING = 64 * np.finfo(float).eps
TOLERANCE = 0.1


_value = jax.jit(value)


def _shrunk(mutant: str | None, depth: int) -> float:
    return {None: float(depth), "half of the depth": depth / 2, "no depth": 1.0}[mutant]


def _relay(mutant: str | None, depths: tuple[int, ...]) -> list[Row]:
    made = []
    for repair in (False, True):
        gaps = []
        for depth in depths:
            models = [relay(depth=depth, failure=f, repair=repair) for f in (0.0, FAILURE)]
            # Always pass, deliver at last: the policy that depends most on the tool.
            theta = jnp.zeros(models[0].theta.shape).at[:, 0].set(50.0)
            values = [float(_value(m.mdp, m.policy, theta)) for m in models]
            apart = float(response_distance(models[0].mdp, models[1].mdp))
            bound = float(depth_bound(1.0, _shrunk(mutant, depth), 0.0, apart)) + ROUNDING
            gap = abs(values[0] - values[1])
            gaps.append(gap)
            sharper = float(depth_bound_coupled(1.0, depth, 0.0, apart))
            parameters = {"depth": depth, "kind": "repaired" if repair else "final"}
            extra = {"sharper_bound": sharper, "responses": apart}
            numbers = (gap, gap, gap, bound, judge(gap, gap, bound))
            made.append(Row(NAME, "relay", parameters, *numbers, "", extra))
        if mutant is None:
            made.append(_growth(depths, gaps, 0.0 if repair else 1.0))
    return made


def _growth(depths: tuple[int, ...], gaps: list[float], expected: float) -> Row:
    """The fitted exponent of the gap in D: 1 where it is seen to grow, 0 where it is not."""
    exponent = float(linregress(np.log(depths), np.log(gaps)).slope)
    off = abs(exponent - expected)
    parameters = {"kind": f"exponent {expected:g}"}
    verdict = judge(off, off, TOLERANCE)
    note = f"gap proportional to D^{exponent:.4f}"
    return Row(NAME, "relay", parameters, off, off, off, TOLERANCE, verdict, note)


def _mixed(mdp: TAMDP, share: float) -> TAMDP:
    """Target: each answer of the tool mixed with a uniform choice among its own outcomes.

    Supports stay the same, so that the attainable rewards do. Prompts move towards uniform.
    """
    transition = np.asarray(mdp.tool_transition)
    support = transition > 0
    even = support / np.maximum(support.sum(-1, keepdims=True), 1)
    rho = np.asarray(mdp.prompt_distribution)
    return TAMDP(
        prompt_distribution=(1 - share) * rho + share / rho.size,
        initial_distribution=np.asarray(mdp.initial_distribution),
        depth=np.asarray(mdp.depth),
        tool_transition=(1 - share) * transition + share * even,
        legal=np.asarray(mdp.legal),
        reward=np.asarray(mdp.reward),
        weights=np.asarray(mdp.weights),
    )


@jax.jit
def _gaps(mdp, other, probs):  # type: ignore[no-untyped-def]
    """For all policies: the largest gap of values; and KL of episodes against its step bound."""
    def values(model, p):  # type: ignore[no-untyped-def]
        return model.prompt_distribution @ prompt_values(model, p)

    gaps = jax.vmap(lambda p: jnp.abs(values(mdp, p) - values(other, p)))(probs)
    kls = jax.vmap(lambda p, q: jnp.stack(step_kl_bound(mdp, p, q)))(probs, jnp.roll(probs, 1, 0))
    return gaps.max(), kls


def _other(spec: InstanceSpec) -> list[Row]:
    """The largest gap of 50 policies, and the chain rule for the KL of episodes."""
    instance = build(spec)
    mdp, other = instance.mdp, _mixed(instance.mdp, MIXED)
    # Logits of size 1: every action keeps a chance, so that KL is finite.
    gap, kls = _gaps(mdp, other, sampled_policies(instance.policy, 50, 1.0))
    prompts = float(total_variation(mdp.prompt_distribution, other.prompt_distribution))
    apart, top = float(response_distance(mdp, other)), float(mdp.max_reward)
    bound, depth = float(depth_bound(top, mdp.max_depth, prompts, apart)) + ROUNDING, mdp.max_depth
    value = float(gap)
    verdict: Verdict = judge(value, value, bound)
    note = ""
    if verdict == "holds" and bound >= top:
        verdict, note = "vacuous", "no better than R_max, the trivial bound on a difference"
    sharper = float(depth_bound_coupled(top, depth, prompts, apart))
    extra = {"sharper_bound": sharper, "responses": apart, "variation": prompts}
    parameters = {"depth": depth, "kind": "mixed"}
    made = [Row(NAME, spec.name, parameters, value, value, value, bound, verdict, note, extra)]
    worst = np.asarray(kls)[np.argmin(kls[:, 1] - kls[:, 0])]
    left, right = float(worst[0]), float(worst[1]) * (1 + ROUNDING)
    parameters = {"depth": depth, "kind": "KL of episodes"}
    values = (left, left, left, right, judge(left, left, right))
    return [*made, Row(NAME, spec.name, parameters, *values)]


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """`relay` for each D, and mixtures on other instances."""
    if scope.mutant is not None:
        return _relay(scope.mutant, DEPTHS["quick"])
    if scope.instance is not None:
        return _other(scope.instance)
    made = _relay(None, DEPTHS[scope.profile])
    specs = [named("coding", components=1)]
    if scope.profile == "paper":
        specs += [named("search", components=3), named("specialists", components=3)]
        specs += [named("random", components=2, seed=s) for s in range(4)]
    return made + [row for spec in specs for row in _other(spec)]


CLAIM = Claim(
    name=NAME,
    statement="|V_T - V_S| <= R_max (TV(D_S,D_T) + D max TV(P_S,P_T)); KL of episodes <= H max KL",
    provenance="derived",
    expected="holds",
    assumptions=("same states, legal actions and initial states",),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
)
