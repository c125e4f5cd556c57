"""list: the claims."""

import argparse

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.storage.terminal import say


def heading(claim: Claim) -> list[str]:
    """Identifier, provenance, expected verdict and statement."""
    return [
        f"{claim.name}  [{claim.provenance}; expected: {claim.expected}]",
        f"    {claim.statement}",
    ]


def contents(claim: Claim) -> list[str]:
    """Assumptions, with where they are checked, and mutants."""
    assumed = [f"    assumes: {a.text} [{a.checked}]" for a in claim.assumptions]
    return assumed + [f"    mutant {name!r}: {change}" for name, change in claim.mutants.items()]


def run(arguments: argparse.Namespace) -> int:
    """Print every claim."""
    for claim in CLAIMS:
        say(*heading(claim), *contents(claim))
    return 0
