"""Printing what somebody else may have written: a line stays a line, and nothing moves the cursor.

Paths, names, notes and messages may hold line breaks, escape sequences, and characters that turn
the direction of text. They are shown as ``\\n``, ``\\x1b``, ``\\u202e``.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from grpo_checks.experiments.storage.colours import coloured

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 2000
"""Characters of a message."""


def escaped(text: str) -> str:
    """With every character that does not print, a space apart, as Python would write it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escaped_texts(row: Mapping[Any, Any]) -> dict[Any, Any]:
    """A line of a table, its texts and the names of its columns escaped."""
    return {
        escaped(key) if isinstance(key, str) else key: escaped(x) if isinstance(x, str) else x
        for key, x in row.items()
    }


def table_lines(
    table: "pd.DataFrame", numbers: str | None = None, missing: str | None = None
) -> list[str]:
    """The table as it is printed, a line of it each.

    ``numbers``: how floats are formatted, as ".4g"; ``missing``: what stands where there is none.
    """
    import pandas as pd  # Here: --help needs none of it, and it takes half a second.

    if missing is not None:
        table = table.astype(object).where(table.notna(), missing)
    rows = [escaped_texts(row) for row in table.to_dict("records")]
    shown = pd.DataFrame(rows, columns=list(map(escaped, table.columns)))
    style = None if numbers is None else f"{{:{numbers}}}".format
    return shown.to_string(index=False, float_format=style).split("\n")


def say(*lines: str, paint: Callable[[str], str] = str) -> None:
    """Print each as one line. Nobody need listen: a command whose reader left goes on.

    ``paint`` adds colours (``storage.colours``) to what is safe to print.
    """
    _write(sys.stdout, "\n".join(paint(escaped(line)) for line in lines))


def complain(message: object) -> None:
    """One line on the standard error."""
    line = escaped(str(message))
    kind, colon, rest = line.partition(":")
    kind = coloured(kind, "bold red", sys.stderr) if kind == "error" else kind
    _write(sys.stderr, kind + colon + (rest if len(line) <= LONGEST else f"{rest[:LONGEST]}..."))


def _write(stream: TextIO | None, text: str, end: str = "\n") -> None:
    try:
        print(text, end=end, file=stream, flush=stream is not None)
    except BrokenPipeError:
        _silence(stream)
    except OSError:
        _silence(stream)
        raise


def _silence(stream: TextIO | None) -> None:
    """What is left in the stream goes nowhere; else Python would complain of it at the end."""
    if stream is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


@contextmanager
def printing() -> Iterator[None]:
    """What a terminal that is not UTF-8 lacks is shown by number; all is written out at the end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        with suppress(OSError):
            _write(sys.stdout, "", end="")
