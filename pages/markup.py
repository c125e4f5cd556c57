"""Pieces of pages: texts escaped, badges, formulas, tables, docstrings as prose."""

import html
import json
import re
from typing import Any

STAR = re.compile(r"(?<=[A-Za-z)])\*(?=[\s\-_,.;)(/|]|$)")
"""The star of an optimum, as in J*, which is no emphasis."""
OPENING = re.compile(r"(?<![\w*])\*(?=\w)")
FIGURES = re.compile(r"\]\((?:[\w.]+/)*figures/")
CODE = re.compile(r"``?([^`]+)``?")
BOLD = re.compile(r"\*\*([^*]+)\*\*")


def badge(verdict: str) -> str:
    """A verdict in its colour; the word itself says it too."""
    return f'<span class="badge {verdict.replace(" ", "-")}">{html.escape(verdict)}</span>'


def formula(tex: str) -> str:
    """A display formula, which the build turns into MathML."""
    return f'<div class="formula">\\[{html.escape(tex, quote=False)}\\]</div>\n'


def data_script(kind: str, data: Any) -> str:
    """JSON for a script of the page to read: no text in it ends the element or a Markdown block."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f'<script type="application/json" class="{kind}">{text}</script>\n'


def inline(text: str) -> str:
    """A text as HTML in which `code` is set as such."""
    return CODE.sub(r"<code>\1</code>", html.escape(text, quote=False))


def prose(docstring: str) -> str:
    """A docstring as HTML: paragraphs; what is indented stays as it is written."""
    blocks = re.split(r"\n\s*\n", docstring.strip())
    return "\n".join(map(_block, blocks))


def _block(block: str) -> str:
    lines = block.split("\n")
    if all(line.startswith("    ") for line in lines):
        return f"<pre>{html.escape(block)}</pre>"
    text = inline(" ".join(map(str.strip, lines)))
    return "<p>" + BOLD.sub(r"<strong>\1</strong>", text) + "</p>"


def starred(markdown: str) -> str:
    """Markdown of the ledger, its optima J* kept from becoming emphasis.

    A star that closes *emphasis* has one that opens it before it on the line or the line above.
    """
    return "\n\n".join(map(_starred, markdown.split("\n\n")))


def _starred(paragraph: str) -> str:
    text, place, open_at = [], 0, False
    for match in re.finditer(r"\*\*|\*|`[^`]*`", paragraph):
        text.append(paragraph[place : match.start()])
        token, place = match[0], match.end()
        if token == "*":
            if OPENING.match(paragraph, match.start()) and not open_at:
                open_at = True
            elif STAR.match(paragraph, match.start()) and open_at:
                open_at = False
            else:
                token = r"\*"
        text.append(token)
    return "".join(text) + paragraph[place:]


def rooted(markdown: str, up: str = "") -> str:
    """Links to figures of any folder of results lead to the site's; ``up`` to its root."""
    return FIGURES.sub(f"]({up}figures/", markdown)


def folded(summary: str, body: str) -> str:
    """A part that is shown when it is asked for."""
    return f"<details><summary>{html.escape(summary)}</summary>\n\n{body}\n\n</details>\n"


def cells_of(*cells: str) -> str:
    """One line of an HTML table, of cells that are HTML."""
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def html_table(headings: list[str], lines: list[list[str]]) -> str:
    """A table that scrolls in its own frame on a narrow screen; cells are HTML."""
    titles = "".join(f'<th scope="col">{title}</th>' for title in headings)
    body = "\n".join(cells_of(*line) for line in lines)
    return (
        f'<div class="frame" tabindex="0"><table><thead><tr>{titles}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>\n"
    )
