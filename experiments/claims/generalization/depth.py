"""T3.depth: how a change of the tool's answers grows with the number of calls, at most linearly.

`relay`, where 1 % of passes fail on the target and none on the source: the gap 1 - (1-0.01)^D
grows almost in proportion to D where a loss is final, and not at all where the next pass repairs
it. On other instances the target's tool mixes in another law, and the policies are sampled.
"""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy
from jaxtyping import Array, Float

from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.deep import LESS_DEPTH, gap_and_bound
from grpo_checks.experiments.points.generalization.depth import EXACT
from grpo_checks.experiments.protocol.assumptions import stated
from grpo_checks.experiments.protocol.cell_rows import Models, inequality, no_better
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, count
from grpo_checks.theory.generalization import transfer
from grpo_checks.theory.generalization.learning import sampled_policies
from grpo_checks.theory.instances.tools.relay import relay
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.kl import Number
from grpo_checks.theory.updates.rounding import ELEMENTARY, rounding, value_roundings

NAME = "T3.depth"
DEPTHS = {"quick": (1, 8), "paper": (1, 2, 4, 8, 16, 32)}
MODELS = Models(
    [named("coding", components=1)],
    [
        *(named(name, components=3) for name in ("search", "specialists")),
        *(named("random", components=2, seed=s) for s in range(4)),
    ],
)
FAILURE, MIXED = 0.01, 0.2
TOLERANCE = 0.1
"""Of a fitted exponent."""
TRIVIAL = "no better than R_max, the trivial bound on a difference"


class _Compared(NamedTuple):
    """Two models with the same states, and the largest gap over some policies."""

    gap: Float[Array, ""]
    bound: Number
    sharper: Number
    responses: Float[Array, ""]
    prompts: Float[Array, ""]


@jax.jit
def _compare(mdp: TAMDP, other: TAMDP, probs: Float[Array, "N S A"], depth: Number) -> _Compared:
    """``depth`` stands for D in the bound: mutants shrink it."""
    sides = partial(gap_and_bound, mdp, other, calls=lambda _: depth)
    gaps, bound = jax.vmap(sides, out_axes=(0, None))(probs)
    prompts = transfer.total_variation(mdp.prompt_distribution, other.prompt_distribution)
    responses = transfer.response_distance(mdp, other)
    sharper = transfer.depth_bound_coupled(mdp.max_reward, mdp.max_depth, prompts, responses)
    return _Compared(gaps.max(), bound, sharper, responses, prompts)


def _gap_row(mdp: TAMDP, name: str, kind: str, depth: int, compared: _Compared) -> Row:
    gap, bound, top = float(compared.gap), float(compared.bound), float(mdp.max_reward)
    # Two values, and the laws of their models.
    off = rounding(2 * top + bound, value_roundings(mdp) + 4)
    extra = {
        "sharper_bound": float(compared.sharper),
        "responses": float(compared.responses),
        "variation": float(compared.prompts),
    }
    parameters = {"depth": depth, "kind": kind}
    # Where the two models are one, 0 = 0.
    row = inequality(NAME, name, parameters, gap, bound, off, "", extra, identity=bound <= off)
    return no_better(row, TRIVIAL) if bound >= top - off else row


def _relay(mutant: str | None, depths: tuple[int, ...]) -> list[Row]:
    rows, calls = [], LESS_DEPTH[mutant][1]["calls"] if mutant else float
    for repair, kind in ((False, "final"), (True, "repaired")):
        gaps, errors = [], []
        for depth in depths:
            source, target = (relay(depth=depth, failure=f, repair=repair) for f in (0.0, FAILURE))
            # Always pass, deliver at last: the policy that depends most on the tool.
            always = np.zeros((1, *source.mdp.legal.shape))
            always[0, :-2, 0] = always[0, -2:, 1] = 1
            compared = _compare(source.mdp, target.mdp, always, calls(depth))
            gaps.append(float(compared.gap))
            rows.append(_gap_row(source.mdp, "relay", kind, depth, compared))
            errors.append(rounding(2.0, value_roundings(source.mdp)) / gaps[-1])
        if mutant is None:
            rows.append(_growth(depths, gaps, max(errors), 0.0 if repair else 1.0))
    return rows


