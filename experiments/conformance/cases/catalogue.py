"""Every rule that a trainer is asked for, by trainer."""

from collections.abc import Mapping
from types import MappingProxyType

from grpo_checks.experiments.conformance.cases import openrlhf, torchrl, trl, tunix, verl
from grpo_checks.experiments.conformance.cases.case import Case, preset_case, with_faults

TRAINERS: Mapping[str, tuple[Case, ...]] = MappingProxyType(
    {
        "example": (preset_case("trl"),),
        "trl": trl.CASES,
        "tunix": tunix.CASES,
        "torchrl": torchrl.CASES,
        "verl": verl.CASES,
        "openrlhf": openrlhf.CASES,
    }
)
"""By the name of the adapter."""
MUTANTS: Mapping[str, tuple[Case, ...]] = MappingProxyType(
    {
        "trl": trl.MUTANTS,
        **{n: with_faults(TRAINERS[n][0]) for n in ("tunix", "torchrl", "verl", "openrlhf")},
    }
)
"""A rule without fault, then the same with faults that an adapter plants."""


SAMPLERS: Mapping[str, tuple[Case, ...]] = MappingProxyType({"trl": trl.SAMPLERS})
"""Of trainers that can sample by themselves: a rule, then faults of a sampler."""


def cases_of(trainer: str, rule: str | None) -> list[Case]:
    """Those of a trainer, or the one that is named; of a file the preset that is named.

    Raises ValueError for an unknown name, and for a file without one.
    """
    if trainer not in TRAINERS:
        if rule is None:
            raise ValueError("rule = None: expected a preset, the rule that the file is to have")
        return [preset_case(rule)]
    cases = [case for case in TRAINERS[trainer] if rule in (None, case.name)]
    if not cases:
        names = tuple(case.name for case in TRAINERS[trainer])
        raise ValueError(f"rule = {rule!r}: expected one of {names}")
    return cases
