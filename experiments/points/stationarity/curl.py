"""Points of T1.curl: models of one decision whose E[g] is the gradient of nothing.

The Jacobian of E[g] is a polynomial in the policy, so that finitely many policies decide whether it
is symmetric at all of them (``theory.rational.choices.curl``); the policy of the document plays no
part. Weaker conditions are not enough (mutants): with random rewards the law can have rank 2 and
four values, and at G = 2 (derived) J_bc - J_cb = 2 pi_b pi_c sum_d pi_d (S_bc + S_cd + S_db), S_bc
= P(R_b > R_c) - P(R_b < R_c), where a cyclic sum can vanish; and prompts that share their logits
can cancel.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier import tables
from grpo_checks.experiments.falsifier.reading import group_size_of, normalized
from grpo_checks.experiments.falsifier.relaxed import Kinds, update
from grpo_checks.experiments.falsifier.smaller import smaller_run
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, Verdict, unmet
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, hull, total
from grpo_checks.theory.numbers.fields import flag
from grpo_checks.theory.rational.choices.choice import Choice, Kind, composite, parse_choice
from grpo_checks.theory.rational.choices.curl import deciding_policies, jacobian, split

MAX_ACTIONS = 4
SHARED = "several prompts on one table of logits, which can cancel each other"


def decide(document: Document, mutant: str | None) -> Decision:
    """The symmetric share |J + J^T|^2/(|J + J^T|^2 + |J - J^T|^2) at the policy where it is least.

    The claim: below 1. Refuted where J is symmetric at all policies.
    """
    model, size, estimator = _at(document, None), group_size_of(document), normalized(document)
    obstacle = _obstacle(model, mutant)
    if obstacle:
        return unmet(obstacle)
    policies = deciding_policies(model.dimension, size)
    shares = [_symmetric_share(_at(document, policy), size, estimator) for policy in policies]
    curled = [share for share in shares if share < 1]
    if not curled and not all(isinstance(share, fmpq) for share in shares):
        return Decision(shares[0], fmpq(1), "inconclusive", "no asymmetry is certain")
    denied = mutant == "always a gradient"
    note = "E[g] is no gradient" if curled else "the Jacobian of E[g] is symmetric at all policies"
    verdict: Verdict = "holds" if bool(curled) != denied else "refuted"
    return Decision(min(curled or shares, key=float), fmpq(1), verdict, note)


def _at(document: Document, policy: tuple[fmpq, ...] | None) -> Choice:
    """The model, at the document's policy or at another."""
    choice = parse_choice(document)
    if len(choice.kinds) > 1 and not flag(document, "shared"):
        raise ValueError(f"prompts: {len(choice.kinds)} of them, expected one, or shared = true")
    if choice.dimension > MAX_ACTIONS:
        raise ValueError(f"actions: {choice.dimension} of them, expected at most {MAX_ACTIONS}")
    if policy is None:
        return choice
    prompts = [{**p, "actions": _actions(p["actions"], policy)} for p in document["prompts"]]
    return parse_choice({**document, "prompts": prompts})


def _actions(actions: Sequence[Any], policy: tuple[fmpq, ...]) -> list[Any]:
    return [{**action, "odds": str(p)} for action, p in zip(actions, policy, strict=True)]


def _obstacle(model: Choice, mutant: str | None) -> str:
    """Which assumption the model breaks; empty for none."""
    if len(model.kinds) > 1 and mutant != "several prompts":
        return SHARED
    spans = [_span(kinds, model.weights) for kinds in model.kinds]
    for distinct, rank in spans:
        if distinct >= 3 and rank >= (2 if mutant == "rank 2" else distinct - 1):
            return ""
    distinct, rank = spans[0]
    return f"{distinct} distinct composites, rank {rank} of the grad p(v)"


def _span(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> tuple[int, int]:
    """How many distinct composites, and the rank of their grad p(v): one for all inner policies."""
    rewards = [composite(kind.rewards, weights) for kind in kinds]
    distinct = sorted(set(rewards))
    slopes = [
        [
            total(k.chance * k.score[i] for k, r in zip(kinds, rewards, strict=True) if r == v)
            for i in range(len(kinds[0].score))
        ]
        for v in distinct
    ]
    return len(distinct), fmpq_mat(slopes).rank()


def _symmetric_share(model: Choice, size: int, estimator: Estimator) -> Number:
    jacobians = [jacobian(kinds, model.weights, size, estimator) for kinds in model.kinds]
    n, parts = range(model.dimension), list(zip(model.prompt_chance, jacobians, strict=True))
    even, odd = split([[total(rho * m[i][j] for rho, m in parts) for j in n] for i in n])
    if isinstance(odd, fmpq) and odd == 0:
        return fmpq(1)
    # In balls a Jacobian of zeros cannot be told from a small one.
    return even / (even + odd) if even + odd > 0 else hull(fmpq(0), fmpq(1))


class Space(NamedTuple):
    """Three actions with sure rewards, and an estimator."""

    group_size: int
    ddof: int = 0
    eps: str = "0"


SHAPE = tables.Shape(actions=3)


def _ratio(x: Any, choice: Space) -> Any:
    """The symmetric share, least over the deciding policies."""
    rewards = tables.relaxed(x, SHAPE)[1][0].rewards
    estimator, n = normalized(choice._asdict()), SHAPE.actions

    def field(logits: Any) -> Any:
        policy = jax.nn.softmax(logits)
        kinds = Kinds(policy, rewards, jnp.eye(n) - policy[None])
        return update(kinds, jnp.ones(1), choice.group_size, estimator).mean

    listed = deciding_policies(n, choice.group_size)
    policies = jnp.array([[float(p) for p in row] for row in listed])
    matrices = jax.vmap(jax.jacfwd(field))(jnp.log(policies))
    mirrored = matrices.swapaxes(1, 2)
    even = jnp.square(matrices + mirrored).sum((1, 2))
    return (even / (even + jnp.square(matrices - mirrored).sum((1, 2)))).min()


def _document(x: NDArray[np.float64], choice: Space, n: int) -> Document:
    content = tables.document(x, SHAPE, n)
    for action in content["prompts"][0]["actions"]:
        action["odds"] = 1
    return {**choice._asdict(), **content}


EXACT = Exact(
    decide,
    Search(
        choices=(*map(Space, (2, 3, 4, 5)), Space(2, 1, "1/10"), Space(3, 1, "1/10")),
        dimension=lambda choice: tables.dimension(SHAPE),
        ratio=_ratio,
        document=_document,
    ),
    smaller_run,
)
