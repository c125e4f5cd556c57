"""L.hessian: Cauchy-Schwarz for the Hessian of J.

Statement: |Hess J| <= sigma_r sqrt(E |s s^T + Hess log pi|^2), sigma_r the standard deviation of R,
both norms spectral or both Frobenius.
Proof: E[M] = 0 and Hess J = E[(R - J) M] for M = s s^T + Hess log pi.
Source: arXiv:2601.23135; our formalisation, see ``theory.evaluation.curvature``.
Units: of cells, rewards; at rational points their squares.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.literature.contrast import SMALL_MODELS
from grpo_checks.experiments.claims.literature.listed_errors import listed_prompts
from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, one_prompt
from grpo_checks.experiments.falsifier.constraints import one_of
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import LISTED, stated
from grpo_checks.experiments.protocol.cell_rows import inequality, no_better, seen
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, having
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.convergence.smoothness import general_smoothness
from grpo_checks.theory.evaluation.curvature import (
    Norm,
    curvature_moments,
    matrix_norm,
    square_norm,
)
from grpo_checks.theory.evaluation.episode_listing import Floats
from grpo_checks.theory.evaluation.values import Theta, prompt_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy, Tabular

NAME = "L.hessian"
NORMS: tuple[Norm, ...] = get_args(Norm)


def sides(
    norm: Norm, of_bound: Norm | None = None, part: Any = 1.0, power: int = 1, **model: Any
) -> tuple[Any, Any]:
    """|Hess J|^2, a softmax differentiated twice, and Var R E|M|^2, from moments of episodes."""
    one = one_prompt(**model)
    hessian = jax.hessian(one.value_at)(jnp.zeros(len(one.policy)))
    outer = one.score[:, :, None] * one.score[:, None]
    curvature = outer - (jnp.diag(one.policy) - one.policy[:, None] * one.policy[None])[None]
    # Of larger matrices the spectral norm has no formula: there the mutant is the claim.
    known = of_bound if of_bound and len(one.policy) <= 3 else norm
    squares = jnp.stack([square_norm(m, known) for m in curvature])
    spread = one.probability @ (one.composite - one.mean) ** 2
    return square_norm(hessian, norm), part * spread**power * (one.probability @ squares)


PLACES = (
    *({"actions": n, "norm": "Frobenius"} for n in (2, 4)),
    *({"actions": n, "norm": "spectral"} for n in (2, 3)),
    *({"actions": 3, "outcomes": 2, "binary": True, "norm": norm} for norm in NORMS),
)


def _true_of_every_policy(norm: Norm, weights: Any, **_: Any) -> Any:
    """|Hess J|_2 <= R_max/2, squared."""
    return (weights.sum() / 2) ** 2 if norm == "spectral" else jnp.inf


STATEMENT = Statement(
    sides,
    ChoiceDomain(options={"norm": one_of(*NORMS)}, places=PLACES),
    mutants={
        "half": ("half the bound", {"part": 0.25}),
        "variance": ("sigma_r^2 for sigma_r", {"power": 2}),
        "one norm": ("the spectral bound in the Frobenius norm too", {"of_bound": "spectral"}),
    },
    trivial=_true_of_every_policy,
    note=lambda **point: "squares of both sides",
)


@jax.jit
def _second(mdp: TAMDP, policy: Policy, theta: Theta) -> Float[Array, "Q ..."]:
    return jax.hessian(lambda t: prompt_values(mdp, policy.probs(t)))(theta)


@cache
def _hessians(spec: InstanceSpec) -> Floats:
    """(Q, n, n): Hess J_q of an instance at its start, by automatic differentiation."""
    _, mdp, policy, theta, *_ = build(spec)
    hessians = np.asarray(_second(mdp, policy, theta))
    return hessians.reshape(len(hessians), theta.size, theta.size)


def _trivial(spec: InstanceSpec) -> float:
    """|Hess J_q|_2 is at most this for any policy (``theory.convergence.smoothness``)."""
    _, mdp, policy, *_ = build(spec)
    if isinstance(policy, Tabular):
        return float(mdp.max_reward) / 2
    return float(general_smoothness(mdp, policy))


def _rows(spec: InstanceSpec, mutant: str | None) -> list[Row]:
    hessians, trivial, rows = _hessians(spec), _trivial(spec), []
    for q, (one, errors, learns) in enumerate(listed_prompts(spec)):
        hessian, moments, off = hessians[q], curvature_moments(one), errors.hessian
        for norm in NORMS:
            size = matrix_norm(hessian, norm)
            bound = moments.bound("spectral" if mutant == "one norm" else norm)
            bound *= {"half": 0.5, "variance": moments.deviation}.get(mutant or "", 1.0)
            parameters = {"prompt": q, "norm": norm}
            extra = {"reward_deviation": moments.deviation, "n_parameters": len(hessian)}
            labels = (NAME, spec.name, parameters, size, bound, off, "", extra)
            row = seen(inequality(*labels, identity=not learns))
            if norm == "spectral" and bound >= trivial - off:
                row = no_better(row, f"no better than {trivial:.3g}, true of every policy")
            rows.append(row)
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Every prompt of every instance, in both norms."""
    return [row for spec in SMALL_MODELS.chosen(scope) for row in _rows(spec, scope.mutant)]


def facts(data: Table) -> Facts:
    """Of L.hessian: sharp with one logit, looser elsewhere."""
    true = having(data, "holds")
    sharp = true["instance"] == "conflict"
    return {
        "holds": len(true),
        "sharp": span(true["ratio"][sharp]),
        "loose": span(true["ratio"][~sharp]),
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2601.23135: |Hess J| <= sigma_r sqrt(E|s s^T + Hess log pi|^2), both norms "
    "spectral or both Frobenius",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.evaluation.curvature",),
    figures=("looseness",),
    facts={NAME: facts},
    assumptions=(LISTED, *stated("one prompt at a time")),
    rows=rows,
    exact=STATEMENT.exact(),
)
