"""L.groups: how many groups of advantages decoupling tells apart that the joint form does not.

arXiv:2601.05242; counted over all groups, equality decided exactly
(``theory.estimators.distinct``).
"""

from collections.abc import Mapping

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.literature.groups import EXACT
from grpo_checks.experiments.protocol.assumptions import not_on_models, stated
from grpo_checks.experiments.protocol.cell_rows import certified, exact, unmet
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope, Verdict
from grpo_checks.theory.estimators.advantages import EstimatorName
from grpo_checks.theory.estimators.distinct import COUNTED, count_groups, distinct_groups

NAME = "L.groups"
PUBLISHED: dict[EstimatorName, int] = {"group_normalized": 2, "componentwise_normalized": 3}
"""Two binary rewards, two members."""
QUICK_CELLS = {2: (2, 3, 4, 8), 3: (2, 3, 4)}
PAPER_CELLS = {1: (2, 4, 8), 2: (2, 3, 4, 6, 8, 12, 16), 3: (2, 3, 4, 6, 8), 4: (2, 3, 4)}
"""Group sizes for each number of components."""


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
    cells = PAPER_CELLS if scope.profile == "paper" else QUICK_CELLS
    table = []
    for k, sizes in cells.items():
        kinds = {(1,) * k, tuple(range(1, k + 1))}
        table += [_row(k, g, w, scope.mutant) for w in sorted(kinds) for g in sizes]
    return table


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2601.05242: with two binary rewards and G = 2 there are 2 groups of joint "
    "advantages and 3 decoupled; decoupled there are more at every G, for K >= 2",
    provenance="literature",
    expected="holds",
    proof=("grpo_checks.theory.estimators.distinct",),
    figures=("literature",),
    assumptions=(
        not_on_models("about all groups of binary rewards, whatever the model"),
        *stated("eps = 0", "groups and their advantages without order", "no batch whitening"),
    ),
    mutants={"lossless": "decoupled advantages tell all groups of reward vectors apart"},
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
