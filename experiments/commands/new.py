"""new: the file of a theorem of one's own, to be edited."""

import argparse
from pathlib import Path

import grpo_checks.experiments as package
from grpo_checks.experiments.commands.program import program
from grpo_checks.experiments.storage.terminal import say

TEMPLATE = Path(package.__file__).parent / "examples" / "theorem.py.template"


def run(arguments: argparse.Namespace) -> int:
    """Write it. Raises ValueError for a name that is none, or a file that is there already."""
    name: str = arguments.name
    if not name.isidentifier():
        raise ValueError(f"NAME = {name!r}: expected letters, digits and underscores")
    path = Path(f"{name}.py")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(written(name))
    except FileExistsError:
        raise ValueError(f"{path}: is there already: expected a new name") from None
    say(f"{path}: {program()} verify --claim {path}")
    return 0


def written(name: str) -> str:
    """The template as a claim of this name."""
    return TEMPLATE.read_text(encoding="utf-8").replace('"halving"', f'"{name}"')
