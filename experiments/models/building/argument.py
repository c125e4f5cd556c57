"""What a user calls a model: a name, a packaged model, or the path of a .json file."""

from difflib import get_close_matches
from pathlib import Path

import grpo_checks.experiments as package
from grpo_checks.experiments.models.instances import InstanceSpec, named
from grpo_checks.experiments.models.instances import from_argument as from_file
from grpo_checks.theory.instances.catalogue import INSTANCES
from grpo_checks.theory.numbers.rationals import abridged

EXAMPLES = Path(package.__file__).parent / "examples"
COMPONENTS = 3
"""Reward components of a named instance, unless it is asked for with another number."""


def packaged() -> dict[str, Path]:
    """The files of models that are installed with the project, by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.json"))}


def from_argument(text: str) -> InstanceSpec:
    """The model, checked here and now.

    Raises ValueError for an unknown name, with the nearest known one, or for a file that is none.
    """
    if text.endswith(".json"):
        return from_file(text)
    if text in INSTANCES:
        return named(text, components=COMPONENTS)
    if text in (files := packaged()):
        return from_file(str(files[text]))
    known = (*INSTANCES, *files)
    near = get_close_matches(text, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise ValueError(f"instance = {abridged(text)}: {meant}expected one of {known} or a .json file")
