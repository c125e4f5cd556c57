"""The stored points of Theorem 1: decided as stored, and every mutant with a certain refutation."""

import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS as ALL
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.protocol.certificates import certified_rows, load_cases, path_of

CLAIMS = {
    "T1.rate": "holds",
    "T1.rate.sharp": "holds",
    "T1.path": "holds",
    "T1.descent": "holds",
    "T1.slope": "holds",
    "T1.G": "holds",
    "T1.K": "refuted",
    "T1.budget": "holds",
    "T1.bias": "refuted",
    "T1.floor": "holds",
    "T1.curl": "holds",
    "T1.surrogate": "holds",
}
# About G = 8 and T beyond 100: steps have four square roots, and too many states.
SAMPLED = {"T1.floor": {"stalls early"}}


@pytest.mark.parametrize("name", CLAIMS)
def test_cases_as_stored(name):
    """Of the claim: the expected verdict, somewhere; nothing undecided, nothing edited."""
    rows = certified_rows(find(name), None)
    assert rows
    assert {row.evidence for row in rows} == {"certified"}
    verdicts = {row.verdict for row in rows}
    assert CLAIMS[name] in verdicts
    assert verdicts <= {"holds", CLAIMS[name]}


@pytest.mark.parametrize("name", CLAIMS)
def test_mutants_are_refuted(name):
    """Each on a named instance."""
    claim = find(name)
    for mutant in set(claim.mutants) - SAMPLED.get(name, set()):
        rows = certified_rows(claim, mutant)
        assert rows, mutant
        assert {row.verdict for row in rows} == {"refuted"}, mutant


def test_no_claim_is_left_out():
    """Of those with stored cases; cycles have tests of their own."""
    names = {claim.name for claim in ALL if claim.exact and claim.name.startswith("T1.")}
    assert names == {*CLAIMS, "T1.own", "T1.cycle"}


def test_names_are_unique():
    """A case is named in a table: once for the claim, once for each mutant."""
    for name in CLAIMS:
        named = [(case.name, case.mutant) for case in load_cases(path_of(name))]
        assert len(named) == len(set(named)), name
