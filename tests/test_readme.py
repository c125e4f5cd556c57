"""The README's Python example runs as written, and its files exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys):
    """It prints two positive numbers: <E g, grad J> and V."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})
    product, variance = map(float, capsys.readouterr().out.split())
    assert product > 0
    assert variance > 0


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(path):
    """Pictures and files that the README points to are in the repository."""
    assert (ROOT / path).exists()
