"""L.groups: how many groups of advantages decoupling tells apart that the joint form does not.

Statement: with K >= 2 binary rewards fewer groups of joint advantages differ than of decoupled
ones, at every G and for all weights; with two of equal weight and G = 2 they are 2 and 3.
Source: arXiv:2601.05242; counted over all groups, equality decided exactly
(``theory.estimators.distinct``), and at rational points from the advantages themselves
(``theory.rational.choices.distinct``): counts are no formula that could be enclosed.
Units: groups.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.reading import group_size_of
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.cell_rows import certified, exact, unmet
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope, Verdict
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.experiments.runs.words import Table, having, headings_of, table
from grpo_checks.theory.estimators.advantages import EstimatorName
from grpo_checks.theory.estimators.distinct import COUNTED, count_groups, distinct_groups
from grpo_checks.theory.numbers.fields import POSITIVE, entry, numbers
from grpo_checks.theory.rational.choices.distinct import distinct

NAME = "L.groups"
PUBLISHED: dict[EstimatorName, int] = {"group_normalized": 2, "componentwise_normalized": 3}
"""Two binary rewards, two members."""
CELLS = {
    "quick": {2: (2, 3, 4, 8), 3: (2, 3, 4)},
    "paper": {1: (2, 4, 8), 2: (2, 3, 4, 6, 8, 12, 16), 3: (2, 3, 4, 6, 8), 4: (2, 3, 4)},
}
"""Group sizes for each number of components."""

MOST_COMPONENTS, LARGEST_GROUP, LARGEST_WEIGHT = 3, 8, 12


def decide(document: Document, mutant: str | None) -> Decision:
    """Joint numbers are below decoupled ones; or the latter reach all groups (the mutant)."""
    size = group_size_of(document, LARGEST_GROUP)
    weights = list(numbers("weights", entry(document, "weights"), POSITIVE))
    if not 2 <= len(weights) <= MOST_COMPONENTS:
        raise ValueError(f"weights = {weights}: expected 2 or {MOST_COMPONENTS} numbers > 0")
    counts = distinct(weights, size)
    if mutant == "lossless":
        return compare(fmpq(counts.groups), fmpq(counts.most), "all, and at most so many decoupled")
    joint, fewest = fmpq(counts.joint), fmpq(counts.fewest)
    verdict: Verdict = "holds" if joint < fewest else "inconclusive"
    if counts.joint >= counts.most:
        verdict = "refuted"
    smallest = size == 2 and weights == [fmpq(1), fmpq(1)]
    if smallest and [counts.joint, counts.fewest] != [*PUBLISHED.values()]:
        verdict = "refuted"
    return Decision(joint, fewest, verdict, "joint, and at least so many decoupled")


def _weights(x: Any) -> tuple[int, ...]:
    return tuple(int(w) for w in np.clip(np.round(np.exp(x)), 1, LARGEST_WEIGHT))


@cache
def _share(size: int, weights: tuple[int, ...]) -> float:
    joint, decoupled = (distinct_groups(size, weights, name) for name in PUBLISHED)
    return joint / decoupled


SHAPES = ((2, 2), (2, 3), (2, 4), (2, 5), (2, 8), (3, 2), (3, 3))
"""Components and group sizes that are searched."""
SEARCH = Search(
    SHAPES,
    lambda choice: choice[0],
    lambda x, choice: _share(choice[1], _weights(x)),
    lambda x, choice, n: {"group_size": choice[1], "weights": list(_weights(x))},
    by_gradient=False,
)


def _row(components: int, group_size: int, weights: tuple[int, ...], mutant: str | None) -> Row:
    counts = {e: distinct_groups(group_size, weights, e) for e in COUNTED}
    joint, decoupled = (counts[e] for e in PUBLISHED)
    groups = count_groups(components, group_size)
    parameters = {"components": components, "group_size": group_size}
    more = decoupled > joint
    if components == 1:
        more = decoupled == joint
    if mutant == "lossless":
        more = decoupled == groups
    if (components, group_size) == (2, 2) and weights == (1, 1):
        more &= all(counts[e] == n for e, n in PUBLISHED.items())
    verdict: Verdict = "holds" if more else "refuted"
    extra = {"centred": counts["mean_baseline"], "multisets": groups, "weights": str(weights)}
    note = "one component: nothing to decouple, the counts agree" if components == 1 else ""
    labels = (NAME, "binary rewards", parameters, float(joint), float(decoupled))
    return certified(exact(*labels, verdict, note, extra))


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Joint counts against decoupled ones, unit weights and weights 1, 2, ..., K."""
    if scope.instance is not None:
        why = "about all groups of binary rewards, whatever the model"
        return [unmet(NAME, scope.instance.name, {}, why)]
    table = []
    for k, sizes in CELLS[scope.profile].items():
        kinds = {(1,) * k, tuple(range(1, k + 1))}
        table += [_row(k, g, w, scope.mutant) for w in sorted(kinds) for g in sizes]
    return table


def facts(data: Table) -> Facts:
    """Of L.groups: numbers of different groups of advantages, with unit weights."""
    headings = headings_of(
        "components: K | group_size: G | observed: joint | bound: decoupled | centred | "
        "multisets: all"
    )
    unit = data[~data["weights"].str.contains("2")].astype({name: int for name in headings})
    several = unit[unit["components"] > 1]
    equal = (several["bound"] == several["centred"]).groupby(several["group_size"]).all()
    sizes = ", ".join(str(size) for size in equal.index[equal])
    return {
        "holds": len(having(data, "holds")),
        "table": table(unit, headings),
        "equal": f"; for G = {sizes} as many as decoupled" if sizes else "",
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2601.05242: with two binary rewards and G = 2 there are 2 groups of joint "
    "advantages and 3 decoupled; decoupled there are more at every G, for K >= 2",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.estimators.distinct",),
    figures=("l_groups",),
    facts={NAME: facts},
    assumptions=(
        not_on_models("about all groups of binary rewards, whatever the model"),
        *stated("eps = 0", "groups and their advantages without order", "no batch whitening"),
    ),
    mutants={"lossless": "decoupled advantages tell all groups of reward vectors apart"},
    rows=rows,
    exact=Exact(decide, SEARCH),
)
