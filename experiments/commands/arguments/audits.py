"""Arguments of the commands that look at the checks themselves."""

from argparse import ArgumentParser
from pathlib import Path

from grpo_checks.experiments.commands.arguments.claims import STORED_RUNS


def mutants(parser: ArgumentParser) -> None:
    """Of mutants."""
    parser.add_argument("--claim", action="append", help="only this claim (may be repeated)")
    parser.add_argument("--out", type=Path, help="table [results/mutants.csv, or under part/]")
    parser.add_argument("--runs", type=Path, default=STORED_RUNS, help="stored training runs")


def power(parser: ArgumentParser) -> None:
    """Of power."""
    parser.add_argument("folder", type=Path, nargs="?", help="of rows.csv [results/paper]")
    parser.add_argument("--out", type=Path, help="store the sampled table too, in this file")


def alarms(parser: ArgumentParser) -> None:
    """Of alarms."""
    parser.add_argument("--claim", default="T1.rate", help="T1.rate or T1.path [T1.rate]")
    parser.add_argument("--runs", type=int, default=1000, help="how many times [1000]")
    parser.add_argument("--instance", default="bandit", help="a small one [bandit]")
    parser.add_argument(
        "--out", type=Path, default=Path("results/alarms.json"), help="[results/alarms.json]"
    )


def survey(parser: ArgumentParser) -> None:
    """Of survey."""
    parser.add_argument("--models", type=int, default=2000, help="the first so many [2000]")
    parser.add_argument("--groups", type=int, nargs="+", help="group sizes [2 4 8 16]")
    parser.add_argument(
        "--out", type=Path, default=Path("results/survey"), help="folder [results/survey]"
    )
    parser.add_argument(
        "--changes", action="store_true", help="what stops the cycle of T1.own instead"
    )


def compare(parser: ArgumentParser) -> None:
    """Of compare."""
    parser.add_argument("folder", type=Path, help="results of verify")
    parser.add_argument(
        "--kept", type=Path, default=Path("results/paper"), help="the others [results/paper]"
    )
