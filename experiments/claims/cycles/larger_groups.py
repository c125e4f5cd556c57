"""T1.own at rational points in groups of more than two: potentials, centres, attracting edges.

Points are read by ``own_field``. E[g] is a gradient, of a bounded smooth function, where there are
two actions (it has one direction) and where all that the estimator normalises takes two values at
each prompt (a prompt's part is then h(p_q) grad p_q, or a sum of such): steps c/sqrt(T) ascend it.
"""

from typing import Any

from flint import fmpq

from grpo_checks.experiments.protocol.verdict import Decision, Verdict
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import root
from grpo_checks.theory.rational.cycles.centres import Centre, Centres, Model, centres
from grpo_checks.theory.rational.cycles.edges import Edge, edges

FIELDS = ("share", "outcome", "rewards", "weights")
"""Of a point, that are its model."""


def estimator_of(point: Any) -> Estimator:
    """With a decimal eps that stands for the fraction."""
    return Estimator(point["estimator"], point["ddof"], float(point["eps"]))


def centres_at(point: Any) -> Centres:
    """Of E[g] in groups of ``group_size``."""
    model = Model(*(point[name] for name in FIELDS))
    return centres(model, estimator_of(point), point["eps"], point["group_size"])


def edges_at(point: Any) -> list[Edge]:
    """Zeros of E[g] between two actions that attract, where J is not stationary."""
    model = Model(*(point[name] for name in FIELDS))
    known = edges(model, estimator_of(point), point["eps"], point["group_size"])
    return [edge for edge in known if edge.squared_gradient > 0]


def decide_larger(point: Any) -> Decision:
    """*Holds* by a potential, *refuted* by a centre or an edge, else *inconclusive*."""
    if point["average"] == "E[g]" and _has_potential(point):
        return Decision(fmpq(0), fmpq(0), "holds", "E[g] is the gradient of a bounded function")
    known = centres_at(point)
    if point["average"] == "grad J, sampled":
        why = known.note or "a centre, which says nothing of sampled runs"
        return Decision(fmpq(0), fmpq(0), "inconclusive", why)
    if known.centres:
        return _by_centre(known.centres[0], point["average"])
    attracting = edges_at(point) if point["average"] == "grad J" else []
    if not attracting:
        return Decision(fmpq(0), fmpq(0), "inconclusive", known.note)
    edge = attracting[0]
    note = f"runs end where action {edge.actions[0]} has the chance {float(edge.chance):.5f}, "
    note += f"action {edge.actions[1]} the rest; |grad J|^2 there"
    return Decision(edge.squared_gradient, fmpq(0), "refuted", note)


def _by_centre(centre: Centre, average: str) -> Decision:
    square = centre.squared_frequency
    number = square if average == "E[g]" else centre.squared_gradient
    verdict: Verdict = "refuted" if number > 0 else "inconclusive"
    shown = f"{float(centre.difference):.5f}, frequency {float(root(square)):.5f}"
    what = "the determinant there" if average == "E[g]" else "|grad J|^2 there"
    return Decision(number, fmpq(0), verdict, f"a centre at a logit difference of {shown}; {what}")


def _has_potential(point: Any) -> bool:
    if point["outcome"].shape[1] == 2:
        return True
    columns = point["rewards"]
    if point["estimator"] != "componentwise_normalized":
        columns = columns.dot(point["weights"])[:, None]
    return all(
        len({column[o] for o in range(len(column)) if any(law[o] != 0 for law in prompt)}) <= 2
        for prompt in point["outcome"]
        for column in columns.T
    )
