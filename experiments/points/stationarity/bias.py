"""Points of T1.bias: policies at which one of grad J and E[g] vanishes, exactly or provably nearby.

Statement: where one of grad J and E[g] is 0, so is the other. ``fair``: one prompt whose actions
are lotteries of one ``mean``, so that grad J = 0 whatever the numbers. ``between``: two odds on a
log-odds line at which E[g] has different signs while grad J has one sign on the whole stretch: E[g]
vanishes between them and grad J does not.
Proof: E[g] by its definition, groups are listed.
Units: squared rewards, and of advantages.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.choice_domain import EpisodeDomain
from grpo_checks.experiments.falsifier.constraints import fraction, integer
from grpo_checks.experiments.falsifier.domain import Place, Point
from grpo_checks.experiments.falsifier.reading import LARGEST_GROUP, between
from grpo_checks.experiments.falsifier.relaxed import Kinds, update
from grpo_checks.experiments.falsifier.rounding import Floats, near, near_positive, odds
from grpo_checks.experiments.falsifier.smaller import fewer
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import ends, least, shown
from grpo_checks.theory.numbers.fields import INSIDE, NOT_NEGATIVE, entry, listed, number
from grpo_checks.theory.rational.lines.line import Line, parse_line, slope

NORMALIZED = Estimator("group_normalized")
PIECES, SCALE = 64, 10**12


def fair_model(document: Document) -> Document:
    """Actions that pay ``mean`` on average: mean - down mean, or mean + up (1 - mean).

    ``down`` and ``up`` in (0, 1], or both 0 for a sure payment. Raises ValueError.
    """
    mean = number("mean", entry(document, "mean"), INSIDE)
    actions = []
    for action in listed("fair", entry(document, "fair")):
        down, up = (number(side, entry(action, side)) for side in ("down", "up"))
        if not (down == up == 0 or (0 < down <= 1 and 0 < up <= 1)):
            raise ValueError(f"down, up = {down}, {up}: expected both 0, or both in (0, 1]")
        fall, rise = down * mean, up * (1 - mean)
        outcomes = [(rise, mean - fall), (fall, mean + rise)] if fall else [(fmpq(1), mean)]
        paid = [{"share": str(share), "rewards": [str(r)]} for share, r in outcomes]
        actions.append({"odds": entry(action, "odds"), "outcomes": paid})
    return {"weights": [1], "prompts": [{"share": 1, "actions": actions}]}


class FairDomain(EpisodeDomain):
    """Models and their policies, or fair lotteries; a falsifier looks among the latter."""

    def dimension(self, place: Place) -> int:
        """Mean; falls, rises and log odds."""
        return 1 + 3 * int(dict(place)["actions"])

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        mean, down, up, logits = _parts(x)
        fall, rise = down * mean, up * (1 - mean)
        higher, policy = fall / (fall + rise), jax.nn.softmax(logits)
        chance = jnp.concatenate([policy * (1 - higher), policy * higher])
        rewards = jnp.concatenate([mean - fall, mean + rise])
        score = jnp.tile(jnp.eye(len(policy)) - policy[None], (2, 1))
        kinds = Kinds(chance[None], rewards[None, :, None], score[None])
        return {
            "share": jnp.ones(1),
            "kinds": kinds,
            "weights": jnp.ones(1),
            **self._options(place),
        }

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        mean, downs, ups, logits = jax.device_get(_parts(x))
        actions = [
            {"odds": o, "down": near_positive(a, largest), "up": near_positive(b, largest)}
            for o, a, b in zip(odds(logits, largest), downs, ups, strict=True)
        ]
        size = dict(place)["group_size"]
        return {"group_size": size, "mean": near(mean, largest), "fair": actions}

    def read(self, document: Document) -> Point:
        """Of either kind."""
        model = fair_model(document) if "fair" in document else {}
        return super().read({**document, **model})

    def simpler(self, document: Document) -> Iterator[Document]:
        """Likewise; and a lottery less, or a sure payment for a lottery."""
        yield from super().simpler(document)
        yield from fewer(document, ("fair",))
        fair = document.get("fair", [])
        for i, action in enumerate(fair):
            yield {**document, "fair": [*fair[:i], {**action, "down": 0, "up": 0}, *fair[i + 1 :]]}


@partial(jax.jit, inline=True)
def _parts(x: Any) -> tuple[Any, Any, Any, Any]:
    """Mean, falls and rises, and log odds."""
    free = x[1:].reshape(-1, 3)
    return jax.nn.sigmoid(x[0]), *jax.nn.sigmoid(free[:, :2]).T, free[:, 2]


def fields(
    share: Any, kinds: Kinds, weights: Any, group_size: int, ddof: int, eps: Any
) -> tuple[Any, Any]:
    """grad J, and E[g] by listing groups."""

    def of_prompt(one: Kinds) -> tuple[Any, Any]:
        estimator, composite = Estimator("group_normalized", ddof), one.rewards @ weights
        listed = update(one, weights, group_size, estimator, eps)
        return (one.chance * composite) @ one.score, listed.mean

    gradient, mean = jax.vmap(of_prompt)(kinds)
    return share @ gradient, share @ mean


def sides(**point: Any) -> tuple[Any, Any]:
    """The larger of |grad J|^2 and |E[g]|^2, which is the other one's where one is 0; and 0."""
    gradient, mean = fields(**point)
    return jnp.maximum((gradient**2).sum(), (mean**2).sum()), 0.0


