"""T2.benefit on one prompt: what e promises of one update, against the exact gain in J.

A document is a model of ``theory.choice`` with one prompt, ``group_size``, and ``check``:
"guarantee": the best step gains at least e/(2L), decomposed and joint; "ranking": 1/100 of the best
steps gain in the order of e, where e is clear enough for that.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.exact import Document, Exact, Search
from experiments.points.building import choices, lottery
from experiments.points.rounding import Floats
from experiments.points.smaller import smaller_choice
from experiments.verdict import Decision, compare, unmet
from theory import choice_step as steps
from theory.advantages import Estimator
from theory.balls import fmpq
from theory.benefit import Ascent
from theory.choice import Choice, parse_choice
from theory.fields import one_of
from theory.menu_point import parse_option
from theory.one_update import Decision as Model
from theory.one_update import Groups, expected_gain, groups
from theory.races import sign_is_clear

ESTIMATORS = (Estimator("componentwise_normalized"), Estimator("group_normalized"))
"""Decomposed, joint."""
CHECKS = ("guarantee", "ranking")
SHARE = fmpq(1, 100)
FLOAT_SHARE = 0.01


def decide(document: Document, mutant: str | None) -> Decision:
    """See the module; the mutant promises with |<grad J, m>|."""
    model, option = parse_choice(document), parse_option(document)
    check = one_of(document, "check", CHECKS)
    both = [steps.promise(model, option.group_size, e) for e in ESTIMATORS]
    if mutant is not None:
        both = [steps.unsigned(promised) for promised in both]
    of = _guaranteed if check == "guarantee" else _ranked
    return of(model, option.group_size, both)


def _guaranteed(model: Choice, group_size: int, both: list[steps.Promise]) -> Decision:
    """The estimator that comes off worse; both are to keep their promise."""
    found = []
    for estimator, promised in zip(ESTIMATORS, both, strict=True):
        earned = steps.gain(model, group_size, estimator, promised.step)
        note = f"e/(2L) against the gain, {estimator.name}"
        found.append(compare(promised.guaranteed, earned, note))
    for verdict in ("refuted", "inconclusive"):
        for decision in found:
            if decision.verdict == verdict:
                return decision
    return max(found, key=lambda d: float(d.observed / d.bound) if d.bound > 0 else 0.0)


def _ranked(model: Choice, group_size: int, both: list[steps.Promise]) -> Decision:
    """The gain of the one whose e is smaller against that of the other."""
    e = [promised.efficiency for promised in both]
    for ahead, behind in ((0, 1), (1, 0)):
        if e[ahead] * (1 - SHARE / 2) > e[behind] * (1 + SHARE / 2):
            gained = [
                steps.gain(model, group_size, estimator, SHARE * promised.step)
                for estimator, promised in zip(ESTIMATORS, both, strict=True)
            ]
            return compare(gained[behind], gained[ahead], f"ahead: {ESTIMATORS[ahead].name}")
    return unmet("e differs too little to rank a hundredth of the best steps")


class Shape(NamedTuple):
    """Actions with all four outcomes of two components of weights 1 and ``second``."""

    check: str
    group_size: int
    actions: int
    second: int


SHAPES = tuple(
    Shape(check, size, actions, second)
    for check in CHECKS
    for size, actions, second in ((2, 3, 1), (4, 2, 1), (4, 2, 3))
)
VECTORS = np.array(list(np.ndindex(2, 2)), float)


@lru_cache(maxsize=16)
def _tables(of: Shape) -> tuple[Groups, ...]:
    """Of groups over every pair of action and outcome."""
    weights = np.array([1.0, of.second])
    # Any chances > 0: the pairs that are possible, whose true chances come later.
    model = Model(
        np.full((of.actions, 4), 0.25), VECTORS, VECTORS @ weights, weights, (0, np.arange(1))
    )
    with jax.ensure_compile_time_eval():
        return tuple(groups(model, of.group_size, e) for e in ESTIMATORS)


def _ratio(x: Any, of: Shape) -> Any:
    """Larger side over smaller side; 0 where e is too close to rank."""
    logits, shares = x[: of.actions], x[of.actions :].reshape(of.actions, 4)
    chance, law = jax.nn.softmax(shares), jax.nn.softmax(logits)
    worth = chance @ jnp.asarray(VECTORS @ np.array([1.0, of.second]))
    smooth = (1 + of.second) / 2
    slope = law * (worth - law @ worth)
    e, sizes = [], []
    for table in _tables(of):
        table = table._replace(given=chance.reshape(-1))
        moves, p = table.moves(), table.chances(law)
        here = Ascent(slope @ (p @ moves), p @ jnp.square(moves).sum(1))
        share = 1.0 if of.check == "guarantee" else FLOAT_SHARE
        step = share * here.best_step(smooth)
        e.append(here.efficiency)
        sizes.append(expected_gain(table, worth, logits, step))
    efficiency, gained = jnp.stack(e), jnp.stack(sizes)
    if of.check == "guarantee":
        promised = efficiency / (2 * smooth)
        return jnp.where(gained > 1e-12, promised / jnp.maximum(gained, 1e-12), 0.0).max()
    ahead = jnp.argmax(efficiency)
    clear = sign_is_clear(efficiency[0], efficiency[1], FLOAT_SHARE)
    return jnp.where(clear, gained[1 - ahead] / jnp.maximum(gained[ahead], 1e-15), 0.0)


def _document(x: Floats, of: Shape, n: int) -> Document:
    logits, shares = x[: of.actions], x[of.actions :].reshape(of.actions, 4)
    vectors = VECTORS.astype(int).tolist()
    actions = choices(logits, [lottery(row, vectors, n) for row in shares], n)
    return {
        "check": of.check,
        "group_size": of.group_size,
        "weights": [1, of.second],
        "prompts": [{"share": 1, "actions": actions}],
    }


BENEFIT = Exact(
    decide, Search(SHAPES, lambda of: 5 * of.actions, _ratio, _document), smaller_choice
)
