"""Points of T1.curl: models of one decision whose E[g] is the gradient of nothing.

Statement: the symmetric share |J + J^T|^2/(|J + J^T|^2 + |J - J^T|^2) of the Jacobian of E[g] is
below 1 at some policy. It is a polynomial in the policy, so that finitely many policies decide
whether it is symmetric at all of them; the policy of the document plays no part.
Proof: ``theory.convergence.jacobian``. Weaker conditions are not enough (mutants): with random
rewards the law can have rank 2 and four values, and at G = 2 (derived)
J_bc - J_cb = 2 pi_b pi_c sum_d pi_d (S_bc + S_cd + S_db), S_bc = P(R_b > R_c) - P(R_b < R_c), where
a cyclic sum can vanish; and prompts that share their logits can cancel.
Units: of a share, in [0, 1].
"""

from collections.abc import Sequence
from functools import partial
from math import comb
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain
from grpo_checks.experiments.falsifier.constraints import integer, through
from grpo_checks.experiments.falsifier.reading import LARGEST_GROUP
from grpo_checks.experiments.falsifier.relaxed import Kinds, groups
from grpo_checks.experiments.falsifier.rounding import near
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import rational
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE
from grpo_checks.theory.rational.multinomial import compositions

MAX_ACTIONS, MAX_PROMPTS = 4, 16
MAX_CHANCES = 10**6
"""Of members of groups, at all deciding policies together."""
SHARED = "several prompts on one table of logits, which can cancel each other"


def deciding_policies(n_actions: int, group_size: int) -> NDArray[np.int64]:
    """Odds (P, A) at which the Jacobian decides whether it is symmetric at all policies.

    Its entries are polynomials of degree G + 1 in the policy; one that vanishes on a simplex
    lattice of that order vanishes everywhere.
    """
    # Shrunk towards the middle: every action keeps a chance.
    return np.array(list(compositions(group_size + 1, n_actions))) + 1


def jacobian(
    outcome: Any, reward: Any, policy: Any, weights: Any, group_size: int, ddof: int, eps: Any
) -> Any:
    """d E[g]_b / d theta_c of one prompt, by listing groups: E[g S^T], S the sum of all scores.

    Advantages of a group sum to 0: with a table of logits g does not depend on the policy
    (derived).
    """
    score = jnp.repeat(jnp.eye(len(policy)) - policy[None], outcome.shape[1], axis=0)
    chance, rewards = (policy[:, None] * outcome).reshape(-1), reward.reshape(len(score), -1)
    kinds, estimator = Kinds(chance, rewards, score), Estimator("group_normalized", ddof)
    likely, counts, advantage = groups(kinds, weights, group_size, estimator, eps)
    g = (counts * advantage) @ score / group_size
    return g.T @ (likely[:, None] * (counts @ score))


def sides(outcome: Any, reward: Any, share: Any, group_size: int, **point: Any) -> tuple[Any, Any]:
    """The symmetric share at the deciding policy where it is least, and 1."""
    odds = jnp.asarray(deciding_policies(outcome.shape[1], group_size)).astype(float)

    def symmetric_share(policy: Any) -> Any:
        parts = [
            jacobian(*prompt, group_size=group_size, **{**point, "policy": policy})
            for prompt in zip(outcome, reward, strict=True)
        ]
        total = sum(rho * part for rho, part in zip(share, parts, strict=True))
        even, odd = (jnp.square(total + sign * total.T).sum() for sign in (1, -1))
        return jnp.where(odd == 0, 1.0, even / jnp.where(odd == 0, 1.0, even + odd))

    return jax.vmap(symmetric_share)(odds / odds[0].sum()).min(), 1.0


_enclosed = enclose(lambda point: sides(**point)[0])


def is_curled(values: Sequence[fmpq], group_size: int, estimator: Estimator) -> bool:
    """Whether J is certainly not symmetric at some policy over sure rewards with these values.

    With one action for each value the law of the rewards is the policy itself: what is asymmetric
    here is so on every model whose policies reach an open part of these laws.
    """
    n, one = len(values), exact([1])
    model = {"share": one, "weights": one, "outcome": exact(np.ones((1, n, 1), int))}
    point = {**model, "reward": exact(list(values)).reshape(1, n, 1, 1), "ddof": estimator.ddof}
    eps = rational("eps", estimator.eps)
    return bool(_enclosed({**point, "eps": eps, "group_size": group_size}) < 1)


def _exception(mutant: str | None, **point: Any) -> Decision | None:
    """Which assumption the model breaks. Raises ValueError for too many actions or groups."""
    (_, n, outcomes), size = point["outcome"].shape, point["group_size"]
    if n > MAX_ACTIONS:
        raise ValueError(f"actions: {n} of them, expected at most {MAX_ACTIONS}")
    kinds = n * outcomes
    chances = kinds * comb(size + kinds - 1, size) * comb(size + n, n - 1)
    if chances > MAX_CHANCES:
        raise ValueError(f"group_size = {size}: {chances} chances, expected at most {MAX_CHANCES}")
    if len(point["share"]) > 1 and mutant != "several prompts":
        return unmet(SHARED)
    prompts = zip(point["policy"], point["outcome"], point["reward"], strict=True)
    spans = [_span(*prompt, point["weights"]) for prompt in prompts]
    for distinct, rank in spans:
        if distinct >= 3 and rank >= (2 if mutant == "rank 2" else distinct - 1):
            return None
    distinct, rank = spans[0]
    return unmet(f"{distinct} distinct composites, rank {rank} of the grad p(v)")


def _span(policy: Any, outcome: Any, reward: Any, weights: Any) -> tuple[int, int]:
    """How many distinct composites, and the rank of their grad p(v): one for all inner policies."""
    composite, n = reward @ weights, range(len(policy))
    distinct = sorted({r for r, chance in zip(composite.flat, outcome.flat, strict=True) if chance})
    # p(v | action), which comes before an action's chance times how far that is from p(v).
    laws = [(outcome * (composite == v)).sum(1) for v in distinct]
    slopes = [[policy[a] * (law[a] - policy @ law) for a in n] for law in laws]
    return len(distinct), fmpq_mat(slopes).rank()


def _in_words(**point: Any) -> str:
    curled = _enclosed(point) < 1
    return "E[g] is no gradient" if curled else "the Jacobian of E[g] is symmetric at all policies"


DOMAIN = ChoiceDomain(
    {"eps": through(jnp.exp, near, NOT_NEGATIVE, default=0)},
    {"group_size": integer(2, LARGEST_GROUP), "ddof": integer(0, 1, default=0)},
    [
        *({"actions": 3, "group_size": g, "eps": False} for g in (2, 3, 4, 5)),
        *({"actions": 3, "group_size": g, "ddof": 1} for g in (2, 3)),
    ],
    prompts=MAX_PROMPTS,
    shared=True,
)


_version = partial(Statement, sides, DOMAIN, note=_in_words)
_true = partial(_exception, None)
WEAKER = {
    "rank 2": "two independent grad p(v) are enough, however many values there are",
    "several prompts": "prompts may share the parameters",
}
"""Conditions that are not enough."""
STATEMENT = _version(
    "below",
    {
        "always a gradient": (
            "the Jacobian of E[g] is symmetric with three values too",
            _version("equal", exception=_true),
        ),
        **{
            name: (condition, _version("below", exception=partial(_exception, name)))
            for name, condition in WEAKER.items()
        },
    },
    exception=_true,
)
