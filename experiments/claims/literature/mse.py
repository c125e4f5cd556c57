"""L.mse: the mean squared error of `leave_one_out`, from pairs of episodes.

Statement: E|g - grad J|^2 = ((G-2) a + 2b)/(G(G-1)) = a/G + O(1/G^2), with a/G the error with the
value as baseline and b the error of a group of two.
Proof: the update is a U-statistic with kernel (R-R')(s-s')/2; see ``theory.updates.ustatistic``.
Source: arXiv:2603.01162 (its abstract, and its results as readers list them; our formalisation).
Units: squared rewards.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from grpo_checks.experiments.claims.literature.listed_errors import listed_prompts
from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, Episodes, one_prompt
from grpo_checks.experiments.falsifier.constraints import integer
from grpo_checks.experiments.falsifier.relaxed import Kinds, update
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.models.settings import UNBIASED, RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import LISTED, stated
from grpo_checks.experiments.protocol.cell_rows import Models, equality, seen, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table, having, table
from grpo_checks.theory.estimators.group_law import Engine, GroupLaw, group_law
from grpo_checks.theory.updates.ustatistic import listed_error, noise

NAME, MUTANT = "L.mse", "no remainder"
ENGINES: tuple[Engine, ...] = ("counts", "lattice")
GROUPS = {"quick": (2, 3, 8), "paper": (2, 3, 4, 8, 16)}
LARGEST_GROUP = 16


def _error(one: Episodes, size: int) -> Any:
    """E|g - grad J|^2 by its definition: all groups listed, and a softmax differentiated."""
    kinds = Kinds(one.probability, one.composite[:, None], one.score)
    listed = update(kinds, jnp.ones(1), size, UNBIASED)
    slope = jax.grad(one.value_at)(jnp.zeros(len(one.policy)))
    return listed.variance + ((listed.mean - slope) ** 2).sum()


def sides(group_size: int, **model: Any) -> tuple[Any, Any]:
    """The definition against the formula."""
    one = one_prompt(**model)
    return _error(one, group_size), one.noise.error(group_size)


def _no_remainder(group_size: int, **model: Any) -> tuple[Any, Any]:
    one = one_prompt(**model)
    return _error(one, group_size), one.noise.oracle / group_size


PLACES = (
    {"actions": 2, "group_size": 2},
    {"actions": 2, "outcomes": 2, "binary": True, "group_size": 3},
    {"actions": 3, "group_size": 3},
)
STATEMENT = Statement(
    sides,
    ChoiceDomain(options={"group_size": integer(2, LARGEST_GROUP)}, places=PLACES),
    "equal",
    mutants={MUTANT: ("a/G alone", _no_remainder)},
)


LISTED_MODELS = Models(
    [named("conflict", components=1, start=-0.5)],
    [
        *(named(name, components=2) for name in ("coding", "search")),
        named("bits", components=2, success=0.2),
        *(named("random", components=1, seed=s, width=1, tools=1, depth=1) for s in range(6)),
        named("random", components=1, seed=3, features=3),
    ],
)
"""Whose episodes, and pairs of them, are listed."""


@cache
def _law(spec: InstanceSpec, group_size: int) -> GroupLaw | str:
    """By count vectors; by sums along a lattice where they are too many; or why by neither."""
    why = ""
    for engine in ENGINES:
        try:
            return group_law(build(spec).mdp, group_size, UNBIASED, engine)
        except ValueError as obstacle:
            why = str(obstacle)
    return why


def _rows(spec: InstanceSpec, groups: tuple[int, ...], mutant: str | None) -> list[Row]:
    rows = []
    for q, (one, errors, learns) in enumerate(listed_prompts(spec)):
        terms = noise(one)
        for g in groups:
            law, oracle = _law(spec, g), terms.oracle / g
            parameters = {"prompt": q, "group_size": g, "estimator": UNBIASED.name}
            if isinstance(law, str):
                rows.append(unmet(NAME, spec.name, parameters, law))
                continue
            expected = oracle if mutant == MUTANT else terms.error(g)
            extra = {"oracle": oracle, "remainder": terms.error(g) - oracle}
            numbers = (listed_error(one, law), expected, errors.noise(law) / g)
            labels = (NAME, spec.name, parameters, *numbers, "", extra)
            rows.append(seen(equality(*labels, identity=not learns)))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The formula from pairs of episodes against the exact law of groups, by count vectors."""
    models = LISTED_MODELS.chosen(scope)
    return [row for spec in models for row in _rows(spec, GROUPS[scope.profile], scope.mutant)]


def facts(data: Table) -> Facts:
    """Of L.mse: what a group costs over the oracle, which knows the value."""
    signal = data[data["oracle"] > 0]
    relative = (signal["observed"] / signal["oracle"]).groupby(signal["group_size"])
    noise = relative.agg(["min", "median", "max"]).reset_index()
    headings = "group_size: G | min | median | max"
    return {
        "holds": len(having(data, "holds")),
        "table": table(noise, headings, digits=4),
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2603.01162: E|g - grad J|^2 of `leave_one_out` is ((G-2)a + 2b)/(G(G-1)) = "
    "a/G + O(1/G^2), a/G the error with the value as baseline",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.updates.ustatistic",),
    facts={"L.mse": facts},
    assumptions=(LISTED, *stated("one prompt at a time")),
    rows=rows,
    exact=STATEMENT.exact(),
)
