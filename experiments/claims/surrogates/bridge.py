"""T2.bridge: does the misalignment bound joint minus decomposed surrogate?

Statement: |joint - decomposed surrogate| <= 1/G sum_i |Delta_i|.
Proof: none, it is false: Delta is 0 in every group (T2.identity), and the stored groups have
different surrogates. What is true is T2.bridge'.
Source: reported of arXiv:2604.19857 (Eq. 46).
Units: of advantages.
"""

from typing import Any

import jax.numpy as jnp

from grpo_checks.experiments.claims.surrogates.groups import GROUP, silent
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import deviations
from grpo_checks.theory.losses.surrogate_gap import SurrogateGap, scaled_misalignment, surrogate_gap
from grpo_checks.theory.numbers.balls import shown


def surrogates(rewards: Any, weights: Any, ratios: Any, ddof: int) -> SurrogateGap:
    """Of one group, with R_i = sum_k w_k r_ik."""
    return surrogate_gap(rewards, rewards @ weights, weights, ratios, ddof)


def misalignment(rewards: Any, weights: Any, ddof: int) -> Any:
    """1/G sum_i |Delta_i|."""
    spread = jnp.square(deviations(rewards @ weights)).sum()
    scaled = jnp.abs(scaled_misalignment(rewards, weights, ddof)).mean()
    return scaled / jnp.sqrt(spread / (rewards.shape[0] - ddof))


def sides(rewards: Any, weights: Any, ratios: Any, ddof: int) -> tuple[Any, Any]:
    """|joint - decomposed| and the mean |Delta_i|."""
    gap = surrogates(rewards, weights, ratios, ddof)
    return gap.difference, misalignment(rewards, weights, ddof)


def _parts(point: Any) -> tuple[Any, ...]:
    gap = surrogates(**point)
    others = {name: value for name, value in point.items() if name != "ratios"}
    return gap.joint, gap.decomposed, misalignment(**others)


_enclosed_parts = enclose(_parts)


def in_words(**point: Any) -> str:
    """Both surrogates and Delta, as fractions where they are."""
    joint, decomposed, delta = (shown(x, 12) for x in _enclosed_parts(point))
    return f"exact: joint {joint}, decomposed {decomposed}, Delta {delta}"


STATEMENT = Statement(sides, GROUP, exception=silent, note=in_words)
CLAIM = Claim(
    name="T2.bridge",
    statement="|joint - decomposed surrogate| is bounded by the misalignment Delta",
    provenance="reported",
    expected="refuted",
    proof=("grpo_checks.theory.losses.surrogate_gap",),
    assumptions=(
        not_on_models("a statement about all groups, decided by a stored pair of samples"),
        *stated("eps = 0", "no clipping"),
    ),
    # A statement about all groups: stored ones refute it.
    rows=lambda scope, results: [],
    exact=STATEMENT.exact(),
)
