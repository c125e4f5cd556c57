"""What a user calls: the folder of a checkout, or the package of an installation."""

import sys


def program() -> str:
    """As in the command that runs now."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    name = spec.name if spec is not None else ""
    ours = name.endswith("experiments.__main__")
    return f"python -m {name.removesuffix('.__main__') if ours else 'experiments'}"
