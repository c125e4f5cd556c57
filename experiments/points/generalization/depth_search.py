"""Where a falsifier looks for the gap of value that uses up its bound; see ``points.depth``.

Two states a layer. Gap: two prompts, one answer. KL of episodes: one prompt, two answers. Both are
computed by a sweep over layers, the certified side by listing episodes.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import rel_entr

from grpo_checks.experiments.falsifier.rounding import Floats, odds, table, unit
from grpo_checks.experiments.protocol.points import Document, Search
from grpo_checks.theory.generalization.transfer import depth_bound, total_variation

TINY = 1e-9
"""Keeps ratios of two vanishing numbers finite."""
STATES = 2


class Place(NamedTuple):
    """A choice."""

    kind: str
    depth: int

    @property
    def answers(self) -> int:
        """Y; there are 3 - Y prompts."""
        return 1 if self.kind == "value" else 2


class Parts(NamedTuple):
    """Logits of everything; with leading axes (D+1 layers, STATES)."""

    prompts: Any
    start: Any
    policy: Any
    other: Any
    source: Any
    target: Any
    reward: Any


def _shapes(at: Place) -> Parts:
    y, q, every = at.answers, 3 - at.answers, (at.depth + 1, STATES)
    return Parts(
        (2, q), (q, STATES), (*every, y + 1), (*every, y + 1), (*every, STATES),
        (*every, STATES), (*every, q, y),
    )  # fmt: skip


def _dimension(at: Place) -> int:
    return sum(int(np.prod(shape)) for shape in _shapes(at))


def _parts(x: Any, at: Place) -> Parts:
    ends = np.cumsum([np.prod(shape) for shape in _shapes(at)])
    pieces: Any = np.split(x, ends[:-1]) if isinstance(x, np.ndarray) else jnp.split(x, ends[:-1])
    return Parts(*(p.reshape(s) for p, s in zip(pieces, _shapes(at), strict=True)))


def document(x: Floats, at: Place, n: int) -> Document:
    """The point, rounded; in the last layer no call is left."""
    model = _parts(x, at)
    layers = []
    for h, s in np.ndindex(at.depth + 1, STATES):
        actions = at.answers + (h < at.depth)
        state: dict[str, Any] = {"policy": odds(model.policy[h, s, :actions], n)}
        if at.kind != "value":
            state["other"] = odds(model.other[h, s, :actions], n)
        if h < at.depth:
            state |= {f: odds(getattr(model, f)[h, s], n, 0) for f in ("source", "target")}
        state["reward"] = table(model.reward[h, s], unit, n)
        layers.append(state)
    return {
        "kind": at.kind,
        "source": odds(model.prompts[0], n, 0),
        "target": odds(model.prompts[1], n, 0),
        "start": [odds(row, n, 0) for row in model.start],
        "layers": [layers[i : i + STATES] for i in range(0, len(layers), STATES)],
    }


def _gap(model: Parts, depth: int) -> Any:
    """|V_T - V_S| over its bound."""
    rows = [jax.nn.softmax(x) for x in (model.source, model.target)]
    reward, policy = jax.nn.sigmoid(model.reward[..., 0]), jax.nn.softmax(model.policy)
    laws = jax.nn.softmax(model.prompts)
    values = []
    for law, answer in zip(laws, rows, strict=True):
        v = reward[depth]
        for h in reversed(range(depth)):
            v = policy[h, :, :1] * reward[h] + policy[h, :, 1:] * (answer[h] @ v)
        values.append(law @ jnp.diagonal(jax.nn.softmax(model.start) @ v))
    moved = total_variation(rows[0], rows[1])[:depth].max(initial=0.0)
    bound = depth_bound(1.0, depth, total_variation(laws[0], laws[1]), moved)
    return jnp.abs(values[0] - values[1]) / (bound + TINY)


def _episodes(model: Parts, depth: int) -> Any:
    """KL of episodes over H times the largest of a step."""
    p, q = jax.nn.softmax(model.policy), jax.nn.softmax(model.other)
    ends = [jax.nn.softmax(x[depth, :, :-1]) for x in (model.policy, model.other)]
    last = rel_entr(*ends).sum(-1)
    divergence, rows = rel_entr(p, q).sum(-1), jax.nn.softmax(model.source)
    kl, top = last, last.max()
    for h in reversed(range(depth)):
        kl, top = (
            divergence[h] + p[h, :, -1] * (rows[h] @ kl),
            jnp.maximum(top, divergence[h].max()),
        )
    return (jax.nn.softmax(model.start) @ kl)[0] / ((depth + 1) * top + TINY)


def _ratio(x: Any, at: Place) -> Any:
    model = _parts(x, at)
    return _gap(model, at.depth) if at.kind == "value" else _episodes(model, at.depth)


CHOICES = (
    *(Place("value", d) for d in (1, 2, 3)),
    *(Place("KL of episodes", d) for d in (0, 1, 2)),
)
SEARCH = Search(CHOICES, _dimension, _ratio, document)
