"""Choice models (``theory.rational.choices.choice``) as the points of a statement.

A point has ``share (Q,)``, ``policy (Q, A)``, ``outcome (Q, A, O)``, ``reward (Q, A, O, K)`` and
``weights (K,)``: chances of the prompts, of actions and of their outcomes, and rewards. Where there
are fewer actions or outcomes than elsewhere, the rest has chance 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier import tables
from grpo_checks.experiments.falsifier.constraints import Constraint
from grpo_checks.experiments.falsifier.domain import LONGEST, Domain, Place, Point
from grpo_checks.experiments.falsifier.reading import choice_of
from grpo_checks.experiments.falsifier.relaxed import Kinds
from grpo_checks.experiments.falsifier.rounding import Floats
from grpo_checks.experiments.falsifier.smaller import smaller_choice
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.arithmetic.registry import Values
from grpo_checks.theory.numbers.fields import flag, integer, shares
from grpo_checks.theory.rational.choices.choice import Kind, Lottery, lotteries, parse_choice
from grpo_checks.theory.updates.ustatistic import Noise, moments


class Episodes(NamedTuple):
    """The N = A O episodes of one prompt, action by action."""

    probability: Any
    """(N,)."""
    composite: Any
    """(N,): R."""
    score: Any
    """(N, A): grad log pi."""
    policy: Any
    value: Any
    """(A,): pi and E[R | action]."""

    @property
    def mean(self) -> Any:
        """J."""
        return self.probability @ self.composite

    @property
    def noise(self) -> Noise:
        """The moments that the error of `leave_one_out` depends on."""
        return moments(self.probability, self.composite, self.composite - self.mean, self.score)

    def value_at(self, step: Any) -> Any:
        """J where the logits are by ``step (A,)`` away; rational at 0, with all derivatives."""
        odds = self.policy * jnp.exp(step)
        return odds @ self.value / odds.sum()


def one_prompt(share: Any, policy: Any, outcome: Any, reward: Any, weights: Any) -> Episodes:
    """Of a point with one prompt, in JAX. Raises ValueError for one with several."""
    if len(policy) != 1:
        raise ValueError(f"policy: {len(policy)} prompts, expected one")
    composite, n = reward[0] @ weights, outcome.shape[2]
    score = jnp.repeat(jnp.eye(len(policy[0])) - policy[0][None], n, axis=0)
    chance, value = policy[0][:, None] * outcome[0], (outcome[0] * composite).sum(1)
    return Episodes(chance.reshape(-1), composite.reshape(-1), score, policy[0], value)


def expect_binary(outcome: Values, reward: Values, **others: Any) -> None:
    """Raises ValueError for a point without a single reward that is 0 or 1, or a certain one."""
    rows = reward.reshape(-1, reward.shape[-1])
    earned = {tuple(r) for r, chance in zip(rows, outcome.flat, strict=True) if chance}
    if not earned <= {(0,), (1,)}:
        raise ValueError("rewards: expected one, 0 or 1")
    if len(earned) == 1:
        raise ValueError("rewards: expected both 0 and 1, or success is certain")


@dataclass(frozen=True)
class ChoiceDomain(Domain):
    """Choice models, with arrays and options beside; places have the fields of ``tables.Shape``
    and those of a ``Domain``.
    """

    arrays: Mapping[str, Constraint] = field(default_factory=dict)
    shaped: ClassVar[Sequence[str]] = tables.Shape._fields
    prompts: int | None = 1
    """At most; None for any number."""
    shared: bool = False
    """Whether several prompts have one table of logits, or each its own."""

    def check_place(self, place: Mapping[str, Any]) -> None:
        """Likewise."""
        super().check_place(place)
        shape = {**tables.Shape()._asdict(), **place}
        flag(shape, "binary")
        for name in ("prompts", "actions", "outcomes", "components"):
            integer(shape, name, 1, LONGEST)
        if self.prompts is not None and shape["prompts"] > self.prompts:
            allowed = f"at most {self.prompts}, or a domain with prompts={shape['prompts']}"
            raise ValueError(f"prompts = {shape['prompts']}: expected {allowed}")

    def dimension(self, place: Place) -> int:
        """Likewise, after those of the model."""
        return tables.dimension(_shape(place)) + super().dimension(place)

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        shape = _shape(place)
        n = tables.dimension(shape)
        model, weights = self._relaxed(x[:n], shape), jnp.asarray(shape.weighed, float)
        return {**model, "weights": weights, **super().point(x[n:], place)}

    def _relaxed(self, x: Any, shape: tables.Shape) -> Point:
        cut = tables.parts(x, shape)
        chances = map(jax.nn.softmax, (cut.prompts, cut.actions, cut.outcomes))
        model = dict(zip(("share", "policy", "outcome"), chances, strict=True))
        return {**model, "reward": cut.rewards}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        shape = _shape(place)
        n = tables.dimension(shape)
        model = tables.document(x[:n], shape, largest)
        return {**model, **super().document(x[n:], place, largest)}

    def read(self, document: Document) -> Point:
        """Likewise. Raises ValueError also for too many prompts, or tables shared against the
        field."""
        return {**self._model(document), **super().read(document)}

    def _model(self, document: Document) -> Point:
        weights, prompts = parse_choice(document).weights, document["prompts"]
        if self.prompts is not None and len(prompts) > self.prompts:
            expected = f"at most {self.prompts}" if self.prompts > 1 else "one"
            raise ValueError(f"prompts: {len(prompts)} of them, expected {expected}")
        if len(prompts) > 1 and flag(document, "shared") != self.shared:
            tables = "one table of logits" if self.shared else "a table of logits for each prompt"
            raise ValueError(f"shared = {not self.shared}: expected {tables}")
        return {**_padded(prompts, len(weights)), "weights": exact(weights)}

    def simpler(self, document: Document) -> Iterator[Document]:
        """Likewise; and with a prompt, a component, an action or an outcome less."""
        yield from smaller_choice(document)
        yield from super().simpler(document)


@dataclass(frozen=True)
class EpisodeDomain(ChoiceDomain):
    """Choice or line models by their episodes, and scores in all parameters, shared ones too.

    A point has ``share (Q,)``, ``kinds``, ``Kinds`` with a first axis of prompts, and ``weights``.
    """

    prompts: int | None = None

    def _relaxed(self, x: Any, shape: tables.Shape) -> Point:
        share, prompts = tables.relaxed(x, shape)
        return {"share": share, "kinds": Kinds(*map(jnp.stack, zip(*prompts, strict=True)))}

    def _model(self, document: Document) -> Point:
        choice = choice_of(document)
        most = max(map(len, choice.kinds))
        score, nothing = (fmpq(0),) * choice.dimension, (fmpq(0),) * len(choice.weights)
        absent = Kind(fmpq(0), nothing, score)
        rows = [[*kinds, *[absent] * (most - len(kinds))] for kinds in choice.kinds]
        kinds: Any = (exact([[k[i] for k in row] for row in rows]) for i in range(3))
        share, weights = exact(choice.prompt_chance), exact(choice.weights)
        return {"share": share, "kinds": Kinds(*kinds), "weights": weights}


def _shape(place: Place) -> tables.Shape:
    return tables.Shape(**{n: v for n, v in place if n in tables.Shape._fields})


def _padded(prompts: Sequence[Mapping[str, Any]], k: int) -> dict[str, Values]:
    laws = [[lotteries(action, k) for action in prompt["actions"]] for prompt in prompts]
    odds = [[action["odds"] for action in prompt["actions"]] for prompt in prompts]
    n = (len(laws), max(map(len, laws)), max(len(law) for row in laws for law in row))
    point = {"policy": np.zeros(n[:2], object), "outcome": np.zeros(n, object)}
    point["reward"] = np.zeros((*n, k), object)
    for q, row in enumerate(laws):
        point["policy"][q, : len(row)] = shares("actions.odds", odds[q])
        for a, law in enumerate(row):
            _fill(point["outcome"][q, a], point["reward"][q, a], law)
    share = shares("prompts.share", [prompt["share"] for prompt in prompts])
    return {"share": exact(share), **{name: exact(x) for name, x in point.items()}}


def _fill(outcome: Values, reward: Values, law: Lottery) -> None:
    for o, (chance, rewards) in enumerate(law):
        outcome[o], reward[o] = chance, rewards
