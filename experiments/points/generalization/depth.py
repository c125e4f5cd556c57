"""T3.depth at rational points: environments of ``layers``, and two policies in one of them.

``kind`` "value" is about the gap |V_T - V_S| of the first policy, "KL of episodes" about both, in
the source. Rewards lie in [0, 1], R_max = 1.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.constraints import interval, one_of, simplex
from grpo_checks.experiments.falsifier.deep.model import deep_mdp, probabilities
from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.generalization.deep import DEPTH, LESS_DEPTH, gap_and_bound
from grpo_checks.experiments.points.generalization.layers import layered, read_layers, simpler
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.evaluation.values import visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.kl import kl_divergence
from grpo_checks.theory.numbers.logs import Logs, covered, divergence

GAP, EPISODES = KINDS = ("value", "KL of episodes")


def _model(law: Any, responses: Any, start: Any, reward: Any, **others: Any) -> TAMDP:
    """One call, one component."""
    return deep_mdp(law, start, responses[:, :, None], reward[..., None], jnp.ones(1))


def _probabilities(policy: Any) -> Any:
    """(S, 1+Y), the call first; none is left in the last layer."""
    return probabilities(policy[:-1, :, -1:], policy[..., :-1], policy.shape[1])


def _visits(source: Any, source_tool: Any, policy: Any, **point: Any) -> Any:
    """(Q, S): the chance of each state in the source."""
    return visits(_model(source, source_tool, **point), _probabilities(policy))


def sides(
    kind: str,
    source: Any,
    target: Any,
    source_tool: Any,
    target_tool: Any,
    policy: Any,
    other: Any,
    calls: Callable[[int], float] | None = None,
    **point: Any,
) -> tuple[Any, Any]:
    """|V_T - V_S| and TV + D max TV, with ``calls(D)`` for D; or, by prompt, the KL of episodes by
    the chain rule, and H max KL of a step."""
    model, probs = _model(source, source_tool, **point), _probabilities(policy)
    if kind == GAP or calls is not None:
        return gap_and_bound(model, _model(target, target_tool, **point), probs, calls or float)
    steps, seen = kl_divergence(probs, _probabilities(other)), visits(model, probs)
    return jnp.where(seen > 0, seen * steps[None], 0.0).sum(-1), model.horizon * steps.max()


def _trivial(kind: str, **point: Any) -> Any:
    """R_max; nothing for a KL."""
    return 1.0 if kind == GAP else jnp.inf


def _infinite(kind: str, policy: Any, other: Any, **point: Any) -> Decision | None:
    if kind == GAP or covered(policy.reshape(-1), other.reshape(-1)):
        return None
    return Decision(fmpq(0), fmpq(1), "vacuous", "KL of a step is infinite")


_seen = enclose(lambda point: _visits(**point))


def _equal(prompt: int, kind: str, **point: Any) -> bool | None:
    """Whether the KL of a prompt's episodes is H times that of some step, in logarithms."""
    if kind == GAP:
        return None
    laws = (point[f].reshape(-1, point[f].shape[-1]) for f in ("policy", "other"))
    steps = [divergence(p, q) or Logs() for p, q in zip(*laws, strict=True)]
    episodes = Logs()
    for chance, step in zip(_seen(point)[prompt], steps, strict=True):
        episodes = episodes.plus(step, chance)
    horizon = fmpq(len(point["policy"]))
    return any(episodes.plus(step, -horizon).value == 0 for step in steps)


@dataclass(frozen=True)
class LayersDomain(Domain):
    """Whose documents have layers of states."""

    def read(self, document: Document) -> Point:
        """Likewise."""
        kinds = {name: option.read(document, name) for name, option in self.options.items()}
        return {**kinds, **read_layers(document)}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        return layered(super().document(x, place, largest))

    def simpler(self, document: Document) -> Iterator[Document]:
        """A layer, a state or a prompt less."""
        return simpler(document)


def _place(kind: str, depth: int, prompts: int, answers: int) -> dict[str, Any]:
    lengths = {"prompts": prompts, "depth": depth, "layers": depth + 1, "states": 2}
    return {
        "kind": kind,
        "other": kind != GAP,
        **lengths,
        "answers": answers,
        "actions": answers + 1,
    }


ARRAYS = {
    "source": simplex("prompts", support=False),
    "target": simplex("prompts", support=False),
    "start": simplex("prompts", "states", support=False),
    "policy": simplex("layers", "states", "actions"),
    "other": simplex("layers", "states", "actions", default=1),
    "source_tool": simplex("depth", "states", "states", support=False),
    "target_tool": simplex("depth", "states", "states", support=False),
    "reward": interval("prompts", "layers", "states", "answers"),
}
STATEMENT = Statement(
    sides,
    LayersDomain(
        ARRAYS,
        {"kind": one_of(*KINDS)},
        [
            *(_place(GAP, d, prompts=2, answers=1) for d in (1, 2, 3)),
            *(_place(EPISODES, d, prompts=1, answers=2) for d in (0, 1, 2)),
        ],
    ),
    mutants=LESS_DEPTH,
    trivial=_trivial,
    exception=_infinite,
    equal=_equal,
)
EXACT = STATEMENT.exact().with_deep(DEPTH.exact())
