"""What files of this project say: read once by a worker, and not kept as syntax, which is large."""

import ast
from functools import cache
from typing import NamedTuple


class Syntax(NamedTuple):
    """Of one file."""

    modules: frozenset[str]
    """All that it imports, absolutely."""
    called: frozenset[str]
    """Functions that it calls by a plain name."""
    named: frozenset[str]
    """What it gives a name itself."""


@cache
def syntax(path):
    """What a file says."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = (n.func for n in nodes if isinstance(n, ast.Call))
    return Syntax(
        frozenset(_modules(nodes)),
        frozenset(f.id for f in calls if isinstance(f, ast.Name)),
        frozenset(_named(nodes)),
    )


def modules(path):
    """All modules that a file imports, absolutely."""
    return syntax(path).modules


def _modules(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _named(nodes):
    for node in nodes:
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.arg(arg=name)
                | ast.FunctionDef(name=name)
            ):
                yield name
