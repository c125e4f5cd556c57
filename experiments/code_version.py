"""Which code a stored row was computed by."""

import ast
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from experiments.files import digest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("theory", "experiments")
"""Ours; a row may depend on any of their modules that its claim imports."""
LIBRARIES = ("jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "pandas", "python-flint")


@cache
def code_version(*modules: str) -> str:
    """Digest of the modules' source, of all of ours that they import, and of the stored data.

    A module from a file of a user's own counts too. Versions of the libraries do: rounding may
    change with them.
    """
    sources: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = source(name) or _of_a_file(name, modules)
        if path is not None and name not in sources:
            sources[name] = path.read_text(encoding="utf-8")
            waiting += imports(path)
    data = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in _data()}
    return digest([sources, data, {name: version(name) for name in LIBRARIES}])


def source(module: str) -> Path | None:
    """Where one of our modules lies; None for names that are no module of ours."""
    first, *rest = module.split(".")
    if first not in PACKAGES:
        return None
    base = ROOT.joinpath(first, *rest)
    found = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return found if found.is_file() else None


def _of_a_file(module: str, asked: Sequence[str]) -> Path | None:
    """Where a module lies that was loaded from a file and is no part of a package."""
    file = getattr(sys.modules.get(module), "__file__", None) if module in asked else None
    return Path(file) if file is not None else None


def _data() -> list[Path]:
    return sorted((ROOT / "experiments" / "data").rglob("*.json"))


@cache
def imports(path: Path) -> list[str]:
    """What a file imports; of ``from package import name`` both, since name may be a module."""
    found = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found
