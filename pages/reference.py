"""Reference of the API: a page per room, filled from docstrings when the site is built."""

import ast
from pathlib import Path

from grpo_checks.experiments.runs.stored import ROOT

ROOMS = ("theory", "experiments", "figures")


def reference() -> dict[str, str]:
    """The pages by their names: an index, and one per room of the three packages."""
    pages = {f"{top}.{room.name}": _page(top, room) for top in ROOMS for room in _rooms(top)}
    lines = [
        f"- [{name}]({name}.md): {_purpose(ROOT / name.replace('.', '/'))}"
        for name in sorted(pages)
    ]
    text = "# Reference\n\nFrom the docstrings, room by room.\n\n" + "\n".join(lines) + "\n"
    return {"index": text, **pages}


def _rooms(top: str) -> list[Path]:
    return sorted(path.parent for path in (ROOT / top).glob("*/__init__.py"))


def _purpose(room: Path) -> str:
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").splitlines()[0]


def _page(top: str, room: Path) -> str:
    files = sorted(path for path in room.rglob("*.py") if not path.name.startswith("__"))
    modules = [path.relative_to(ROOT).with_suffix("").parts for path in files]
    blocks = [f"::: grpo_checks.{'.'.join(parts)}\n" for parts in modules]
    return f"# {top}.{room.name}\n\n{_purpose(room)}\n\n" + "\n".join(blocks)