def _growth(depths: tuple[int, ...], gaps: list[float], error: float, expected: float) -> Row:
    """The fitted exponent of the gap in D: 1 where it is seen to grow, 0 where it is not.

    ``error``: relative, of the gaps.
    """
    places = np.log(depths) - np.log(depths).mean()
    exponent = float(scipy.stats.linregress(np.log(depths), np.log(gaps)).slope)
    difference = abs(exponent - expected)
    level = max(gaps) - min(gaps) <= 2 * error * max(gaps)
    exponent = 0.0 if level else exponent
    off = error * float(np.abs(places).sum() / np.square(places).sum())
    labels = (NAME, "relay", {"kind": f"exponent {expected:g}"}, difference, TOLERANCE, off)
    return inequality(*labels, in_words(exponent), {"exponent": exponent})


def in_words(exponent: float) -> str:
    """How the gap grows, or that it does not."""
    return f"grows as D^{exponent:.3f}, fitted" if exponent else "does not change with D"


@jax.jit
def _step_kls(mdp: TAMDP, probs: Float[Array, "N S A"]) -> Float[Array, "N 2"]:
    """KL of episodes and its step bound, for pairs of policies."""
    logs = jnp.log(probs)
    return jax.vmap(lambda p, q: jnp.stack(transfer.step_kl_bound(mdp, p, q)))(
        logs, jnp.roll(logs, 1, 0)
    )


def _other(spec: InstanceSpec) -> list[Row]:
    """The largest gap of 50 policies, and the chain rule for the KL of episodes."""
    instance = build(spec)
    mdp, depth = instance.mdp, instance.mdp.max_depth
    # Logits of size 1: every action keeps a chance, so that KL is finite.
    probs = sampled_policies(instance.policy, 50, 1.0)
    compared = _compare(mdp, transfer.mixed_tools(mdp, MIXED), probs, float(depth))
    return [_gap_row(mdp, spec.name, "mixed", depth, compared), _kl_row(spec.name, mdp, probs)]


def _kl_row(name: str, mdp: TAMDP, probs: Float[Array, "M S A"]) -> Row:
    """The pair of policies whose episodes are closest to the bound."""
    kls = np.asarray(_step_kls(mdp, probs))
    left, right = (float(x) for x in kls[np.argmin(kls[:, 1] - kls[:, 0])])
    parameters = {"depth": mdp.max_depth, "kind": "KL of episodes"}
    # Sums of terms >= 0; exp turns the error of a logarithm into a relative one.
    largest = -float(np.log(np.asarray(probs)[np.asarray(probs) > 0].min()))
    off = rounding(left + right, value_roundings(mdp) + 2 * largest + 4 * ELEMENTARY)
    return inequality(NAME, name, parameters, left, right, off, identity=_one_decision(mdp))


def _one_decision(mdp: TAMDP) -> bool:
    """Whether an episode is one action in a state that its prompt fixes: then KL is that of it."""
    choices = np.asarray(mdp.legal).sum(1) > 1
    return mdp.max_depth == 0 and bool(
        (np.asarray(mdp.initial_distribution).max(0)[choices] == 1).all()
    )


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """`relay` for each D, and mixtures on other instances."""
    if scope.mutant is not None:
        return _relay(scope.mutant, DEPTHS["quick"])
    table = [] if scope.instance else _relay(None, DEPTHS[scope.profile])
    return table + [row for spec in MODELS.chosen(scope) for row in _other(spec)]


def facts(data: Table) -> Facts:
    """Of T3.depth: how the gap of `relay` grows where a failure is final, and where it is not."""
    final, repaired = (data[data["kind"] == kind] for kind in ("final", "repaired"))
    growth = data.dropna(subset=["exponent"]).set_index("kind")["exponent"].map(in_words)
    deepest = repaired.sort_values("depth").iloc[-1]
    return {
        "holds": count(data, "holds"),
        "failing": final["responses"].max(),
        "final": growth["exponent 1"],
        "repaired": growth["exponent 0"],
        "deepest": int(deepest["depth"]),
        "loose": deepest["ratio"],
        "attained": (final["sharper_bound"] / final["observed"] - 1).abs().max(),
    }


CLAIM = Claim(
    name=NAME,
    statement="|V_T - V_S| <= R_max (TV(D_S,D_T) + D max TV(P_S,P_T)); KL of episodes <= H max KL",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.generalization.transfer",),
    figures=("t3_depth",),
    facts={NAME: facts},
    assumptions=stated("same states, legal actions and initial states"),
    rows=rows,
    exact=EXACT,
)
