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
def code_version(*modules: str, data: bool = True) -> str:
    """Digest of what the modules say, and all of ours that they import; of ``data`` too.

    Comments and docstrings say nothing. A module from a file of a user's own counts too. Versions
    of the libraries do: rounding may change with them.
    """
    sources: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = source(name) or _of_a_file(name, modules)
        if path is not None and name not in sources:
            sources[name], imported = read(path)
            waiting += imported
    files = _data() if data else []
    texts = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in files}
    return digest([sources, texts, {name: version(name) for name in LIBRARIES}])


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


def _is_remark(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


@cache
def read(path: Path) -> tuple[str, list[str]]:
    """Digest of what a file says, and what it imports.

    Of ``from package import name`` both, since name may be a module.
    """
    imported, tree = [], ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _is_remark(line)]
    return digest(ast.dump(tree)), imported
