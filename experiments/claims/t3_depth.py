"""T3.depth: how a change of the tool's answers grows with the number of calls, at most linearly.

`relay`, where 1 % of passes fail on the target and none on the source: the gap 1 - (1-0.01)^D
grows almost in proportion to D where a loss is final, and not at all where the next pass repairs
it. On other instances the target's tool mixes in another law, and the policies are sampled.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from scipy.stats import linregress

from experiments.assumptions import stated
from experiments.claim import Claim, Row, Scope, judge
from experiments.instances import InstanceSpec, build, named
from experiments.points.depth import EXACT
from experiments.runs import RunResult, RunSettings
from theory.exact import prompt_values
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
DEPTHS = {"quick": (1, 8), "paper": (1, 2, 4, 8, 16, 32)}
FAILURE, MIXED = 0.01, 0.2
# Equality is reached at D = 1: rounding must not look like a violation.
ROUNDING = 64 * np.finfo(float).eps
TOLERANCE = 0.1


class _Compared(NamedTuple):
    """Two models with the same states, and the largest gap over some policies."""

    gap: Float[Array, ""]
    bound: Float[Array, ""]
    sharper: Float[Array, ""]
    responses: Float[Array, ""]
    prompts: Float[Array, ""]


@jax.jit
def _compare(mdp, other, probs, depth):  # type: ignore[no-untyped-def]
    """``depth`` stands for D in the bound: mutants shrink it."""

    def value(model, p):  # type: ignore[no-untyped-def]
        return model.prompt_distribution @ prompt_values(model, p)

    gaps = jax.vmap(lambda p: jnp.abs(value(mdp, p) - value(other, p)))(probs)
    prompts = total_variation(mdp.prompt_distribution, other.prompt_distribution)
    apart, top = response_distance(mdp, other), mdp.max_reward
    bound = depth_bound(top, depth, prompts, apart)
    sharper = depth_bound_coupled(top, mdp.max_depth, prompts, apart)
    return _Compared(gaps.max(), bound + ROUNDING * top, sharper, apart, prompts)


def _shrunk(mutant: str | None, depth: int) -> float:
    return {None: float(depth), "half of the depth": depth / 2, "no depth": 1.0}[mutant]


def _gap_row(name: str, kind: str, depth: int, found: _Compared, trivial: float) -> Row:
    gap, bound = float(found.gap), float(found.bound)
    verdict, note = judge(gap, gap, bound), ""
    if verdict == "holds" and bound >= trivial:
        verdict, note = "vacuous", "no better than R_max, the trivial bound on a difference"
    extra = {
        "sharper_bound": float(found.sharper),
        "responses": float(found.responses),
        "variation": float(found.prompts),
    }
    parameters = {"depth": depth, "kind": kind}
    return Row(NAME, name, parameters, gap, gap, gap, bound, verdict, note, extra)


def _relay(mutant: str | None, depths: tuple[int, ...]) -> list[Row]:
    made = []
    for repair, kind in ((False, "final"), (True, "repaired")):
        gaps = []
        for depth in depths:
            source, target = (relay(depth=depth, failure=f, repair=repair) for f in (0.0, FAILURE))
            # Always pass, deliver at last: the policy that depends most on the tool.
            always = np.zeros((1, *source.mdp.legal.shape))
            always[0, :-2, 0] = always[0, -2:, 1] = 1
            found = _compare(source.mdp, target.mdp, always, _shrunk(mutant, depth))
            gaps.append(float(found.gap))
            made.append(_gap_row("relay", kind, depth, found, 1.0))
        if mutant is None:
            made.append(_growth(depths, gaps, 0.0 if repair else 1.0))
    return made


def _growth(depths: tuple[int, ...], gaps: list[float], expected: float) -> Row:
    """The fitted exponent of the gap in D: 1 where it is seen to grow, 0 where it is not."""
    exponent = float(linregress(np.log(depths), np.log(gaps)).slope)
    off = abs(exponent - expected)
    parameters = {"kind": f"exponent {expected:g}"}
    verdict = judge(off, off, TOLERANCE)
    level = max(gaps) - min(gaps) <= ROUNDING * max(gaps)
    note = "does not change with D" if level else f"grows as D^{exponent:.3f}, fitted"
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
def _step_kls(mdp, probs):  # type: ignore[no-untyped-def]
    """KL of episodes and its step bound, for pairs of policies."""
    logs = jnp.log(probs)
    return jax.vmap(lambda p, q: jnp.stack(step_kl_bound(mdp, p, q)))(logs, jnp.roll(logs, 1, 0))


def _other(spec: InstanceSpec) -> list[Row]:
    """The largest gap of 50 policies, and the chain rule for the KL of episodes."""
    instance = build(spec)
    mdp, depth = instance.mdp, instance.mdp.max_depth
    # Logits of size 1: every action keeps a chance, so that KL is finite.
    probs = sampled_policies(instance.policy, 50, 1.0)
    found = _compare(mdp, _mixed(mdp, MIXED), probs, float(depth))
    kls = np.asarray(_step_kls(mdp, probs))
    left, right = kls[np.argmin(kls[:, 1] - kls[:, 0])]
    right *= 1 + ROUNDING
    parameters = {"depth": depth, "kind": "KL of episodes"}
    values = (float(left), float(left), float(left), float(right), judge(left, left, right))
    return [
        _gap_row(spec.name, "mixed", depth, found, float(mdp.max_reward)),
        Row(NAME, spec.name, parameters, *values),
    ]


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
    proof=("theory.transfer",),
    figures=("t3_depth",),
    assumptions=stated("same states, legal actions and initial states"),
    mutants=MUTANTS,
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
