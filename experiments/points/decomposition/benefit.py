"""T2.benefit on one prompt: does e rank two updates as the exact gains in J do?

A document is a model of ``theory.rational.choices.choice`` with one prompt, and ``group_size``.
Decomposed and joint update each take the step of ``STEPS`` that suits it best, or both the same
with ``step``. None of these steps is taken from e, or the ranking by e would be judged by itself.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, Episodes, one_prompt
from grpo_checks.experiments.falsifier.constraints import integer
from grpo_checks.experiments.falsifier.domain import Place, Point
from grpo_checks.experiments.falsifier.relaxed import Groups, Kinds, groups
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import MAX_GROUP
from grpo_checks.theory.numbers.fields import Range, number
from grpo_checks.theory.updates.benefit import Ascent

ESTIMATORS = (Estimator("componentwise_normalized"), Estimator("group_normalized"))
"""Decomposed, joint."""
STEPS = tuple(fmpq(2) ** k for k in range(-4, 5))
"""In units of 1/L; the same for both. Bounded: a gain may grow with the step without end."""
CLEAR = 0.01
"""By how much the e of a point that is searched for must differ, relatively."""
WITHIN = Range(f"one of {', '.join(map(str, STEPS))}", lambda x: x in STEPS)


class BenefitDomain(ChoiceDomain):
    """One prompt, with ``steps`` (N,): the one that a document names, or all of the grid."""

    def point(self, x: Any, place: Place) -> Point:
        """Likewise; e must differ by ``clear``, relatively."""
        steps = jnp.asarray([float(step) for step in STEPS])
        return {**super().point(x, place), "steps": steps, "clear": CLEAR}

    def read(self, document: Document) -> Point:
        """Likewise."""
        named = "step" in document
        steps = [number("step", document["step"], WITHIN)] if named else list(STEPS)
        return {**super().read(document), "steps": exact(steps)}


def _updates(
    reward: Any, weights: Any, group_size: int, **model: Any
) -> tuple[Episodes, list[tuple[Any, Any]]]:
    """The episodes of the prompt; the groups' chances (M,) and updates (M, A) of either kind."""
    at = one_prompt(reward=reward, weights=weights, **model)
    kinds = Kinds(at.probability, reward[0].reshape(-1, len(weights)), at.score)
    listed = [groups(kinds, weights, group_size, estimator) for estimator in ESTIMATORS]
    return at, [(x.chance, _moves(x, at.score, group_size)) for x in listed]


def _moves(listed: Groups, score: Any, group_size: int) -> Any:
    return (listed.counts * listed.advantage) @ score / group_size


def _efficiency(at: Episodes, chance: Any, moves: Any) -> Any:
    slope = at.policy * (at.value - at.mean)
    return Ascent(slope @ (chance @ moves), chance @ jnp.square(moves).sum(1)).efficiency


def efficiencies(steps: Any = None, **model: Any) -> Any:
    """(2,): e of decomposed and joint update."""
    at, both = _updates(**model)
    return jnp.stack([_efficiency(at, *update) for update in both])


def gains(steps: Any, weights: Any, **model: Any) -> Any:
    """(2, N): E J(theta + step g) - J(theta) of either update, at all steps."""
    at, both = _updates(weights=weights, **model)
    after = jax.vmap(jax.vmap(at.value_at))
    sized = 2 * steps / weights.sum()
    values = [after(sized[:, None, None] * moves[None]) @ chance for chance, moves in both]
    return jnp.stack(values) - at.mean


def sides(clear: Any = 0, **point: Any) -> tuple[Any, Any]:
    """The best gain of the update whose e is smaller, and that of the other."""
    e, best = efficiencies(**point), gains(**point).max(1)
    first = e[1] < e[0]
    behind, ahead = jnp.where(first, best[1], best[0]), jnp.where(first, best[0], best[1])
    ranked = jnp.where(first, e[1] < (1 - clear) * e[0], e[0] < (1 - clear) * e[1])
    return jnp.where(ranked, behind, 0.0), ahead


_enclosed = enclose(lambda point: efficiencies(**point))


def _ranked(**point: Any) -> Decision | None:
    first, second = _enclosed(point)
    return None if first < second or second < first else unmet("e does not rank the two")


def _ahead(**point: Any) -> str:
    first, second = _enclosed(point)
    return f"ahead by e: {ESTIMATORS[0 if second < first else 1].name}"


STATEMENT = Statement(
    sides,
    BenefitDomain(
        {},
        {"group_size": integer(2, MAX_GROUP)},
        [
            {"group_size": g, "actions": a, "outcomes": 4, "components": 2, "binary": True, **more}
            for g, a, more in ((2, 3, {}), (4, 2, {}), (4, 2, {"weights": (1, 3)}))
        ],
    ),
    exception=_ranked,
    note=_ahead,
)
