"""Colours where a terminal shows them: not in a file or a pipe, and not against NO_COLOR."""

import os
import sys
from typing import Literal, TextIO

Colour = Literal["red", "green", "yellow", "magenta", "bold red"]
CODES: dict[Colour, str] = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "magenta": "35",
    "bold red": "1;31",
}


def has_colours(stream: TextIO | None = None) -> bool:
    """Whether ``stream``, by default the standard output, is a terminal that shows them.

    NO_COLOR, if it is not empty, says no (no-color.org); so does TERM=dumb.
    """
    target = sys.stdout if stream is None else stream
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and target is not None and target.isatty()


def coloured(text: str, colour: Colour, stream: TextIO | None = None) -> str:
    """The text in this colour, for a stream (the standard output) that has it; else the text."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if has_colours(stream) else text
