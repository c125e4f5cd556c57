"""The files of the built site: small, whole, and of no other place."""

import re
from urllib.parse import unquote, urldefrag

import pytest
from chromium import SITE

MEGABYTES = 25
FILES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html"))


def _links(name):
    text = (SITE / name).read_text(encoding="utf-8")
    return re.findall(r'(?:href|src)="([^"]+)"', text)


def test_size():
    """All of it."""
    total = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    assert total < MEGABYTES * 10**6


@pytest.mark.parametrize("name", FILES)
def test_links_lead_somewhere(name):
    """Files that exist, and anchors in them; nothing is loaded from elsewhere."""
    for link in _links(name):
        if re.match(r"(https?|mailto|data|javascript):", link):
            assert "arxiv.org" in link or "squidfunk" in link, link
            continue
        path, anchor = urldefrag(unquote(link))
        file = (SITE / name).parent / path if path else SITE / name
        assert file.exists(), link
        if anchor and file.suffix == ".html" and not anchor.startswith(("__", "theorem=")):
            assert f'id="{anchor}"' in file.read_text(encoding="utf-8"), link
