"""Points of T1.curl: models of one prompt whose E[g] is the gradient of nothing.

The Jacobian of E[g] is a polynomial in the policy, so that finitely many policies decide whether it
is symmetric at all of them (``theory.choice_curl``); the policy of the document plays no part.
With sure rewards E[g] is no gradient; with random ones it can be at G = 2 (derived): there
J_bc - J_cb = 2 pi_b pi_c sum_d pi_d (S_bc + S_cd + S_db), S_bc = P(R_b > R_c) - P(R_b < R_c), and
with four reward values a cyclic sum can vanish.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from experiments.exact import Document, Exact, Search
from experiments.points import tables
from experiments.points.reading import group_size_of
from experiments.points.relaxed import Kinds, update
from experiments.points.smaller import smaller_run
from experiments.verdict import Decision, Verdict, unmet
from theory.advantages import Estimator
from theory.balls import Number, rational, total
from theory.choice import Choice, composite, parse_choice
from theory.choice_curl import deciding_policies, jacobian, split

NORMALIZED = Estimator("group_normalized")
MAX_ACTIONS = 4


def decide(document: Document, mutant: str | None) -> Decision:
    """The symmetric share |J + J^T|^2/(|J + J^T|^2 + |J - J^T|^2) at the policy where it is least.

    The claim: below 1. Refuted where J is symmetric at all policies.
    """
    model, size = _at(document, None), group_size_of(document)
    obstacle = _obstacle(model, any_outcomes=mutant == "random rewards")
    if obstacle:
        return unmet(obstacle)
    policies = deciding_policies(model.dimension, size)
    shares = [_symmetric_share(_at(document, policy), size) for policy in policies]
    curled = [share for share in shares if share < 1]
    if not curled and not all(isinstance(share, fmpq) for share in shares):
        return Decision(shares[0], fmpq(1), "inconclusive", "no asymmetry is certain")
    if curled == [] or mutant == "always a gradient":
        verdict: Verdict = "holds" if curled == [] and mutant == "always a gradient" else "refuted"
    else:
        verdict = "holds"
    note = "E[g] is no gradient" if curled else "the Jacobian of E[g] is symmetric at all policies"
    return Decision(min(curled or shares, key=float), fmpq(1), verdict, note)


def _at(document: Document, policy: tuple[fmpq, ...] | None) -> Choice:
    """The model, at the document's policy or at another."""
    try:
        (prompt,) = document["prompts"]
        odds = policy or [rational("odds", action["odds"]) for action in prompt["actions"]]
        actions = [
            {**action, "odds": str(p)} for action, p in zip(prompt["actions"], odds, strict=True)
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"prompts: {error}: expected one prompt with actions") from None
    if len(actions) > MAX_ACTIONS:
        raise ValueError(f"actions: {len(actions)} of them, expected at most {MAX_ACTIONS}")
    return parse_choice(
        {"weights": document.get("weights"), "prompts": [{**prompt, "actions": actions}]}
    )


def _obstacle(model: Choice, any_outcomes: bool) -> str:
    """Which assumption the model breaks: three distinct composites, their laws not on one line."""
    (kinds,) = model.kinds
    rewards = [composite(kind.rewards, model.weights) for kind in kinds]
    distinct = sorted(set(rewards))
    if len(kinds) > model.dimension and not any_outcomes:
        return "an action with more than one outcome"
    slopes = [
        [
            total(k.chance * k.score[i] for k, r in zip(kinds, rewards, strict=True) if r == v)
            for i in range(model.dimension)
        ]
        for v in distinct
    ]
    if len(distinct) < 3 or fmpq_mat(slopes).rank() < 2:
        return "fewer than 3 distinct composites, or than 2 independent grad p(v)"
    return ""


def _symmetric_share(model: Choice, size: int) -> Number:
    (kinds,) = model.kinds
    even, odd = split(jacobian(kinds, model.weights, size, NORMALIZED))
    whole = even + odd
    return even / whole if whole > 0 else fmpq(1)


def _ratio(x: Any, choice: tuple[tables.Shape, int]) -> Any:
    """The symmetric share, least over the deciding policies."""
    shape, size = choice
    rewards = tables.relaxed(x, shape)[1][0].rewards
    n = shape.actions

    def field(logits: Any) -> Any:
        policy = jax.nn.softmax(logits)
        kinds = Kinds(policy, rewards, jnp.eye(n) - policy[None])
        return update(kinds, jnp.ones(1), size, NORMALIZED).mean

    policies = jnp.array([[float(p) for p in row] for row in deciding_policies(n, size)])
    matrices = jax.vmap(jax.jacfwd(field))(jnp.log(policies))
    mirrored = matrices.swapaxes(1, 2)
    even = jnp.square(matrices + mirrored).sum((1, 2))
    return (even / (even + jnp.square(matrices - mirrored).sum((1, 2)))).min()


def _document(x: NDArray[np.float64], choice: tuple[tables.Shape, int], n: int) -> Document:
    shape, size = choice
    found = tables.document(x, shape, n)
    for action in found["prompts"][0]["actions"]:
        action["odds"] = 1
    return {"group_size": size, **found}


EXACT = Exact(
    decide,
    Search(
        choices=tuple((tables.Shape(actions=3), size) for size in (2, 3, 4, 5)),
        dimension=lambda choice: tables.dimension(choice[0]),
        ratio=_ratio,
        document=_document,
    ),
    smaller_run,
)
