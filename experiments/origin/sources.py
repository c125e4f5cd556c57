"""What the modules said when they were imported: ours, and all that lie outside the libraries.

A file that is edited while a command runs must not be named as the origin of its numbers.
"""

import inspect
import os
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from site import getsitepackages, getusersitepackages
from types import ModuleType
from typing import NamedTuple

PACKAGES = ("grpo_checks",)
"""Ours, wherever they are installed."""
LIBRARIES = tuple(
    os.path.join(place, "")
    for place in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *getsitepackages(),
        getusersitepackages(),
    }
)
"""Folders of what is known by its version."""


class Source(NamedTuple):
    """A file as it was imported."""

    file: str
    text: bytes


class Origin(NamedTuple):
    """Where a claim was made."""

    module: str
    """The one that was being imported."""
    sources: Mapping[str, Source]
    """What it and all others said, by name."""


_read: dict[str, Source] = {}
_seen: set[str] = set()


def is_ours(name: str) -> bool:
    """Whether a module is of these packages."""
    return name.partition(".")[0] in PACKAGES


def is_library(place: str) -> bool:
    """Whether a file or a folder is of the standard library or an installed one."""
    return os.path.join(place, "").startswith(LIBRARIES)


def remember(name: str, file: str) -> bytes:
    """Read what a module says that is imported now."""
    _read[name] = Source(file, Path(file).read_bytes())
    return _read[name].text


def _meet(name: str, file: str | None) -> None:
    """Remember a module, unless it is of a library or no file."""
    _seen.add(name)
    if file is not None and (is_ours(name) or not is_library(file)) and os.path.isfile(file):
        remember(name, file)


class _Observer(MetaPathFinder):
    """Reads what is about to be imported, and leaves importing it to others."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        within = not is_ours(fullname) and path is not None and all(map(is_library, path))
        if not within and fullname.partition(".")[0] not in sys.stdlib_module_names:
            spec = PathFinder.find_spec(fullname, path, target)
            _meet(fullname, spec.origin if spec is not None else None)
        return None


def snapshot() -> dict[str, Source]:
    """All that is known by now; what came on another way than by an import is read now."""
    # Copies: other threads import meanwhile.
    known, modules = _read.copy(), sys.modules.copy()
    files = {name: getattr(module, "__file__", None) for name, module in modules.items()}
    # What was dropped since would be imported anew, as it is then.
    for name in known.keys() - files.keys():
        _read.pop(name, None)
        _seen.discard(name)
    moved = {name for name, source in known.items() if files.get(name, source.file) != source.file}
    for name in (files.keys() - _seen) | moved:
        _meet(name, files[name])
    return _read.copy()


def origin() -> Origin:
    """Of what is being made: the innermost module that is being imported, or the program."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    name = frame.f_globals["__name__"] if frame is not None else "__main__"
    return Origin(name, snapshot())


sys.meta_path.insert(0, _Observer())
snapshot()
