"""A claim from what only its author can say: all else follows from how it is decided."""

from collections.abc import Callable, Mapping, Sequence

from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import Assumption
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.claim import (
    Claim,
    FactsFunction,
    Part,
    Provenance,
    Row,
    Scope,
)
from grpo_checks.experiments.protocol.points import Case, Exact
from grpo_checks.experiments.protocol.verdict import Verdict

OnModels = Callable[[Sequence[InstanceSpec]], list[Row]]


def theorem(
    name: str,
    statement: str,
    exact: Exact,
    cases: Sequence[Case],
    mutants: Mapping[str, str] | None = None,
    *,
    expected: Verdict = "holds",
    provenance: Provenance = "derived",
    assumptions: Sequence[Assumption] = (),
    on_models: OnModels | None = None,
    models: Sequence[InstanceSpec] = (),
    facts: Mapping[str, FactsFunction | Part] | None = None,
) -> Claim:
    """A claim that its cases decide, each of them its own or of a mutant.

    ``on_models``: rows on models, those of ``models`` or the one that a user asks about; without
    it the claim says nothing of a user's model. ``mutants``: what they change, in words, where the
    statement does not say it. Raises ValueError for a mutant without a case, for a case of another,
    and where ``exact`` has other mutants.
    """
    silent = {*exact.mutants} - {*exact.changes}
    if mutants is None and silent:
        name = min(silent)
        raise ValueError(f"mutant {name!r}: expected a pair, what it changes in words, and how")
    mutants = exact.changes if mutants is None else mutants
    if exact.mutants and (other := {*exact.mutants} ^ {*mutants}):
        raise ValueError(
            f"mutants = {tuple(mutants)}: expected those of the statement with what they change,"
            f" {tuple(exact.mutants)}: {other.pop()!r} is in one of them"
        )
    _check_cases(cases, mutants)

    def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
        if scope.mutant is not None or on_models is None:
            return stored_only(name, scope)
        return on_models(models if scope.instance is None else [scope.instance])

    return Claim(
        name=name,
        statement=statement,
        provenance=provenance,
        expected=expected,
        assumptions=assumptions,
        mutants=mutants,
        rows=rows,
        exact=exact,
        cases=cases,
        facts=facts or {},
    )


def _check_cases(cases: Sequence[Case], mutants: Mapping[str, str]) -> None:
    tried = {case.mutant for case in cases}
    for mutant in mutants:
        if mutant not in tried:
            raise ValueError(f"mutant = {mutant!r}: expected a case of it, Case(..., {mutant!r})")
    if None not in tried:
        raise ValueError("cases: expected one of the claim itself, without a mutant")
    if unknown := tried - {None, *mutants}:
        raise ValueError(f"case of mutant {unknown.pop()!r}: expected one of {tuple(mutants)}")
