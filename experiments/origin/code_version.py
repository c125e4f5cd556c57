"""Which code a stored row was computed by."""

import ast
import hashlib
import os
import platform
import secrets
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import resolve_name
from pathlib import Path
from threading import Lock

from grpo_checks.experiments.origin.sources import Source, is_library, is_ours, snapshot
from grpo_checks.experiments.storage.files import digest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "pandas", "python-flint")
"""Numbers may change with their versions."""
INDIFFERENT = ("jaxtyping", "tqdm", "flint")
"""Others that ours import: no number comes from them; flint is python-flint."""
VERSIONS = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
"""As imported: an update while a command runs has not computed its numbers."""
UNKNOWN = secrets.token_hex(8)
"""What a module says that no file tells of, as in a notebook: new in every process."""


def _read_data() -> dict[str, str]:
    files = sorted((ROOT / "experiments" / "data").rglob("*.json"))
    return {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in files}


PARSING = Lock()
"""CPython 3.11 counts the depths of trees of all threads together, and raises SystemError."""
DATA = _read_data()
"""Our files of data, as they were when this was imported."""


@cache
def code_version(*modules: str, data: bool = True) -> str:
    """Digest of what modules of ours say; see ``version_of``."""
    return version_of(modules, snapshot(), data)


def version_of(modules: Iterable[str], sources: Mapping[str, Source], data: bool = True) -> str:
    """Digest of what the modules say, and all that they import, wherever it lies; of ``data`` too.

    Comments and docstrings say nothing. Of libraries their versions count.
    """
    roots, known = set(modules), dict(sources)
    texts: dict[str, str] = {}
    versions = dict(VERSIONS)
    waiting, seen = sorted(roots), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        source = known.get(name) or _not_yet_imported(name, known)
        if source is not None:
            known[name] = source
            texts[name], imported = read(name, source)
            waiting += imported
        elif (top := name.partition(".")[0]) not in known and _is_installed(top):
            versions.setdefault(top, _version(top))
        elif name in roots and name in sys.modules and top not in sys.stdlib_module_names:
            texts[name] = UNKNOWN
    return digest([texts, DATA if data else {}, versions])


def _not_yet_imported(name: str, known: Mapping[str, Source]) -> Source | None:
    """What would be imported inside a function, if it is a module and of no library."""
    parent = name.rpartition(".")[0]
    if name in sys.modules or (parent and not _is_package(known.get(parent))):
        return None
    folder = [os.path.dirname(known[parent].file)] if parent else None
    spec = PathFinder.find_spec(name, folder)
    file = spec.origin if spec is not None else None
    if file is None or not os.path.isfile(file) or (is_library(file) and not is_ours(name)):
        return None
    return Source(file, Path(file).read_bytes())


def _is_package(source: Source | None) -> bool:
    return source is not None and os.path.basename(source.file).startswith("__init__.")


def _is_installed(top: str) -> bool:
    """Whether a name is that of a library, other than those that are counted anyway."""
    if top in sys.stdlib_module_names or top in (*LIBRARIES, *INDIFFERENT):
        return False
    spec = PathFinder.find_spec(top)
    return spec is not None and spec.origin is not None and is_library(spec.origin)


def _version(top: str) -> str:
    try:
        return version(top)
    except PackageNotFoundError:
        return ", ".join(f"{d} {version(d)}" for d in packages_distributions().get(top, ()))


def _is_remark(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


@cache
def read(name: str, source: Source) -> tuple[str, list[str]]:
    """Digest of what a module says, and what it imports, with the packages around it.

    Of ``from package import name`` both, since name may be a module.
    """
    around = [name[:i] for i, letter in enumerate(name) if letter == "."]
    if not source.file.endswith(".py"):
        return hashlib.sha256(source.text).hexdigest(), around
    with PARSING:
        imported, tree = around, ast.parse(source.text)
    package = name if _is_package(source) else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            imported += [base, *(f"{base}.{alias.name}" for alias in node.names)] if base else []
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [line for line in node.body if not _is_remark(line)]
    return digest(ast.dump(tree)), imported


def _absolute(node: ast.ImportFrom, package: str) -> str | None:
    """The module that is imported from; None for one beyond the package."""
    try:
        return resolve_name("." * node.level + (node.module or ""), package or None)
    except ImportError:
        return None
