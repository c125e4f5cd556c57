"""list: the claims."""

import argparse

from experiments.catalogue import CLAIMS


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser("list", help="the claims, their provenance and their mutants")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print every claim."""
    for claim in CLAIMS:
        print(f"{claim.name}  [{claim.provenance}; expected: {claim.expected}]")
        print(f"    {claim.statement}")
        print(f"    assumes: {'; '.join(claim.assumptions)}")
        for name, change in claim.mutants.items():
            print(f"    mutant {name!r}: {change}")
    return 0
