"""What MkDocs calls while it builds: formulas become MathML, scripts and a font come along."""

import html
import re
import shutil
from pathlib import Path
from typing import Any

import plotly
import ziamath
from latex2mathml.converter import convert

TEX = re.compile(
    r'<(?P<tag>span|div) class="(?:arithmatex|formula)">'
    r"\\(?P<open>[(\[])(?P<tex>.*?)\\[)\]]</(?P=tag)>",
    re.S,
)
DOUBLE = '<mi mathvariant="double-struck">E</mi>'
"""What browsers draw as a plain E."""
PLOT = '<script src="../assets/cells.js" defer></script>\n'
NO_LINK = re.compile(r'<a href="([^"./#]*)">(.*?)</a>')
"""What Markdown takes for a link: a function of brackets, applied."""


def on_page_content(content: str, page: Any, **_: Any) -> str:
    """Formulas typeset; the plot's scripts where a page has one."""
    text = TEX.sub(lambda match: _mathml(match), content)
    text = NO_LINK.sub(r"[\2](\1)", text)
    return text + PLOT if 'class="plot"' in text else text


def _mathml(match: re.Match[str]) -> str:
    source, block = html.unescape(match["tex"]), match["open"] == "["
    math = convert(source, display="block" if block else "inline")
    math = math.replace(DOUBLE, "<mi>𝔼</mi>")
    math = math.replace("<math ", f'<math alttext="{html.escape(source)}" ', 1)
    return f'<div class="formula">{math}</div>' if block else math


def on_post_build(config: Any, **_: Any) -> None:
    """plotly.js (MIT) and STIX Two Math (SIL OFL) come in; a search and a 404 page go."""
    assets = Path(config["site_dir"]) / "assets"
    shutil.rmtree(assets / "javascripts" / "lunr", ignore_errors=True)
    shutil.rmtree(assets / "javascripts" / "workers", ignore_errors=True)
    for path in (*assets.rglob("*.map"), assets.parent / "404.html"):
        path.unlink()
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", assets)
    font = next((Path(ziamath.__file__).parent / "fonts").glob("STIXTwoMath*.ttf"))
    shutil.copy(font, assets / "STIXTwoMath-Regular.ttf")
