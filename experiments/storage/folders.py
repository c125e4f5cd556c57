"""Names of output folders: readable, and another one for whatever else is asked."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

LONGEST = 120
"""Of a name; systems allow 255 bytes."""


def label(part: str) -> str:
    """Of one thing that was asked for: a name, or a file, each file with a label of its own.

    A file in the working directory keeps its name, so that scripts know where to look.
    """
    request, shown = part, part
    if part.endswith((".py", ".json")):
        path, here = Path(part).resolve(), Path.cwd().resolve()
        request = str(path.relative_to(here) if path.is_relative_to(here) else path)
        shown = path.name
    clean = re.sub(r"[^\w.]+", "-", shown, flags=re.ASCII)[:LONGEST]
    # A space may become a dash where no dash could be meant.
    if clean == request.replace(" ", "-") and "-" not in request:
        return clean
    return f"{clean}-{_mark(request)}"


def labels(parts: Iterable[str]) -> str:
    """Of several, in their order."""
    joined = "+".join(map(label, parts))
    return joined if len(joined) <= LONGEST else f"{joined[:LONGEST]}-{_mark(joined)}"


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
