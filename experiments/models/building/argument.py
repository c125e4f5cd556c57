"""What a user calls a model: a name, a packaged model, or the path of a .json file."""

import sys
from pathlib import Path
from typing import NamedTuple

import grpo_checks.experiments as package
from grpo_checks.experiments.models.building.labels import Labels, numbered
from grpo_checks.experiments.models.building.model import Model
from grpo_checks.experiments.models.building.sparse_file import FORMAT
from grpo_checks.experiments.models.instance_file import parse_instance
from grpo_checks.experiments.models.instances import InstanceSpec, build, named
from grpo_checks.experiments.storage.files import digest
from grpo_checks.experiments.storage.input_file import parse_json, read_json, read_text
from grpo_checks.experiments.storage.text import meant
from grpo_checks.theory.instances.catalogue import INSTANCES
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.numbers.rationals import abridged

EXAMPLES = Path(package.__file__).parent / "examples"
COMPONENTS = 3
"""Reward components of a named instance, unless it is asked for with another number."""


class Chosen(NamedTuple):
    """A model that a user chose."""

    spec: InstanceSpec
    labels: Labels
    description: str


def packaged() -> dict[str, Path]:
    """The files of models that are installed with the project, by name."""
    return {path.stem: path for path in sorted(EXAMPLES.glob("*.json"))}


def from_argument(text: str) -> InstanceSpec:
    """The model, checked here and now; see ``chosen``."""
    return chosen(text).spec


def chosen(text: str) -> Chosen:
    """The model with the names of its axes, checked here and now.

    Raises ValueError for an unknown name, with the nearest known one, or for a file that is none.
    """
    if text.endswith(".json"):
        return _from_file(Path(text))
    if text in INSTANCES:
        spec = named(text, components=COMPONENTS)
        return Chosen(spec, numbered(build(spec).mdp), about(text))
    if text in (files := packaged()):
        return _from_file(files[text])
    known = (*INSTANCES, *files)
    nearest = meant(text, known)
    raise ValueError(
        f"instance = {abridged(text)}: {nearest}expected one of {known} or a .json file"
    )


def about(name: str) -> str:
    """What a named instance is, in the first sentences of its module."""
    words = sys.modules[INSTANCES[name].__module__].__doc__ or ""
    return " ".join(words.partition("\n\n")[0].partition(": ")[2].split())


def described() -> dict[str, str]:
    """Every model that has a name, with what it is."""
    files = {name: str(read_json(path).get("description", "")) for name, path in packaged().items()}
    return {name: about(name) for name in INSTANCES} | files


def _from_file(path: Path) -> Chosen:
    # Read once: a file that changes meanwhile is not the one that was parsed.
    text = read_text(path)
    try:
        content = parse_json(text)
        instance, labels = _parsed(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    spec = InstanceSpec(instance.name, (("sha256", digest(text)),), instance)
    return Chosen(spec, labels, content.get("description", ""))


def _parsed(content: object) -> tuple[Instance, Labels]:
    if isinstance(content, dict) and content.get("format") == FORMAT:
        return Model.parse(content).build()
    instance = parse_instance(content)
    return instance, numbered(instance.mdp)
