"""T2.bridge.sd: the standard deviation of the ratios bounds joint minus decomposed surrogate.

Statement: |joint - decomposed| <= (1 - ddof/G) sd(ratios) sum_k w_k |sd_k/sd - 1|, sd > 0, all
standard deviations with one ddof.
Proof: ``theory.losses.ratio_spread``.
Source: derived; never above T2.bridge', which has half the range of the ratios.
Units: of advantages. Random groups in floating point, with ratios as they come and with the worst
ones; stored groups in fractions reach it where T2.bridge' is not reached.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from grpo_checks.experiments.claims.surrogates.bridge import in_words, surrogates
from grpo_checks.experiments.claims.surrogates.corrected_bridge import (
    GROUPS,
    SHAPES,
    Drawn,
    draw,
    drawn_of,
    gap_row,
)
from grpo_checks.experiments.claims.surrogates.groups import GROUP, silent
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import in_cells, stated
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.claim import Claim, Facts, Part, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.experiments.storage.text import span
from grpo_checks.theory.estimators.advantages import Estimator, deviations, group_advantages
from grpo_checks.theory.losses.ratio_spread import spread_bridge
from grpo_checks.theory.losses.surrogate_gap import SurrogateGap, surrogate_gap

NAME = "T2.bridge.sd"
WIDEST = 0.2
"""How far the worst ratios go from 1."""


@partial(jax.jit, static_argnames="ddof")
def _gaps(
    rewards: Float[Array, "N G K"],
    composite: Float[Array, "N G"],
    weights: Float[Array, "N K"],
    ratios: Float[Array, "N G"],
    ddof: int,
    worst: Bool[Array, ""],
) -> SurrogateGap:
    """With this bound as the bridge; ``worst``: ratios along the difference of the advantages."""
    normalized = Estimator("group_normalized", ddof)

    def one(r: Any, c: Any, w: Any, x: Any) -> SurrogateGap:
        parts = jax.vmap(lambda column: group_advantages(column, normalized), 1, 1)(r)
        off = group_advantages(c, normalized) - parts @ w
        x = jnp.where(worst, 1 + WIDEST * off / jnp.maximum(jnp.abs(off).max(), 1e-9), x)
        gap, (bound, terms) = surrogate_gap(r, c, w, x, ddof), spread_bridge(r, c, w, x, ddof)
        return gap._replace(bridge=bound, magnitude=gap.magnitude + terms)

    return jax.vmap(one)(rewards, composite, weights, ratios)


def _row(name: str, drawn: Drawn, ddof: int, seed: int, worst: bool) -> Row:
    count, size, _ = drawn[0].shape
    ratios = np.random.default_rng(seed).uniform(0.8, 1.2, (count, size))
    gaps = jax.device_get(_gaps(*drawn, ratios, ddof, jnp.asarray(worst)))
    return gap_row(NAME, name, drawn, ddof, gaps)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Random groups of several shapes, with both kinds of ratios; mutants on stored ones."""
    if scope.mutant is not None:
        return stored_only(NAME, scope)
    if scope.instance is not None:
        return [_row(scope.instance.name, drawn_of(scope.instance), 0, 0, False)]
    shapes = SHAPES[1:5] if scope.profile == "paper" else SHAPES[1:2]
    checked = []
    for i, (size, components, ddof) in enumerate(shapes):
        drawn = draw(np.random.default_rng(i), size, components, GROUPS // 16)
        for kind, worst in (("random groups", False), ("random groups, worst ratios", True)):
            checked.append(_row(kind, drawn, ddof, i, worst))
    return checked


def sides(rewards: Any, weights: Any, ratios: Any, ddof: int, part: Any = 1) -> tuple[Any, Any]:
    """|joint - decomposed| and the bound, times ``part``."""
    gap = surrogates(rewards, weights, ratios, ddof)
    return gap.difference, part * spread_bridge(rewards, rewards @ weights, weights, ratios, ddof)[
        0
    ]


def _absolute(rewards: Any, weights: Any, ratios: Any, ddof: int) -> tuple[Any, Any]:
    off, freedom = deviations(ratios), rewards.shape[0] - ddof
    observed, bound = sides(rewards, weights, ratios, ddof)
    spread = jnp.sqrt(jnp.square(off).sum() / freedom)
    return observed * spread, bound * jnp.abs(off).sum() / freedom


def _squared(rewards: Any, weights: Any, ratios: Any, ddof: int) -> tuple[Any, Any]:
    size = rewards.shape[0]
    return sides(rewards, weights, ratios, ddof, jnp.asarray(size - ddof) / size)


STATEMENT = Statement(
    sides,
    GROUP,
    mutants={
        "mean absolute deviation": (
            "the mean of |ratio - mean ratio| in place of sd(ratios)",
            _absolute,
        ),
        "divisor squared": ("(1 - ddof/G)^2 in place of 1 - ddof/G", _squared),
        "half of sd": ("sd(ratios)/2", {"part": 0.5}),
    },
    exception=silent,
    note=in_words,
)


def facts(data: Table, range_rows: Table) -> Facts:
    """Of T2.bridge.sd: random groups, and those of T2.bridge' for comparison."""
    drawn, before = (x[x["largest_excess"].notna()] for x in (data, range_rows))
    plain, worst = (drawn[drawn["instance"].str.contains("worst") == kind] for kind in (0, 1))
    return {
        "groups": int(drawn["cells"].sum()),
        "plain": span(plain["ratio_median"]),
        "worst": span(worst["ratio_median"]),
        "before": span(before["ratio_median"]),
    }


CLAIM = Claim(
    name=NAME,
    statement="|joint - decomposed| <= (1 - ddof/G) sd(ratios) sum_k w_k |sd_k/sd - 1|",
    provenance="derived",
    expected="holds",
    proof=("grpo_checks.theory.losses.ratio_spread",),
    figures=("looseness",),
    facts={NAME: Part(facts, (NAME, "T2.bridge'"))},
    assumptions=(in_cells("sd > 0"), *stated("eps = 0", "no clipping")),
    rows=rows,
    exact=STATEMENT.exact(),
)
