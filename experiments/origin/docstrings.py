"""What modules say of themselves: where claims are checked and proved."""

import sys
from importlib import import_module


def docstring(module: str) -> str:
    """Of a module, imported if need be. Raises ValueError where there is no such module."""
    try:
        return (sys.modules.get(module) or import_module(module)).__doc__ or ""
    except ImportError as error:
        raise ValueError(f"proof = {module!r}: expected a module ({error})") from None
