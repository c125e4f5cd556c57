"""Theorem 2 at stored rational points, and at random ones against floating point."""

import pytest

from experiments.catalogue import CLAIMS, find
from experiments.certificates import certified_rows, load_cases, path_of

THEOREM_2 = [claim for claim in CLAIMS if claim.name.startswith("T2.") and claim.exact]


@pytest.mark.parametrize("claim", THEOREM_2, ids=lambda claim: claim.name)
def test_stored_cases_are_decided_as_stored(claim):
    """Each as the claim is expected to come out."""
    rows = certified_rows(claim, None)
    assert rows
    assert {row.verdict for row in rows} <= {claim.expected, "assumption unmet"}
    assert claim.expected in {row.verdict for row in rows}
    assert {row.evidence for row in rows} == {"certified"}


@pytest.mark.parametrize(
    ("name", "mutant"), [(claim.name, mutant) for claim in THEOREM_2 for mutant in claim.mutants]
)
def test_every_mutant_is_refuted(name, mutant):
    """At a named point."""
    assert {row.verdict for row in certified_rows(find(name), mutant)} == {"refuted"}


@pytest.mark.parametrize("claim", THEOREM_2, ids=lambda claim: claim.name)
def test_stored_cases_are_of_known_mutants(claim):
    """A renamed mutant leaves no case behind."""
    known = {case.mutant for case in load_cases(path_of(claim.name))}
    assert known == {None, *claim.mutants}