enclosed_fields = enclose(lambda point: fields(**point))


def _neither(**point: Any) -> Decision | None:
    gradient, mean = enclosed_fields(point)
    if not any(gradient) or all(isinstance(x, fmpq) and x == 0 for x in mean):
        return None
    return unmet("neither grad J nor E[g] is known to vanish here")


def _in_words(**point: Any) -> str:
    gradient, mean = enclosed_fields(point)
    return "E[g] = 0" if any(gradient) else f"grad J = 0, E[g] = {shown(mean[0], 8)}"


def decide(document: Document, mutant: str | None) -> Decision:
    """Between two odds |grad J|^2 where E[g] vanishes; elsewhere the statement."""
    if "between" not in document:
        return STATEMENT.decide(document, mutant)
    line, stretch = parse_line(document), between(document)
    points = [STATEMENT.domain.read({**document, "odds": str(z)}) for z in stretch]
    first, second = (enclosed_fields(point)[1][0] for point in points)
    if not (first * second < 0):
        return unmet("no change of sign of E[g] between these odds")
    smallest = _least_square(line, *stretch)
    if smallest is None:
        return Decision(fmpq(0), fmpq(0), "inconclusive", "grad J may vanish between these odds")
    note = "E[g] vanishes between these odds; |grad J|^2 is at least this"
    return compare(smallest, fmpq(0), note)


def _least_square(line: Line, first: fmpq, last: fmpq) -> fmpq | None:
    """At most |grad J|^2 anywhere between two odds; None where grad J has no certain sign."""
    cuts = [first + (last - first) * i / PIECES for i in range(PIECES + 1)]
    slopes = [slope(line, arb(a).union(arb(b))) for a, b in pairwise(cuts)]
    if all(s > 0 for s in slopes) or all(s < 0 for s in slopes):
        low, _ = ends(least(s * s for s in slopes))
        return fmpq(int(low * SCALE // 1), SCALE)
    return None


STATEMENT = Statement(
    sides,
    FairDomain(
        options={
            "group_size": integer(2, LARGEST_GROUP),
            "ddof": integer(0, 1, default=0),
            "eps": fraction(NOT_NEGATIVE, default=0),
        },
        places=[{"actions": n, "group_size": g} for n, g in ((2, 2), (2, 3), (3, 2), (2, 4))],
    ),
    exception=_neither,
    note=_in_words,
)
EXACT = replace(STATEMENT.exact(), decide=decide)
