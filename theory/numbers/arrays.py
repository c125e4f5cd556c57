"""Arrays from what a user wrote: nested lists of numbers and of texts such as "1/3"."""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.numbers.rationals import WRITTEN, abridged, from_text
from grpo_checks.theory.numbers.validation import MAX_ENTRIES, check_entries, fail

SMALLEST = np.finfo(float).tiny
"""Of numbers but 0: below, they have fewer digits, and compiled programs take them for 0."""
KINDS = {float: "fiu", int: "i", bool: "b"}
ENTRY = {float: WRITTEN, int: "a whole number below 2^63", bool: "true or false"}


def to_array(field: str, value: Any, ndim: int, dtype: type = float) -> NDArray[Any]:
    """Convert nested lists of numbers and "a/b" strings to an array with ``ndim`` axes.

    ``dtype`` is float, int or bool; integers and booleans are not converted silently.
    """
    raw = np.asarray(_as_object(field, value))
    if raw.size > MAX_ENTRIES:
        gib = 8 * raw.size / 2**30
        fail(field, None, f"{raw.size} entries ({gib:.3g} GiB)", f"at most {MAX_ENTRIES}")
    if raw.ndim != ndim:
        given = f"array of shape {raw.shape}" if raw.ndim else abridged(value)
        fail(field, None, given, f"{ndim} axes")
    if raw.size and raw.dtype.kind not in KINDS[dtype]:
        # Not what NumPy made of them: among texts it makes texts of numbers.
        raw = _convert(field, np.array(value, dtype=object), dtype)
    elif dtype is not bool and isinstance(value, list | tuple):
        _check_no_bool(field, np.array(value, dtype=object))
    array: NDArray[Any] = raw.astype(dtype)
    if dtype is float:
        normal = (array == 0) | ~(np.abs(array) < SMALLEST)
        check_entries(field, array, normal, f"0 or at least {SMALLEST:.3g} in size")
    return array


def _check_no_bool(field: str, raw: NDArray[Any]) -> None:
    """NumPy makes numbers of booleans that stand among numbers."""
    for index, value in np.ndenumerate(raw):
        if isinstance(value, bool | np.bool_):
            fail(field, index, value, "a number")


def _as_object(field: str, value: Any) -> Any:
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        fail(field, None, "a ragged list", "a rectangular array")


def _convert(field: str, raw: NDArray[Any], dtype: type) -> NDArray[Any]:
    """Entry by entry, so that the error can name the one that is not of the type."""
    out: NDArray[Any] = np.empty(raw.shape, dtype)
    for index, value in np.ndenumerate(raw):
        try:
            out[index] = _entry(value, dtype)
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            fail(field, index, abridged(value), ENTRY[dtype])
    return out


def _entry(value: Any, dtype: type) -> Any:
    """Raises one of four errors for what is not of the type."""
    if isinstance(value, bool | np.bool_) != (dtype is bool):
        raise TypeError
    if dtype is bool:
        return value
    return operator.index(value) if dtype is int else _number(value)


def _number(value: Any) -> float:
    if not isinstance(value, str):
        return float(value)
    exact = from_text(value)
    if exact and not float(exact):
        raise OverflowError
    return float(exact)
