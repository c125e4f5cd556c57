"""falsify: search for the point at which a claim is tightest, or violated."""

import argparse
import json
from pathlib import Path

from experiments.catalogue import find
from experiments.certificates import summary
from experiments.falsify import falsify
from experiments.falsify_report import example, store

MAX_MINUTES = 24 * 60.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser("falsify", help="search for a violation, or the tightest point")
    parser.add_argument("claim", nargs="?", help="a claim, as `list` names it")
    parser.add_argument("--mutant", help="search for a violation of this false version instead")
    parser.add_argument("--minutes", type=float, default=2.0, help="at most this long [2]")
    parser.add_argument("--seed", type=int, default=0, help="of the starts [0]")
    parser.add_argument("--replay", type=Path, help="decide a stored point.json again")
    parser.add_argument(
        "--out", type=Path, default=Path("results/falsify"), help="output folder [results/falsify]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0: a claim that holds was not violated, or one that does not was; 1: the other way."""
    if arguments.replay is not None:
        return _replay(arguments.replay)
    if arguments.claim is None:
        raise ValueError("claim: expected a name, or --replay FILE")
    claim = find(arguments.claim)
    if arguments.mutant is not None and arguments.mutant not in claim.mutants:
        raise ValueError(f"mutant = {arguments.mutant!r}: expected one of {tuple(claim.mutants)}")
    if not 0 < arguments.minutes <= MAX_MINUTES:
        raise ValueError(f"minutes = {arguments.minutes}: expected a number in (0, {MAX_MINUTES}]")
    if not 0 <= arguments.seed < 2**31:
        raise ValueError(f"seed = {arguments.seed}: expected 0..2147483647")
    found = falsify(claim, arguments.minutes, arguments.seed, arguments.mutant, quiet=False)
    print(example(claim, found))
    asked = (arguments.mutant, arguments.seed, arguments.minutes)
    print(f"stored: {store(claim, found, *asked, arguments.out)}")
    expected = arguments.mutant is not None or claim.expected == "refuted"
    return 0 if found.refuted == expected else 1


def _replay(path: Path) -> int:
    """0 where the stored point gives again what is stored."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        exact = find(stored["claim"]).exact
        if exact is None:
            raise ValueError(f"claim = {stored['claim']!r} is not decided at rational points")
        again = summary(exact.decide(stored["document"], stored["mutant"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: {error!r}: expected a point.json of falsify") from None
    same = again == stored["found"]
    print(json.dumps(again, indent=1), "as stored" if same else "not as stored", sep="\n")
    return 0 if same else 1
