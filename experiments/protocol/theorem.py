"""A claim from what only its author can say: all else follows from how it is decided."""

from collections.abc import Callable, Mapping, Sequence

from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import Assumption
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.certificates import Case, case_row
from grpo_checks.experiments.protocol.claim import Claim, Provenance, Row, Scope
from grpo_checks.experiments.protocol.points import Exact
from grpo_checks.experiments.protocol.verdict import Verdict

OnModels = Callable[[Sequence[InstanceSpec]], list[Row]]


def theorem(
    name: str,
    statement: str,
    exact: Exact,
    cases: Sequence[Case],
    mutants: Mapping[str, str],
    *,
    expected: Verdict = "holds",
    provenance: Provenance = "derived",
    assumptions: Sequence[Assumption] = (),
    on_models: OnModels | None = None,
    models: Sequence[InstanceSpec] = (),
) -> Claim:
    """A claim that its cases decide, each of them its own or of a mutant.

    ``on_models``: rows on models, those of ``models`` or the one that a user asks about; without
    it the claim says nothing of a user's model. Every mutant needs a case.
    """

    def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
        decided = [case_row(claim, case) for case in cases if case.mutant == scope.mutant]
        if scope.mutant is not None or (on_models is None and scope.instance is None):
            return decided
        if on_models is None:
            return stored_only(name, scope)
        if scope.instance is not None:
            return on_models([scope.instance])
        return [*decided, *on_models(models)]

    claim = Claim(
        name=name,
        statement=statement,
        provenance=provenance,
        expected=expected,
        assumptions=assumptions,
        mutants=mutants,
        runs=lambda scope: [],
        rows=rows,
        exact=exact,
    )
    return claim
