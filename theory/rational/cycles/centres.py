"""Centres of expected updates, enclosed: zeros around which all orbits of the flow are closed.

The theorem is in ``theory.convergence.cycles.reversible``. Here its reflection is decided on
fractions, all zeros on the line that it leaves in place are isolated and enclosed by changes of
sign, and the determinant, hence frequency, and |grad J|^2 are evaluated at the balls around them.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose
from grpo_checks.theory.convergence.cycles.group_field import advantage_table
from grpo_checks.theory.convergence.cycles.reversible import line_advantage, line_gradient, turning
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, magnitude
from grpo_checks.theory.rational.cycles.isolation import coefficients, isolated, value
from grpo_checks.theory.rational.cycles.symmetry import reflections
from grpo_checks.theory.rational.lines.optimum import change_of_sign

HALVINGS = 128
"""Of the interval around a zero, in the chance of the action that stays: its width is 2^-128."""
_advantage, _turning, _gradient = (enclose(f) for f in (line_advantage, turning, line_gradient))
Exact = NDArray[np.object_]


class Model(NamedTuple):
    """One decision that all prompts share, in exact numbers."""

    share: Exact
    outcome: Exact
    """(Q, A, O): chances of the reward vectors."""
    rewards: Exact
    weights: Exact


class Centre(NamedTuple):
    """A zero of E[g] with closed orbits around it; three actions, the last two exchanged."""

    actions: tuple[int, int, int]
    difference: arb
    """theta of the first action less that of each other."""
    squared_frequency: Number
    """The determinant."""
    flatness: Number
    """Squared ratio of the axes of the ellipses around it, in the coordinates of the plane."""
    squared_gradient: Number
    """|grad J|^2 there."""


class Centres(NamedTuple):
    """Those on the lines of all reflections, and what is known where there is none."""

    centres: list[Centre]
    note: str
    zeros: int | None
    """On these lines; None where there is no line, or they are not decided."""


@lru_cache(maxsize=16)
def _table(eps: fmpq, group_size: int) -> Enclosed:
    """Decimals that an estimator brings along stand for themselves."""
    known = {float(eps): eps, group_size / (group_size - 1): fmpq(group_size, group_size - 1)}
    return enclose(advantage_table, known)


def advantages(model: Model, estimator: Estimator, eps: fmpq, group_size: int) -> Exact:
    """``group_field.advantage_table``, enclosed."""
    table: Exact = _table(eps, group_size)(model.rewards, model.weights, estimator, group_size)
    return table


def mean_rewards(model: Model) -> Exact:
    """Of each action, over prompts."""
    composite = model.rewards.dot(model.weights)
    return np.asarray(np.einsum("q,qao,o->a", model.share, model.outcome, composite))


def centres(model: Model, estimator: Estimator, eps: fmpq, group_size: int) -> Centres:
    """Of the estimator with this ``eps`` in groups of ``group_size`` >= 2."""
    decomposed = estimator.name == "componentwise_normalized"
    columns = model.rewards if decomposed else model.rewards.dot(model.weights)[:, None]
    lines = [x.actions for x in reflections(model.share, model.outcome, columns)]
    if not lines:
        return Centres([], "no exchange of two actions of three reflects the rewards", None)
    table = advantages(model, estimator, eps, group_size)
    known = [_on_line(model, table, group_size, line) for line in lines]
    listed = [centre for line in known for centre in line.centres]
    note = "" if listed else "; ".join(sorted({line.note for line in known}))
    counts = [line.zeros for line in known if line.zeros is not None]
    return Centres(listed, note, sum(counts) if len(counts) == len(known) else None)


def _on_line(model: Model, table: Exact, group_size: int, actions: tuple[int, int, int]) -> Centres:
    outcome = model.outcome[:, list(actions)]
    field = (model.share, outcome, table, group_size)
    values = mean_rewards(model)[list(actions)]
    line = coefficients(lambda z: _advantage(*field, z), group_size - 1)
    zeros = isolated(line)
    if zeros is None:
        return Centres([], "zeros on the line of the reflection are not decided", None)
    if not zeros:
        return Centres([], "no zero on the line of the reflection, certified", 0)
    listed = []
    for low, high in zeros:
        x = _difference(line, low, high)
        across, back = _turning(*field, x)
        squared_frequency = -across * back
        if squared_frequency > 0:
            flatness = magnitude(across / back)
            listed.append(Centre(actions, x, squared_frequency, flatness, _gradient(values, x)))
    note = "no zero on the line of the reflection is certainly a centre"
    return Centres(listed, note, len(zeros))


def _difference(line: Sequence[Number], low: fmpq, high: fmpq) -> arb:
    """ln(2z/(1-z)) of the zero z in between."""
    side = 1 if value(line, low) > 0 else -1
    z = change_of_sign(lambda at: side * value(line, at), low, high, HALVINGS)
    return (2 * z / (1 - z)).log()
