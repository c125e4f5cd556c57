"""Points of T1.bias: policies at which one of grad J and E[g] vanishes, exactly or provably nearby.

Three kinds of documents. A model with a policy, rational: grad J and E[g] by listing groups.
``fair``: one prompt whose actions are lotteries of one ``mean``, so that grad J = 0 whatever the
numbers. ``between``: two odds on a log-odds line at which E[g] has different signs while grad J has
one sign on the whole stretch: E[g] vanishes between them and grad J does not.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.reading import between, choice_of, group_size_of, normalized
from grpo_checks.experiments.falsifier.relaxed import Kinds, update
from grpo_checks.experiments.falsifier.rounding import near, near_positive, odds
from grpo_checks.experiments.falsifier.smaller import fewer, smaller_run
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import ends, least, shown
from grpo_checks.theory.numbers.fields import INSIDE, entry, listed, number
from grpo_checks.theory.rational.choices.choice import Choice, full_gradient, parse_choice
from grpo_checks.theory.rational.choices.update import norm2
from grpo_checks.theory.rational.choices.update import update as exact_update
from grpo_checks.theory.rational.lines.line import Line, at, parse_line, slope

NORMALIZED = Estimator("group_normalized")
PIECES, SCALE = 64, 10**12


def fair_model(document: Document) -> Choice:
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
    return parse_choice({"weights": [1], "prompts": [{"share": 1, "actions": actions}]})


def decide(document: Document, mutant: str | None) -> Decision:
    """The squared norm of the other one, where one of grad J and E[g] is 0; the bound is 0."""
    size, estimator = group_size_of(document), normalized(document)
    if "between" in document:
        return _between(document, size, estimator)
    model = fair_model(document) if "fair" in document else choice_of(document)
    gradient, mean = full_gradient(model), exact_update(model, size, estimator).mean
    if not any(gradient):
        return compare(norm2(mean), fmpq(0), f"grad J = 0, E[g] = {shown(mean[0], 8)}")
    if all(isinstance(x, fmpq) and x == 0 for x in mean):
        return compare(norm2(gradient), fmpq(0), "E[g] = 0")
    return unmet("neither grad J nor E[g] is known to vanish here")


def _between(document: Document, size: int, estimator: Estimator) -> Decision:
    line = parse_line(document)
    low, high = between(document)
    first, second = (exact_update(at(line, z), size, estimator).mean[0] for z in (low, high))
    if not (first * second < 0):
        return unmet("no change of sign of E[g] between these odds")
    smallest = _least_square(line, low, high)
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


def _parts(x: Any, n_actions: int) -> tuple[Any, Any, Any, Any]:
    """Mean, falls and rises, and log odds."""
    free = x[1:].reshape(n_actions, 3)
    return jax.nn.sigmoid(x[0]), *jax.nn.sigmoid(free[:, :2]).T, free[:, 2]


def _ratio(x: Any, choice: Any) -> Any:
    """1 + 100 |E[g]|^2 on fair lotteries: above 1 where they refute the claim."""
    n_actions, size = choice
    mean, down, up, logits = _parts(x, n_actions)
    fall, rise = down * mean, up * (1 - mean)
    higher, policy = fall / (fall + rise), jax.nn.softmax(logits)
    chance = jnp.concatenate([policy * (1 - higher), policy * higher])
    rewards = jnp.concatenate([mean - fall, mean + rise])
    score = jnp.tile(jnp.eye(n_actions) - policy[None], (2, 1))
    kinds = Kinds(chance, rewards[:, None], score)
    return 1 + 100 * jnp.square(update(kinds, jnp.ones(1), size, NORMALIZED).mean).sum()


def _document(x: NDArray[np.float64], choice: Any, n: int) -> Document:
    n_actions, size = choice
    mean, downs, ups, logits = jax.device_get(_parts(jnp.asarray(x), n_actions))
    actions = [
        {"odds": o, "down": near_positive(a, n), "up": near_positive(b, n)}
        for o, a, b in zip(odds(logits, n), downs, ups, strict=True)
    ]
    return {"group_size": size, "mean": near(mean, n), "fair": actions}


def _simpler(document: Document) -> Iterator[Document]:
    """A lottery less, or a sure payment for a lottery."""
    yield from smaller_run(document)
    yield from fewer(document, ("fair",))
    fair = document.get("fair", [])
    for i, action in enumerate(fair):
        yield {**document, "fair": [*fair[:i], {**action, "down": 0, "up": 0}, *fair[i + 1 :]]}


EXACT = Exact(
    decide,
    Search(
        choices=((2, 2), (2, 3), (3, 2), (2, 4)),
        dimension=lambda choice: 1 + 3 * choice[0],
        ratio=_ratio,
        document=_document,
    ),
    _simpler,
)
