"""Files that somebody else wrote: regular ones of bounded size, and JSON without surprises."""

import json
import os
import stat
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import Any

from grpo_checks.theory.numbers.rationals import MAX_TEXT, abridged

MAX_BYTES = 16 * 2**20
MAX_LEVELS = 32


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """The text of a regular file, or of one that a link leads to, of up to ``most`` bytes.

    Raises ValueError that names it: a pipe would be waited for, a device may have no end.
    """
    try:
        return _decoded(path, most)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file: expected UTF-8") from None


def _decoded(path: Path, most: int) -> str:
    # A pipe that nobody writes to would not even be opened.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError(f"{path}: not a regular file: expected one, not a pipe or a device")
        content = file.read(most + 1)
        if len(content) > most:
            size = max(facts.st_size, len(content))
            raise ValueError(f"{path}: {size} bytes: expected at most {most}")
    return content.decode()


def read_json(path: Path, most: int = MAX_BYTES) -> Any:
    """What the file says, see ``parse_json``. Raises ValueError that names the file."""
    text = read_text(path, most)
    try:
        return parse_json(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_json(text: str) -> Any:
    """JSON with each key once, up to 32 levels deep. Raises ValueError.

    NaN and infinities, numbers that float64 cannot hold and those of more than 100 characters stay
    texts: who reads the field refuses it by its name.
    """
    try:
        content = json.loads(
            text, object_pairs_hook=_no_repeats, parse_constant=_constant,
            parse_float=_float, parse_int=_int,
        )  # fmt: skip
    except RecursionError:
        raise ValueError(f"nested too deeply: expected at most {MAX_LEVELS} levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None
    _check_levels(content)
    return content


def _check_levels(content: Any) -> None:
    level = [content]
    for _ in range(MAX_LEVELS):
        inner = (v.values() if isinstance(v, dict) else v for v in level if _is_nested(v))
        level = [x for v in inner for x in v]
    if any(map(_is_nested, level)):
        raise ValueError(f"nested too deeply: expected at most {MAX_LEVELS} levels")


def _is_nested(content: Any) -> bool:
    return isinstance(content, dict | list)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        ((key, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {abridged(key)} occurs twice: expected once")
    return content


def _constant(name: str) -> str:
    """Python's reader takes NaN, Infinity and -Infinity for numbers."""
    return f"{name}, no number of JSON"


def _int(text: str) -> int | str:
    return int(text) if len(text) <= MAX_TEXT else text


def _float(text: str) -> float | str:
    if len(text) > MAX_TEXT:
        return text
    number, mantissa = float(text), text.lower().partition("e")[0]
    vanished = number == 0 and mantissa.strip("-0.") != ""
    return text if vanished or not isfinite(number) else number


def check_keys(
    where: str, entry: Any, required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    """Raises ValueError unless an entry of a file has all it needs, and nothing unknown."""
    if not isinstance(entry, dict):
        raise ValueError(f"{where} = {abridged(entry)}: expected an object with named fields")
    for key in entry:
        if key not in required + optional:
            expected = f"one of {required + optional}"
            raise ValueError(f"{where}: unknown key {abridged(key)}: expected {expected}")
    for key in required:
        if key not in entry:
            raise ValueError(f"{where}: key {key!r} is missing")
