"""Runs with an unbiased update, each once: those of T1.rate, and of kinds that it has none of."""

from dataclasses import replace
from itertools import product

from grpo_checks.experiments.claims.stationarity import rate as t1_rate
from grpo_checks.experiments.claims.stationarity import surrogate as t1_surrogate
from grpo_checks.experiments.models.copies import copies
from grpo_checks.experiments.models.instances import named
from grpo_checks.experiments.models.settings import RunSettings
from grpo_checks.experiments.protocol.claim import Scope

SEEDS = t1_rate.MIN_SEEDS
CONFLICT = RunSettings(named("conflict", components=1), 8, 1000, SEEDS, prompts=1)
LINEAR = named("random", components=2, features=3)
OTHERS = {
    "quick": [CONFLICT],
    "paper": [
        CONFLICT,
        RunSettings(named("coding", components=2), 8, 1000, SEEDS, prompts=1),
        *(
            RunSettings(LINEAR, size, length, SEEDS, prompts=prompts)
            for size, length, prompts in product((2, 8), (1000, 10_000), (None, 1))
        ),
    ],
}
"""Drawn prompts; log-linear policies with three parameters and up to three decisions."""


def unbiased_runs(scope: Scope) -> list[RunSettings]:
    """At the step of T1.rate; none for a mutant, which stored points decide."""
    if scope.mutant is not None:
        return []
    runs = t1_rate.runs(scope)
    if scope.instance is None:
        runs += [replace(r, seeds=max(r.seeds, scope.seeds)) for r in OTHERS[scope.profile]]
    copied = copies(runs)
    return [run for run in runs if run not in copied]


def of_potential(scope: Scope) -> list[RunSettings]:
    """Those of T1.surrogate, whose update is unbiased for Jtilde."""
    return [] if scope.mutant is not None else t1_surrogate.rate_runs(scope)
