"""Naming an instance in settings, and building it once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

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


@lru_cache(maxsize=64)
def build(spec: InstanceSpec) -> Instance:
    """The instance that a spec names."""
    if spec.loaded is not None:
        return spec.loaded
    make: Callable[..., Instance] = INSTANCES[spec.name]
    return make(**dict(spec.options))
