"""The README's Python example runs as written, and its files exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST, CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_test_of_ones_own_passes(monkeypatch):
    """As written, from the root of the repository."""
    monkeypatch.chdir(ROOT)
    scope: dict = {}
    exec(compile(TEST, "README.md", "exec"), scope)
    scope["test_group_size_on_my_model"]()


def test_the_example_runs(capsys):
    """It prints two positive numbers: <E g, grad J> and V."""
    exec(compile(CODE, "README.md", "exec"), {})
    product, variance = map(float, capsys.readouterr().out.split())
    assert product > 0
    assert variance > 0


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(path):
    """Pictures and files that the README points to are in the repository."""
    assert (ROOT / path).exists()
