"""Points of T1.G and T1.budget: the noise of `leave_one_out` at one group size, and over them.

V comes from a listing of groups, its moments a, b and f from a listing of pairs of episodes.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier import tables
from grpo_checks.experiments.falsifier.reading import choice_of, group_size_of
from grpo_checks.experiments.falsifier.relaxed import update
from grpo_checks.experiments.falsifier.smaller import smaller_run
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.numbers.balls import Number, largest, magnitude, root, total
from grpo_checks.theory.numbers.fields import flag
from grpo_checks.theory.rational.choices.choice import Choice
from grpo_checks.theory.rational.choices.noise import between, noise
from grpo_checks.theory.rational.choices.update import prompt_update

LISTED = 10
"""Group sizes up to here are listed for T1.budget."""


class Terms(NamedTuple):
    """a and 2b - a averaged over prompts, and f."""

    within: fmpq
    excess: fmpq
    between: fmpq


def _terms(choice: Choice, power: int) -> Terms:
    """Averages with weights rho^power: 2 for a full sweep, 1 for drawn prompts."""
    moments = [noise(kinds, choice.weights) for kinds in choice.kinds]
    shares = [rho**power for rho in choice.prompt_chance]
    within = total(s * n.oracle for s, n in zip(shares, moments, strict=True))
    excess = total(s * n.excess for s, n in zip(shares, moments, strict=True))
    return Terms(within, excess, between(choice))


def _variance(choice: Choice, size: int, drawn: bool) -> Number:
    """V of a full sweep, or of an update from one drawn prompt: the mixture of its prompts'."""
    updates = [prompt_update(kinds, choice.weights, size, UNBIASED) for kinds in choice.kinds]
    parts = list(zip(choice.prompt_chance, updates, strict=True))
    if not drawn:
        return total(rho * rho * u.variance for rho, u in parts)
    square = total(rho * (u.variance + total(m * m for m in u.mean)) for rho, u in parts)
    mean = [total(rho * u.mean[i] for rho, u in parts) for i in range(choice.dimension)]
    return square - total(m * m for m in mean)


def decide_limit(document: Document, mutant: str | None) -> Decision:
    """T1.G: |V - its formula|, 0 by the claim; ``drawn`` for one prompt drawn per update."""
    model, size, drawn = choice_of(document), group_size_of(document), flag(document, "drawn")
    terms = _terms(model, 1 if drawn else 2)
    within = terms.within / 2 if mutant == "limit halved" else terms.within
    floor = terms.between if drawn and mutant != "no floor" else fmpq(0)
    off = _variance(model, size, drawn) - (within + terms.excess / (size - 1)) / size - floor
    kind = f"floor {floor}" if drawn else f"G V tends to {within}"
    return compare(magnitude(off), fmpq(0), f"|V - ((a + (2b-a)/(G-1))/G + f)|, {kind}")


def decide_budget(document: Document, mutant: str | None) -> Decision:
    """T1.budget: |G* - the whole G of least N V|, 1 at most; G up to 10 are listed."""
    model = choice_of(document)
    terms = _terms(model, 1)
    if terms.between == 0:
        return unmet("one gradient for all prompts: no group size is best")
    square = (terms.within if mutant == "no pair term" else terms.excess) / terms.between
    if not square < (LISTED - 2) ** 2:
        raise ValueError(f"prompts: the best group size is not below {LISTED - 1}, as listed")
    costs = [size * _variance(model, size, drawn=True) for size in range(2, LISTED + 1)]
    best = fmpq(2 + costs.index(min(costs)))
    off = largest((1 + root(square), fmpq(2))) - best
    return compare(magnitude(off), fmpq(1), f"least N V at G = {best}")


class Space(NamedTuple):
    """One shape of tables at one group size."""

    shape: tables.Shape
    group_size: int
    drawn: bool = False


def _moments(prompts: Any, rho: Any) -> tuple[Any, Any, Any]:
    """a and 2b - a of each prompt, and f, in closed form."""
    within, excess, slopes = [], [], []
    for kinds in prompts:
        reward = kinds.rewards[:, 0]
        central = jnp.square(reward - kinds.chance @ reward)
        square, slope = jnp.square(kinds.score).sum(1), (kinds.chance * reward) @ kinds.score
        slopes.append(slope)
        within.append(kinds.chance @ (central * square) - slope @ slope)
        excess.append((kinds.chance @ central) * (kinds.chance @ square) + slope @ slope)
    difference = jnp.stack(slopes) - (rho @ jnp.stack(slopes))[None]
    return jnp.stack(within), jnp.stack(excess), rho @ jnp.square(difference).sum(1)


def _drawn(prompts: Any, rho: Any, size: int) -> Any:
    """V of an update from one drawn prompt, by listing groups."""
    updates = [update(kinds, jnp.ones(1), size, UNBIASED) for kinds in prompts]
    means = jnp.stack([u.mean for u in updates])
    spread = rho @ jnp.square(means - (rho @ means)[None]).sum(1)
    return rho @ jnp.stack([u.variance for u in updates]) + spread


def _limit_ratio(x: Any, choice: Space) -> Any:
    """Relative to V, in units of 1e-10."""
    rho, prompts = tables.relaxed(x, choice.shape)
    within, excess, floor = _moments(prompts, rho)
    formula = (within + excess / (choice.group_size - 1)) / choice.group_size
    if choice.drawn:
        variance, expected = _drawn(prompts, rho, choice.group_size), rho @ formula + floor
    else:
        updates = [update(kinds, jnp.ones(1), choice.group_size, UNBIASED) for kinds in prompts]
        variance = jnp.square(rho) @ jnp.stack([u.variance for u in updates])
        expected = jnp.square(rho) @ formula
    return jnp.abs(variance - expected) / expected / 1e-10


def _budget_ratio(x: Any, choice: Space) -> Any:
    """|G* - best|; 0 where the best size is beyond those listed."""
    rho, prompts = tables.relaxed(x, choice.shape)
    _, excess, floor = _moments(prompts, rho)
    costs = jnp.stack([size * _drawn(prompts, rho, size) for size in range(2, LISTED + 1)])
    closed = jnp.maximum(1 + jnp.sqrt((rho @ excess) / floor), 2.0)
    return jnp.where(closed < LISTED - 1, jnp.abs(closed - (2 + jnp.argmin(costs))), 0.0)


def _document(x: NDArray[np.float64], choice: Space, n: int) -> Document:
    content = tables.document(x, choice.shape, n)
    if choice.drawn:
        content["drawn"] = True
    return {"group_size": choice.group_size, **content}


def _budget_document(x: NDArray[np.float64], choice: Space, n: int) -> Document:
    return tables.document(x, choice.shape, n)


TWO = tables.Shape(prompts=2, actions=2, outcomes=1)
LOTTERIES = tables.Shape(prompts=2, actions=2, outcomes=2)


def _dimension(choice: Space) -> int:
    return tables.dimension(choice.shape)


LIMIT = Exact(
    decide_limit,
    Search(
        choices=(Space(TWO, 2), Space(TWO, 4, True), Space(LOTTERIES, 3, True)),
        dimension=_dimension,
        ratio=_limit_ratio,
        document=_document,
    ),
    smaller_run,
)
BUDGET = Exact(
    decide_budget,
    Search(
        choices=(Space(TWO, 2), Space(LOTTERIES, 2)),
        dimension=_dimension,
        ratio=_budget_ratio,
        document=_budget_document,
    ),
    smaller_run,
)
