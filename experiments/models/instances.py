"""Naming an instance in settings, and building it once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from grpo_checks.experiments.models.instance_file import parse_text
from grpo_checks.experiments.storage.files import digest
from grpo_checks.experiments.storage.input_file import read_text
from grpo_checks.theory.instances.catalogue import INSTANCES
from grpo_checks.theory.instances.instance import Instance


@dataclass(frozen=True)
class InstanceSpec:
    """A named instance with its options, or a user's file with the digest of its content."""

    name: str
    options: tuple[tuple[str, Any], ...] = ()
    loaded: Instance | None = field(default=None, compare=False, repr=False)
    """What a user's file described when it was read, once."""

    def settings(self) -> dict[str, Any]:
        """What defines the instance, as JSON; where a file lies does not matter."""
        return {"name": self.name, "options": dict(self.options)}

    def is_named(self, name: str) -> bool:
        """Whether this is the named instance, rather than a user's file of that name."""
        return self.loaded is None and self.name == name


def named(name: str, **options: Any) -> InstanceSpec:
    """One of the named instances. Raises ValueError for an unknown name."""
    if name not in INSTANCES:
        raise ValueError(f"instance = {name!r}: expected one of {tuple(INSTANCES)} or a .json file")
    return InstanceSpec(name, tuple(sorted(options.items())))


def from_argument(text: str) -> InstanceSpec:
    """What a user wrote: a name, or the path of a .json file, which is checked here and now."""
    path = Path(text)
    if path.suffix != ".json":
        return named(text, components=3)
    # Read once: a file that changes meanwhile is not the one that was parsed.
    content = read_text(path)
    instance = parse_text(path, content)
    return InstanceSpec(instance.name, (("sha256", digest(content)),), instance)


@lru_cache(maxsize=64)
def build(spec: InstanceSpec) -> Instance:
    """The instance that a spec names."""
    if spec.loaded is not None:
        return spec.loaded
    make: Callable[..., Instance] = INSTANCES[spec.name]
    return make(**dict(spec.options))
