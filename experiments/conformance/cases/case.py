"""A rule of the suite beside the options of a trainer that are said to be it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from grpo_checks.theory.rules.presets import preset
from grpo_checks.theory.rules.rule import UpdateRule


class Case(NamedTuple):
    """One line of a trainer's table."""

    name: str
    rule: UpdateRule
    options: Mapping[str, Any] = MappingProxyType({})
    """By the trainer's own names; none: its defaults."""
    responses: bool | None = None
    """True: for models with responses of tools alone; False: for those without."""


def preset_case(name: str, **options: Any) -> Case:
    """A preset under its own name. Raises ValueError for others."""
    return Case(name, preset(name).rule, options)


FAULTS = (
    "biased_sd", "eps_1_percent", "shifted_rewards", "unmasked_responses", "wrong_divisor",
    "mask_off_by_one", "ratio_not_detached", "wrong_group",
)  # fmt: skip


def with_faults(case: Case) -> tuple[Case, ...]:
    """A case, then the same with every fault that an adapter plants."""
    return case, *(Case(fault, case.rule, {**case.options, "fault": fault}) for fault in FAULTS)
