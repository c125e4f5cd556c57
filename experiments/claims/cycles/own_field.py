"""T1.own at rational points: does the average of |E[g]|^2 along a run with steps c/sqrt(T) vanish?

Documents: ``outcome (Q, A, O)``, chances of the O reward vectors ``rewards (O, K)`` given prompt
and action; ``share (Q,)`` and ``weights (K,)``, 1 by default; ``logits (A,)`` where the run starts;
``reach``, c; ``estimator``, ``ddof``, ``eps``; ``group_size``, 2 by default. ``average`` says of
what: |E[g]|^2 or |grad J|^2 along expected updates, or E|grad J|^2 along sampled ones.

G = 2: *refuted* by a floor for every T (``theory.rational.cycles.floors``) where three actions beat
one another in a circle. *Holds* where the wins are differences, S_ab = u_a - u_b: E[g] is then the
gradient of sum_a pi_a u_a, and that of a multiple of J where u is one of the mean rewards, up to a
constant. Estimators that are linear in the rewards have a multiple of that E[g] at every G.

Else, in larger groups, *holds* for |E[g]|^2 where E[g] is a gradient (``larger_groups``), and is
*refuted* by a centre (``theory.convergence.cycles.reversible``), whatever ``logits`` and ``reach``:
"grad J" by |grad J|^2 there, of runs from the centre, every c and T; "E[g]" by the determinant of
its Jacobian, of runs from closed orbits near it with small c, whose floors are not explicit; "grad
J" also by a zero between two actions that attracts (``theory.convergence.cycles.edges``).
All else is *inconclusive*.
"""

from functools import lru_cache
from typing import Any, get_args

import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.claims.cycles.larger_groups import FIELDS, decide_larger, estimator_of
from grpo_checks.experiments.falsifier.constraints import (
    above_zero,
    fraction,
    integer,
    interval,
    one_of,
    real,
    simplex,
)
from grpo_checks.experiments.falsifier.domain import Domain, Place
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision
from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose
from grpo_checks.theory.convergence.cycles.duels import duels
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE, POSITIVE
from grpo_checks.theory.rational.cycles.floors import Average, Circle

ESTIMATORS = (
    "group_normalized",
    "componentwise_normalized",
    "leave_one_out",
    "mean_baseline",
)
DOMAIN = Domain(
    {
        "share": simplex("prompts", default=1),
        "outcome": simplex("prompts", "actions", "outcomes", support=False),
        "rewards": interval("outcomes", "components"),
        "weights": above_zero("components", default=1),
        "logits": real("actions"),
    },
    {
        "reach": fraction(POSITIVE, default=1),
        "average": one_of(*get_args(Average), default="E[g]"),
        "estimator": one_of(*ESTIMATORS, default="group_normalized"),
        "group_size": integer(2, 16, default=2),
        "ddof": integer(0, 1, default=0),
        "eps": fraction(NOT_NEGATIVE, default=0),
    },
    [
        {"prompts": q, "actions": 3, "outcomes": o, "components": k, "share": q > 1}
        for q, o, k in ((1, 4, 1), (1, 4, 2), (3, 3, 1))
    ],
    least={"actions": 2},
)
GRADIENT = "E[g] is the gradient of sum_a pi_a u_a"


def _wins_and_values(point: Any, estimator: Estimator) -> tuple[Any, Any]:
    """S, and the mean rewards of the actions."""
    model = (point["share"], point["outcome"], point["rewards"], point["weights"])
    composite = point["rewards"] @ point["weights"]
    return duels(*model, estimator), jnp.einsum("q,qao,o->a", *model[:2], composite)


@lru_cache(maxsize=16)
def _enclosed(eps: fmpq) -> Enclosed:
    """A decimal eps stands for itself."""
    return enclose(_wins_and_values, {float(eps): eps})


def _solved(document: Document) -> tuple[Any, Any, Any]:
    """The point, S, and the mean rewards of its actions. Raises ValueError for what is no point."""
    point = DOMAIN.read(document)
    model = {name: point[name] for name in FIELDS}
    return point, *_enclosed(point["eps"])(model, estimator_of(point))


def worth(document: Document) -> list[fmpq] | None:
    """u, where the wins are certainly its differences. Raises ValueError for what is no point."""
    _, s, _ = _solved(document)
    return list(s[:, 0]) if _are_differences(s) else None


def circle_of(document: Document) -> Circle | None:
    """Three actions that beat one another, if they do. Raises ValueError likewise."""
    return _circle(*_solved(document))


def _circle(point: Any, s: Any, values: Any) -> Circle | None:
    wins = [s[0, 1], s[1, 2], s[2, 0]] if len(s) == 3 else []
    if not wins or not (all(x > 0 for x in wins) or all(x < 0 for x in wins)):
        return None
    logits = list(point["logits"])
    return Circle(wins, list(values), [x - sum(logits) / 3 for x in logits])


def decide(document: Document, mutant: str | None = None) -> Decision:
    """A floor above 0, or none. Raises ValueError for what is no point."""
    point, s, values = _solved(document)
    if point["group_size"] > 2 and not estimator_of(point).is_plain:
        return decide_larger(point)
    circle = _circle(point, s, values)
    if circle is not None:
        floor = circle.floor(point["average"], point["reach"])
        note = f"for every T, with c = {point['reach']}"
        return Decision(floor, fmpq(0), "refuted" if floor > 0 else "inconclusive", note)
    if _are_differences(s) and (point["average"] == "E[g]" or _follow(s, values)):
        return Decision(fmpq(0), fmpq(0), "holds", GRADIENT)
    return Decision(fmpq(0), fmpq(0), "inconclusive", "neither a circle nor a gradient that J has")


def _are_differences(s: Any) -> bool:
    """Whether S_ab = S_a0 - S_b0, certainly: of rational numbers."""
    n = range(len(s))
    return all(_is_zero(s[a, b] - s[a, 0] + s[b, 0]) for a in n for b in n)


def _follow(s: Any, values: Any) -> bool:
    """Whether the wins are a multiple above 0 of the differences of the values, or J is constant.

    Where no action wins although their values differ, the policy stays where J is not stationary.
    """
    lead = [(s[a, 0], values[a] - values[0]) for a in range(len(s))]
    aligned = all(_is_zero(x * w - y * v) for x, v in lead for y, w in lead)
    return aligned and all(x * v > 0 or _is_zero(v) for x, v in lead)


def _is_zero(x: Number) -> bool:
    return isinstance(x, fmpq) and x == 0


def _ratio(x: Any, place: Place) -> Any:
    """Above 1 where three actions beat one another in a circle."""
    s, _ = _wins_and_values(DOMAIN.point(x, place), Estimator("group_normalized"))
    wins = jnp.stack([s[0, 1], s[1, 2], s[2, 0]])
    return 1 + jnp.maximum(wins.min(), -wins.max())


EXACT = Exact(
    decide,
    Search(DOMAIN.choices(), DOMAIN.dimension, _ratio, DOMAIN.document),
    DOMAIN.simpler,
)
