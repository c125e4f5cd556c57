"""Deciding rational points by `enclose`: all stored cases, and one formula beside the same by hand.

A case is decided first with nothing traced, then again; cases whose decision never enters `enclose`
are those of the certificates' rooms (chains of runs, roots, listings), and are counted alone.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from flint import arb, fmpq
from timing import beside

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.protocol.certificates import load_cases, path_of
from grpo_checks.experiments.protocol.points import Case, Exact
from grpo_checks.theory.arithmetic.enclose import Enclosed, enclose
from grpo_checks.theory.estimators.advantages import Estimator, group_advantages
from grpo_checks.theory.rational.choices.choice import Kind
from grpo_checks.theory.rational.choices.update import group_advantages as by_hand

STD = Estimator("group_normalized")
REWARDS = [fmpq(i % 3, 2) for i in range(8)]
WARM = 3


class Decided(NamedTuple):
    """Seconds of processor time of one case."""

    name: str
    enclosed: bool
    first: float
    warm: float


def _seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _decided(claim: str, exact: Exact, case: Case) -> Decided:
    def decide() -> None:
        exact.decide(case.document, case.mutant)

    with patch.object(Enclosed, "at", autospec=True, side_effect=Enclosed.at) as entered:
        first = _seconds(decide)
    warm = statistics.median(_seconds(decide) for _ in range(WARM))
    return Decided(f"{claim}, {case.name}", entered.called, first, warm)


def _cases() -> Iterator[Decided]:
    for claim in CLAIMS:
        if claim.exact is not None and path_of(claim.name).is_file():
            for case in load_cases(path_of(claim.name)):
                yield _decided(claim.name, claim.exact, case)


def _line(decided: list[Decided], kind: str) -> dict[str, Any]:
    slowest = max(decided, key=lambda case: case.warm)
    worst = max(decided, key=lambda case: case.first)
    first, warm = (statistics.median(x) for x in zip(*(case[2:] for case in decided), strict=True))
    return {
        "benchmark": f"a stored case decided again, {kind}, median of {len(decided)}",
        "ours_seconds": warm,
        "peer": "the first time, median",
        "peer_seconds": first,
        "ratio": first / warm,
        "note": f"slowest {slowest.warm:.3g} s ({slowest.name}); first time {worst.first:.3g} s"
        f" ({worst.name})",
    }


def _by_hand() -> dict[str, Any]:
    """Eight advantages, by JAX's formula enclosed and by the listing's own."""
    kinds = [Kind(fmpq(1, 8), (reward,), ()) for reward in REWARDS]
    rewards, program = np.array(REWARDS, object), enclose(partial(group_advantages, estimator=STD))
    calls = {
        "enclosed": lambda: program(rewards),
        "by hand": lambda: list(by_hand(kinds, [1] * 8, [fmpq(1)], STD)),
    }
    for ours, expected in zip(*(call() for call in calls.values()), strict=True):
        assert arb(ours).overlaps(arb(expected))
    times = beside(calls)
    return {
        "benchmark": "std-normalised advantages of a group of 8, by `enclose`",
        "ours_seconds": times["enclosed"],
        "peer": "written by hand in fractions and balls",
        "peer_seconds": times["by hand"],
        "ratio": times["by hand"] / times["enclosed"],
    }


def rows() -> list[dict[str, Any]]:
    """Of cases that enter `enclose`, of the others, and of one formula."""
    decided = list(_cases())
    kinds = {"by `enclose`": True, "in the certificates' rooms": False}
    lines = [
        _line([case for case in decided if case.enclosed is enclosed], kind)
        for kind, enclosed in kinds.items()
    ]
    return [*lines, _by_hand()]
