"""What functions carry besides their source: arguments of a partial, closures, defaults."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def captured(value: Any, modules: set[str], above: tuple[int, ...] = ()) -> Any:
    """As JSON, equal for equal values; the modules that functions in it are from go to ``modules``.

    ``above``: what it is contained in; a function may contain itself.
    """
    if id(value) in above:
        return "above"
    inner = partial(captured, modules=modules, above=(*above, id(value)))
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        array = np.asarray(value)
        return [str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
    if isinstance(value, ModuleType):
        modules.add(value.__name__)
        return value.__name__
    if isinstance(value, Mapping):
        return [[inner(key), inner(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [inner(item) for item in value]
    if isinstance(value, partial):
        return [inner(value.func), inner(value.args), inner(value.keywords)]
    if isinstance(value, MethodType):
        return [inner(value.__func__), inner(value.__self__)]
    if isinstance(value, FunctionType):
        return _function(value, modules, inner)
    return _other(value, modules, inner)


def _function(value: FunctionType, modules: set[str], inner: partial[Any]) -> Any:
    modules.add(value.__module__)
    cells = []
    for cell in value.__closure__ or ():
        try:
            cells.append(inner(cell.cell_contents))
        except ValueError:  # not yet assigned
            cells.append("empty")
    defaults = [inner(value.__defaults__), inner(value.__kwdefaults__)]
    return [value.__module__, value.__qualname__, *defaults, cells]


def _other(value: Any, modules: set[str], inner: partial[Any]) -> Any:
    """An object of some class; what ``jit`` and the like wrap is a function again."""
    kind = value if isinstance(value, type) else type(value)
    modules.add(kind.__module__)
    wrapped = getattr(value, "__wrapped__", None)
    if wrapped is not None:
        return inner(wrapped)
    parts: list[Any] = [kind.__module__, kind.__qualname__]
    if is_dataclass(value) and not isinstance(value, type):
        return [*parts, [inner(getattr(value, f.name)) for f in fields(value)]]
    if hasattr(value, "__dict__") and not isinstance(value, type):
        parts.append(inner(vars(value)))
    return [*parts, ADDRESS.sub("", repr(value))]
