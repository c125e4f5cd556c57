"""A page from one Markdown template: its parts, and the places in them to fill."""

import re
from collections import Counter
from collections.abc import Mapping
from string import Formatter

PART = re.compile(r"(?m)^<!-- (.+) -->\n")
"""The line that a part begins with: its name, as a comment of Markdown."""


def parts(template: str) -> dict[str, str]:
    """The texts of the parts by their names, in their order.

    Raises ValueError for a text that is in no part, and for a name that is not the only one.
    """
    before, *rest = PART.split(template)
    names = rest[::2]
    if before:
        raise ValueError(f"template: {before[:40]!r}: before the first part")
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise ValueError(f"template: {', '.join(twice)}: more than one part of that name")
    return dict(zip(names, rest[1::2], strict=True))


def filled(name: str, text: str, facts: Mapping[str, object]) -> str:
    """The text of the part ``name`` with a fact at each place ``{field}``, as in ``str.format``.

    Raises ValueError, naming them, for places without a fact and for facts without a place.
    """
    fields = {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    for these, fault in (
        (fields - facts.keys(), "a place without a fact"),
        (facts.keys() - fields, "a fact without a place"),
    ):
        if these:
            raise ValueError(f"{name}: {', '.join(sorted(these))}: {fault}")
    return text.format(**facts)
