"""What a user calls: the installed command, the folder of a checkout, or the package."""

import sys
from pathlib import Path

COMMAND = "grpo-checks"


def program() -> str:
    """As in the command that runs now."""
    return COMMAND if _is_installed_command() else f"python -m {_package('experiments')}"


def drawing() -> str:
    """What draws a folder of results, likewise."""
    if _is_installed_command():
        return f"{COMMAND} figures"
    return f"python -m {_package('experiments').replace('experiments', 'figures')}"


def _is_installed_command() -> bool:
    """Its script is no module, and has this name; `python -m grpo_checks` is the same command."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None:
        return bool(spec.name == "grpo_checks.__main__")
    return Path(sys.argv[0]).stem == COMMAND


def _package(room: str) -> str:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.name if spec is not None else ""
    return name.removesuffix(".__main__") if name.endswith(f"{room}.__main__") else room
