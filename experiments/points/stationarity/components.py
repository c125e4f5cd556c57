"""Points of T1.K: the noise of two components next to that of one, correlation free.

Either a model with two components of unit weight whose single noises are equal; or ``actions`` of
one prompt with ``odds`` and shares of outcomes in which ``both``, ``one`` of two or ``none`` of the
components are earned: those are alike by construction.
"""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.reading import choice_of, group_size_of
from grpo_checks.experiments.falsifier.rounding import odds
from grpo_checks.experiments.falsifier.smaller import fewer, smaller_run
from grpo_checks.experiments.models.settings import UNBIASED
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.numbers.balls import Number, magnitude
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE, entry, listed, number
from grpo_checks.theory.rational.choices.choice import Choice, parse_choice
from grpo_checks.theory.rational.choices.update import update

TOLERANCE = fmpq(1, 20)
FIELDS = ("both", "one", "none")


def _model(document: Document) -> Choice:
    if "actions" not in document:
        return choice_of(document)
    actions = []
    for action in listed("actions", document["actions"]):
        both, one, none = (number(field, entry(action, field), NOT_NEGATIVE) for field in FIELDS)
        vectors = ((both, (1, 1)), (one / 2, (1, 0)), (one / 2, (0, 1)), (none, (0, 0)))
        outcomes = [{"share": str(s), "rewards": list(r)} for s, r in vectors if s > 0]
        actions.append({"odds": entry(action, "odds"), "outcomes": outcomes})
    return parse_choice({"weights": [1, 1], "prompts": [{"share": 1, "actions": actions}]})


def _alone(choice: Choice, k: int) -> Choice:
    """The model with component ``k`` only."""
    kinds = tuple(
        tuple(kind._replace(rewards=(kind.rewards[k],)) for kind in prompt)
        for prompt in choice.kinds
    )
    return Choice(choice.prompt_chance, kinds, (choice.weights[k],))


def decide(document: Document, mutant: str | None) -> Decision:
    """|exponent - 1| of V in K from K = 1 to 2, against 1/20; V by listing groups."""
    model, size = _model(document), group_size_of(document)
    if len(model.weights) != 2 or set(model.weights) != {fmpq(1)}:
        raise ValueError(f"weights = {model.weights}: expected two, both 1")
    first, second = (update(_alone(model, k), size, UNBIASED).variance for k in range(2))
    if first == 0 or first != second:
        return unmet("the components are not alike, or without noise")
    ratio = update(model, size, UNBIASED).variance / first
    if ratio == 0:
        return Decision(fmpq(1), TOLERANCE, "refuted", "V(K=2) = 0, V(K=1) > 0")
    off = exponent(ratio) - 1
    return compare(magnitude(off), TOLERANCE, f"V(K=2)/V(K=1) = {ratio}")


def exponent(ratio: Number) -> Number:
    """s in V(2) = 2^s V(1); exact where V doubles."""
    return fmpq(1) if ratio == 2 else arb(ratio).log() / arb(2).log()


def _noise(policy: Any, law: Any, rewards: Any, size: int) -> Any:
    """V of `leave_one_out`: a/G + (2b-a)/(G(G-1)), law (A, N) of ``rewards`` (N,)."""
    score = jnp.eye(policy.shape[0]) - policy[None]
    square = jnp.square(score).sum(1)
    mean = policy @ (law @ rewards)
    central = law @ jnp.square(rewards - mean)
    slope = jnp.square((policy * (law @ rewards)) @ score).sum()
    excess = (policy @ central) * (policy @ square) + slope
    return (policy @ (central * square) - slope + excess / (size - 1)) / size


def _ratio(x: Any, choice: Any) -> Any:
    n_actions, size = choice
    free = x.reshape(n_actions, 4)
    policy, law = jax.nn.softmax(free[:, 0]), jax.nn.softmax(free[:, 1:], axis=1)
    two = _noise(policy, law, jnp.array([2.0, 1.0, 0.0]), size)
    one = _noise(policy, law, jnp.array([1.0, 0.5, 0.0]), size)
    # A single component: half of the outcomes with one of two.
    one = one + _halves(policy, law, size)
    return jnp.abs(jnp.log2(two / one) - 1) / float(TOLERANCE)


def _halves(policy: Any, law: Any, size: int) -> Any:
    """What the coin flip adds to the noise of one component where one of two is earned."""
    square = jnp.square(jnp.eye(policy.shape[0]) - policy[None]).sum(1)
    added = law[:, 1] / 4
    return (policy @ (added * square) + (policy @ added) * (policy @ square) / (size - 1)) / size


def _document(x: NDArray[np.float64], choice: Any, n: int) -> Document:
    n_actions, size = choice
    free = np.asarray(x).reshape(n_actions, 4)
    actions = [
        {"odds": o, **dict(zip(FIELDS, odds(row[1:], n, 0), strict=True))}
        for o, row in zip(odds(free[:, 0], n), free, strict=True)
    ]
    return {"group_size": size, "actions": actions}


def _simpler(document: Document) -> Iterator[Document]:
    yield from smaller_run(document)
    yield from fewer(document, ("actions",))


EXACT = Exact(
    decide,
    Search(
        choices=((2, 2), (3, 2), (2, 8)),
        dimension=lambda choice: 4 * choice[0],
        ratio=_ratio,
        document=_document,
    ),
    _simpler,
)
