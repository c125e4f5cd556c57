"""Points of T2.potential: E[g] of `componentwise_normalized` against grad Jtilde.

Statement: for binary components they are equal, whatever G, eps and ddof, on choice models whose
prompts may share their logits.
Proof: ``theory.updates.potential``. For either both are sums over the number j of successes in a
group of b_j, the coefficients of c_G, times a rational vector: from a list of all groups, and from
c_G(p) in Bernstein form. What is left of their difference is exactly 0 where the vectors are equal.
Units: of an update.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.choice_domain import EpisodeDomain
from grpo_checks.experiments.falsifier.constraints import above_zero, fraction, integer
from grpo_checks.experiments.falsifier.relaxed import Kinds, groups
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import MAX_GROUP, coefficients
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE

GRADED = "a component has other rewards than 0 and 1"
EQUAL = "equal in rationals before every 1/(sd_j + eps)"


def fields(
    share: Any, kinds: Kinds, weights: Any, group_size: int, at: Any = None, **_: Any
) -> tuple[Any, Any]:
    """The factors (G-1, n) of b_j in E[g] and in grad Jtilde; with ``at``, c_G(at) throughout."""
    prompts = [Kinds(*one) for one in zip(*kinds, strict=True)]
    updates = jnp.stack([_listed(one, weights, group_size) for one in prompts])
    claimed = jnp.stack([_claimed(one, weights, group_size, at) for one in prompts])
    return jnp.tensordot(share, updates, 1), jnp.tensordot(share, claimed, 1)


def _listed(one: Kinds, weights: Any, size: int) -> Any:
    """E[1/G sum_i s_i sum_k w_k (r_ik - m_k)/(sd_k + eps)], by listing groups."""
    chance, counts, _ = groups(one, weights, size, Estimator("mean_baseline"))
    factors = []
    for earned, weight in zip(one.rewards.T, weights, strict=True):
        successes = counts @ earned
        pull = counts * (earned[None] - successes[:, None] / size) @ one.score
        alike = successes[None] == jnp.arange(1, size)[:, None]
        factors.append(weight * (alike * chance[None]) @ pull)
    # 1/(sd_j + eps) = b_j G/(G-1).
    return sum(factors) / (size - 1)


def _claimed(one: Kinds, weights: Any, size: int, at: Any) -> Any:
    """sum_k w_k c_G(J_k) grad J_k."""
    success = one.chance @ one.rewards if at is None else at * jnp.ones(len(weights))
    responses = jnp.stack([bernstein(jnp.asarray(unit), success) for unit in np.eye(size - 1)])
    return weights[None] * responses @ ((one.chance[:, None] * one.rewards).T @ one.score)


def sides(group_size: int, ddof: int, eps: Any, **model: Any) -> tuple[Any, Any]:
    """The largest |E[g_i] - grad_i Jtilde|, and 0."""
    listed, claimed = fields(group_size=group_size, **model)
    return jnp.abs(coefficients(group_size, ddof, eps) @ (listed - claimed)).max(), 0.0


def _another_divisor(group_size: int, ddof: int, eps: Any, **model: Any) -> tuple[Any, Any]:
    listed, claimed = fields(group_size=group_size, **model)
    ours, theirs = (coefficients(group_size, d, eps) for d in (ddof, 1 - ddof))
    return jnp.abs(ours @ listed - theirs @ claimed).max(), 0.0


_enclosed = enclose(lambda point: fields(**point))


def _graded(kinds: Any, **_: Any) -> Decision | None:
    return None if {*kinds.rewards.flat} <= {0, 1} else unmet(GRADED)


def _in_words(**point: Any) -> str | None:
    listed, claimed = _enclosed(point)
    return EQUAL if (listed == claimed).all() else None


PLACES = [
    {"prompts": q, "actions": m, "components": k, "outcomes": 2**k, "binary": True, **options}
    for q, m, k, options in (
        (1, 2, 1, {"group_size": 8}),
        (1, 2, 2, {"group_size": 4}),
        (1, 2, 2, {"group_size": 4, "ddof": 1}),
        (2, 2, 2, {"group_size": 3}),
        (1, 3, 2, {"group_size": 2}),
    )
]
STATEMENT = Statement(
    sides,
    EpisodeDomain(
        {"weights": above_zero("components")},
        {
            "group_size": integer(2, MAX_GROUP),
            "ddof": integer(0, 1, default=0),
            "eps": fraction(NOT_NEGATIVE, default=0),
        },
        PLACES,
    ),
    mutants={
        "another divisor": ("F_G with ddof = 1 for an estimator with ddof = 0", _another_divisor),
        "one response": (
            "c_G(1/2) grad J instead of sum_k w_k c_G(J_k) grad J_k",
            {"at": fmpq(1, 2)},
        ),
    },
    exception=_graded,
    note=_in_words,
)
