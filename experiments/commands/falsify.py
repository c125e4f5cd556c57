"""falsify: search for the point at which a claim is tightest, or violated."""

import argparse
import json
from pathlib import Path

from grpo_checks.experiments.audit.falsify_report import example, store
from grpo_checks.experiments.audit.replay import replay
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.falsifier.search import falsify
from grpo_checks.experiments.storage.files import check_writable
from grpo_checks.experiments.storage.terminal import say

MAX_MINUTES = 24 * 60.0


def run(arguments: argparse.Namespace) -> int:
    """0: a claim that holds was not violated, or one that does not was; 1: the other way."""
    if arguments.replay is not None:
        return _replay(arguments.replay, arguments.file or arguments.claim)
    if (name := arguments.claim or arguments.file) is None:
        raise ValueError("claim: expected a name, or --replay FILE")
    if arguments.file not in (None, name):
        raise ValueError(f"claim = {arguments.file!r}: expected one claim, not {name!r} too")
    claim = find(name)
    if arguments.mutant is not None and arguments.mutant not in claim.mutants:
        raise ValueError(f"mutant = {arguments.mutant!r}: expected one of {tuple(claim.mutants)}")
    if not 0 < arguments.minutes <= MAX_MINUTES:
        raise ValueError(f"minutes = {arguments.minutes}: expected a number in (0, {MAX_MINUTES}]")
    if not 0 <= arguments.seed < 2**31:
        raise ValueError(f"seed = {arguments.seed}: expected 0..2147483647")
    check_writable(arguments.out)
    search = (arguments.minutes, arguments.seed, arguments.mutant)
    result = falsify(claim, *search, quiet=False, deep=arguments.deep)
    if result.tried == 0:
        raise ValueError(f"minutes = {arguments.minutes}: expected more: there was no start")
    say(*example(claim, result, arguments.mutant).split("\n"))
    settings = (arguments.mutant, arguments.seed, arguments.minutes)
    file = str(Path(name).resolve()) if name != claim.name else None
    folder = arguments.out / "deep" if arguments.deep else arguments.out
    say(f"stored: {store(claim, result, *settings, folder, file)}")
    if result.decision is None:
        why = f"expected one that says something: {result.silent}" if result.silent else "none near"
        raise ValueError(f"{claim.name}: {result.tried} starts, no point was certified: {why}")
    expected = arguments.mutant is not None or claim.expected == "refuted"
    return 0 if result.refuted == expected else 1


def _replay(path: Path, claim: str | None) -> int:
    """0 where the stored point gives again what is stored."""
    outcome, same = replay(path, claim)
    say(*json.dumps(outcome, indent=1).split("\n"), "as stored" if same else "not as stored")
    return 0 if same else 1
