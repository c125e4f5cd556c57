"""L.correlation, L.correlation.law and L.correlation.G at rational points.

Correlations come as c|c|, which is rational more often than c is: squares, with a sign.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain
from grpo_checks.experiments.falsifier.constraints import bounded, integer, through
from grpo_checks.experiments.falsifier.domain import Domain, Place, Point
from grpo_checks.experiments.falsifier.relaxed import Kinds, groups
from grpo_checks.experiments.falsifier.rounding import Floats, near, near_chance
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.points.literature.correlations import DECOUPLED, JOINT
from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.estimators.response import response
from grpo_checks.theory.numbers.fields import INSIDE, POSITIVE

LARGEST_GROUP, MOST_COMPONENTS = 16, 8
MOST = 6.0
"""Of log-odds and logarithms of weights that are searched."""


CHANCES = through(lambda x: jax.nn.sigmoid(bounded(x, MOST)), near_chance, INSIDE, "components")
WEIGHTS = through(lambda x: jnp.exp(bounded(x, MOST)), near, POSITIVE, "components", default=1)


def independent(chances: Any) -> tuple[Any, Any]:
    """Of binary components: all reward vectors (2^K, K), and the chance of each."""
    vectors = jnp.asarray(list(product((0.0, 1.0), repeat=len(chances))))
    chance = jnp.where(vectors > 0, chances[None], 1 - chances[None])
    return vectors, jnp.prod(chance, 1)


class IndependentDomain(ChoiceDomain):
    """Choice models of one prompt; searched among independent binary components."""

    def dimension(self, place: Place) -> int:
        """Chances and weights."""
        return 2 * int(dict(place)["components"])

    def point(self, x: Any, place: Place) -> Point:
        """Likewise."""
        chances, weights = x.reshape(2, -1)
        vectors, law = independent(CHANCES.from_reals(chances))
        model = {"share": jnp.ones(1), "policy": jnp.ones((1, 1)), "outcome": law[None, None]}
        weights = WEIGHTS.from_reals(weights)
        return {**model, "reward": vectors[None, None], "weights": weights}

    def document(self, x: Floats, place: Place, largest: int) -> Document:
        """Likewise."""
        chances, weights = np.asarray(x).reshape(2, -1)
        p = exact(CHANCES.rounded(chances, largest))
        outcomes = [
            {"share": str(np.where(vector, p, 1 - p).prod()), "rewards": list(vector)}
            for vector in product((0, 1), repeat=len(p))
        ]
        prompts = [{"share": 1, "actions": [{"odds": 1, "outcomes": outcomes}]}]
        return {"weights": WEIGHTS.rounded(weights, largest), "prompts": prompts}


def _law(policy: Any, outcome: Any, reward: Any) -> tuple[Any, Any]:
    """Chances (N,) and centred rewards (N, K) of the outcomes of one prompt."""
    law = (policy[0][:, None] * outcome[0]).reshape(-1)
    vectors = reward[0].reshape(len(law), -1)
    return law, vectors - (law @ vectors)[None]


def _signed_squares(along: Any, variance: Any, square: Any) -> Any:
    """c|c| from Cov(r_k, A), Var r_k and E A^2."""
    return along * jnp.abs(along) / (variance * square)


def _shares(parts: Any) -> Any:
    return parts / parts.sum()


def limit_sides(
    policy: Any, outcome: Any, reward: Any, weights: Any, power: int = 1, **_: Any
) -> tuple[Any, Any]:
    """Of large groups: A whitened by the law, joint and decoupled, against both formulas."""
    law, deviation = _law(policy, outcome, reward)
    variance = law @ deviation**2
    observed = []
    for scales in (weights, weights / jnp.sqrt(variance)):
        advantage = deviation @ scales
        along = (law * advantage) @ deviation
        observed.append(_signed_squares(along, variance, law @ advantage**2))
    formulas = [_shares(weights**2 * variance**power), _shares(weights**2)]
    return jnp.concatenate(observed), jnp.concatenate(formulas)


def _correlated(policy: Any, outcome: Any, reward: Any, **_: Any) -> Decision | None:
    law, deviation = _law(policy, outcome, reward)
    covariance = (law[:, None] * deviation).T @ deviation
    if not all(np.diagonal(covariance)):
        return unmet("a component does not vary")
    others = covariance - np.diag(np.diagonal(covariance))
    return unmet("components are correlated") if others.any() else None


def group_squares(chances: Any, weights: Any, group_size: int) -> Any:
    """Decoupled, in groups of independent binary components, by listing them all; E A = 0."""
    vectors, law = independent(chances)
    kinds = Kinds(law, vectors, jnp.zeros((len(law), 0)))
    # Zeros and ones are equal to the bit.
    chance, counts, advantage = groups(kinds, weights, group_size, DECOUPLED)
    pull = chance[:, None] * counts * advantage / group_size
    along = pull.sum(0) @ vectors
    return _signed_squares(along, chances * (1 - chances), (pull * advantage).sum())


def law_sides(chances: Any, weights: Any, group_size: int) -> tuple[Any, Any]:
    """By listing groups, against the closed form."""
    varied = 1 - chances**group_size - (1 - chances) ** group_size
    slope = response(chances, group_size, 0, jnp.zeros(()))
    formula = weights**2 * chances * (1 - chances) * slope**2 / (weights**2 @ varied)
    return group_squares(chances, weights, group_size), formula


def _limit_in_groups(chances: Any, weights: Any, group_size: int) -> tuple[Any, Any]:
    """The same against the formula of large groups: 1/K for equal weights."""
    return group_squares(chances, weights, group_size), _shares(weights**2)


def _expect_few(chances: Any, **_: Any) -> None:
    if len(chances) > MOST_COMPONENTS:
        raise ValueError(f"chances: {len(chances)} of them, expected at most {MOST_COMPONENTS}")


def _expect_equal(weights: Any, **point: Any) -> None:
    _expect_few(**point)
    if len({*weights}) > 1:
        raise ValueError(f"weights = {[*map(str, weights)]}: expected none, they are equal")


def _components(**place: Any) -> Domain:
    return Domain(
        {"chances": CHANCES, "weights": WEIGHTS},
        {"group_size": integer(2, LARGEST_GROUP)},
        [{"components": k, "group_size": g, **place} for k, g in ((2, 2), (2, 3), (3, 2))],
    )


def two_remain(statement: Statement) -> Exact:
    """Decided with one component too, but not shrunk to it."""

    def simpler(document: Document) -> Iterator[Document]:
        return (d for d in statement.domain.simpler(document) if len(d["chances"]) > 1)

    return statement.exact(simpler)


def _entry(*names: str) -> Callable[..., str]:
    def label(i: int, weights: Any, **_: Any) -> str:
        form, k = divmod(i, len(weights))
        return f"squared correlation of component {k} ({names[form]})"

    return label


LIMIT = Statement(
    limit_sides,
    IndependentDomain(places=[{"components": k} for k in (2, 3)]),
    "equal",
    mutants={"variances": ("sigma_k^2 for sigma_k in the joint formula", {"power": 2})},
    exception=_correlated,
    label=_entry(JOINT.name, DECOUPLED.name),
)
LAW = Statement(
    law_sides,
    _components(),
    "equal",
    mutants={"no groups": ("c_G(p) = 1/sqrt(p(1-p)) at finite G", _limit_in_groups)},
    exception=_expect_few,
    label=_entry(DECOUPLED.name),
)
EQUAL = Statement(
    _limit_in_groups,
    _components(weights=False),
    "equal",
    exception=_expect_equal,
    label=_entry(DECOUPLED.name),
)
