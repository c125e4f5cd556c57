"""What functions carry besides their source: arguments of a partial, closures, defaults."""

import hashlib
import re
from functools import partial
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import jax
import numpy as np
from flint import arb

from grpo_checks.experiments.storage.files import canonical
from grpo_checks.theory.numbers.balls import ends

ADDRESS = re.compile(r" at 0x[0-9a-f]+")


class Walk:
    """Through a value and all that it holds; ``modules`` are those that its functions are from."""

    def __init__(self) -> None:
        self.modules: set[str] = set()
        # The values too: what is gone might lend its identity to another one.
        self._met: dict[int, tuple[int, Any]] = {}

    def encoded(self, value: Any) -> Any:
        """As JSON, equal for equal values."""
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            return repr(value)
        if id(value) in self._met:
            return ["again", self._met[id(value)][0]]
        self._met[id(value)] = (len(self._met), value)
        if isinstance(value, np.generic | jax.Array) or type(value) is np.ndarray:
            return self._array(value)
        # Of a subclass by what it is made from, which may be more than its items.
        if type(value) in (dict, MappingProxyType):
            return [[self.encoded(key), self.encoded(item)] for key, item in value.items()]
        if isinstance(value, set | frozenset):
            return sorted(canonical(self._apart(item)) for item in value)
        if type(value) in (list, tuple):
            return [type(value).__name__, *map(self.encoded, value)]
        if isinstance(value, arb):
            return [str(end) for end in ends(value)]
        return self._code(value) if _is_code(value) else self._object(value)

    def _apart(self, item: Any) -> Any:
        """Of a set, whose order is that of hashes: as if it were the first of its items."""
        walk = Walk()
        walk.modules, walk._met = self.modules, dict(self._met)
        return walk.encoded(item)

    def _array(self, value: Any) -> Any:
        if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
            return [str(value.dtype), self.encoded(jax.random.key_data(value))]
        array = np.asarray(value)
        if array.dtype.hasobject:
            return [str(array.dtype), array.shape, self.encoded(array.tolist())]
        return [str(array.dtype), array.shape, hashlib.sha256(array.tobytes()).hexdigest()]

    def _code(self, value: Any) -> Any:
        """What has a source, which counts elsewhere, and what it carries."""
        if isinstance(value, ModuleType):
            self.modules.add(value.__name__)
            return value.__name__
        if isinstance(value, partial):
            return [self.encoded(part) for part in (value.func, value.args, value.keywords)]
        if isinstance(value, MethodType):
            return [self.encoded(value.__func__), self.encoded(value.__self__)]
        # What jit and the like wrap is a function again.
        if not isinstance(value, FunctionType | type):
            return self.encoded(value.__wrapped__)
        self.modules.add(value.__module__)
        name = [value.__module__, value.__qualname__]
        if isinstance(value, type):
            return [*name, self._local(value)] if "<locals>" in name[1] else name
        cells = [self.encoded(_content(cell)) for cell in value.__closure__ or ()]
        defaults = [value.__defaults__, value.__kwdefaults__, vars(value)]
        return [*name, self.encoded(defaults), cells]

    def _local(self, kind: type) -> Any:
        """Of a class that a function made: what its attributes and methods carry."""
        members = {k: x for k, x in vars(kind).items() if callable(x) or not k.startswith("__")}
        return self.encoded([kind.__bases__, members])

    def _object(self, value: Any) -> Any:
        """By what a copy of it would be made from; what cannot be copied by its name."""
        self.modules.add(type(value).__module__)
        try:
            reduced = value.__reduce_ex__(2)
        except Exception:
            return ADDRESS.sub("", repr(value))
        if isinstance(reduced, str):
            return reduced
        return [
            self.encoded(list(part) if i > 2 and part else part) for i, part in enumerate(reduced)
        ]


def _is_code(value: Any) -> bool:
    kinds = ModuleType | partial | MethodType | FunctionType | type
    return isinstance(value, kinds) or hasattr(value, "__wrapped__")


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet assigned
        return None
