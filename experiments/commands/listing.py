"""list: the claims."""

import argparse
import textwrap

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.models.building.argument import described
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


def list_models() -> None:
    """Print every model that has a name."""
    for name, about in described().items():
        say(*textwrap.wrap(f"{name}: {about}", 100, subsequent_indent="    "))


def run(arguments: argparse.Namespace) -> int:
    """Print every claim, or every model."""
    if arguments.instances:
        list_models()
        return 0
    for claim in CLAIMS:
        say(*heading(claim), *contents(claim))
    return 0
