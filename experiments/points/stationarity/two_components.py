"""Points of T1.K: the noise of two components next to that of one, correlation free.

Statement: |log2 V(K=2)/V(K=1) - 1| <= 1/20 for `leave_one_out` and two components of unit weight
whose single noises are equal. Without any noise left it counts as 1 off.
Proof: of V, ``theory.updates.ustatistic``, which T1.G compares with groups that are listed.
Units: of exponents.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.choice_domain import EpisodeDomain
from grpo_checks.experiments.falsifier.constraints import integer
from grpo_checks.experiments.falsifier.domain import Place, Point
from grpo_checks.experiments.falsifier.reading import LARGEST_GROUP
from grpo_checks.experiments.falsifier.relaxed import Kinds, noise
from grpo_checks.experiments.falsifier.rounding import Floats, odds
from grpo_checks.experiments.falsifier.smaller import fewer
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE, entry, listed, number

TOLERANCE = fmpq(1, 20)
FIELDS = ("both", "one", "none")
PLACE = {"outcomes": 4, "components": 2, "binary": True}


class AlikeDomain(EpisodeDomain):
    """Models, or ``actions`` of one prompt with ``odds`` and shares of outcomes in which ``both``,
    ``one`` of two or ``none`` of the components are earned: those are alike by construction.
    """

    def dimension(self, place: Place) -> int:
        """Likewise, of the second kind."""
        return 4 * int(dict(place)["actions"])

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        free = x.reshape(-1, 4)
        # Rewards (1, 1), (0, 1), (1, 0), (0, 0): either component is the one of two.
        both, one, none = free[:, 1], free[:, 2] - jnp.log(2.0), free[:, 3]
        outcomes = jnp.stack([both, one, one, none], 1).reshape(-1)
        return super().point(jnp.concatenate([jnp.zeros(1), free[:, 0], outcomes]), place)

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        free = np.asarray(x).reshape(-1, 4)
        actions = [
            {"odds": o, **dict(zip(FIELDS, odds(row[1:], largest, 0), strict=True))}
            for o, row in zip(odds(free[:, 0], largest), free, strict=True)
        ]
        return {"group_size": dict(place)["group_size"], "actions": actions}

    def read(self, document: Document) -> Point:
        """Of either kind."""
        if "actions" not in document:
            return super().read(document)
        prompt = {"share": 1, "actions": list(map(_action, listed("actions", document["actions"])))}
        return super().read({**document, "weights": [1, 1], "prompts": [prompt]})

    def simpler(self, document: Document) -> Iterator[Document]:
        """Of either kind."""
        if "actions" in document:
            yield from fewer(document, ("actions",))
        yield from super().simpler(document)


def _action(action: Any) -> Document:
    both, one, none = (number(field, entry(action, field), NOT_NEGATIVE) for field in FIELDS)
    vectors = ((both, (1, 1)), (one / 2, (1, 0)), (one / 2, (0, 1)), (none, (0, 0)))
    outcomes = [{"share": str(s), "rewards": list(r)} for s, r in vectors if s > 0]
    return {"odds": entry(action, "odds"), "outcomes": outcomes}


def _variances(share: Any, kinds: Kinds, weights: Any, group_size: int) -> list[Any]:
    """V of both components, and of either alone."""

    def variance(part: slice) -> Any:
        some = kinds._replace(rewards=kinds.rewards[..., part])
        return share**2 @ jax.vmap(noise, (0, None))(some, weights[part]).error(group_size)

    return list(map(variance, (slice(2), slice(1), slice(1, 2))))


def sides(**point: Any) -> tuple[Any, Any]:
    """|exponent - 1|, which is 0 exactly where V doubles, and 1/20."""
    both, one, _ = _variances(**point)
    exponent = jnp.log(jnp.where(both > 0, both / one / 2, 1.0)) / jnp.log(2.0)
    bound = jnp.ones(()) / int(TOLERANCE.q)
    return jnp.where(both > 0, jnp.abs(exponent), 1.0), bound


_enclosed = enclose(lambda point: _variances(**point))


def _alike(**point: Any) -> Decision | None:
    if [*point["weights"]] != [1, 1]:
        raise ValueError(f"weights = {[*map(str, point['weights'])]}: expected two, both 1")
    _, first, second = _enclosed(point)
    different = first == 0 or first != second
    return unmet("the components are not alike, or without noise") if different else None


def _told(**point: Any) -> str:
    both, one, _ = _enclosed(point)
    return f"V(K=2)/V(K=1) = {both / one}" if both else "V(K=2) = 0, V(K=1) > 0"


STATEMENT = Statement(
    sides,
    AlikeDomain(
        options={"group_size": integer(2, LARGEST_GROUP)},
        places=[{**PLACE, "actions": a, "group_size": g} for a, g in ((2, 2), (3, 2), (2, 8))],
    ),
    exception=_alike,
    note=_told,
)
