"""The code that rows rest on: whatever the claim imports, wherever it lies, as it was imported."""

import sys
from pathlib import Path

import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims.catalogue import find
from grpo_checks.experiments.runs.stored_cells import claim_version

CLAIM = """
from functools import partial
from grpo_checks.experiments.protocol.claim import Claim, Row, judge
{imports}

def _rows(scope, results, bound):
    return [Row("user", "model", {{}}, 1.0, 1.0, 1.0, bound, judge(1.0, 1.0, bound))]

{made}
CLAIM = Claim("user", "", "derived", "holds", (), {rows})
"""
# How the number 2.0 comes into the claim, and which file says it.
WAYS = {
    "partial": ("claim", {"claim": ("", "", "partial(_rows, bound=2.0)")}),
    "lambda": ("claim", {"claim": ("", "", "lambda s, r: _rows(s, r, 2.0)")}),
    "closure": (
        "claim",
        {"claim": ("", "def make(b):\n    return lambda s, r: _rows(s, r, b)", "make(2.0)")},
    ),
    "helper": (
        "helper",
        {
            "claim": ("from helper import BOUND", "", "partial(_rows, bound=BOUND)"),
            "helper": "BOUND = 2.0\n",
        },
    ),
    "factory": (
        "claim",
        {
            "claim": ("import helper", "", "helper.make(_rows, 2.0)"),
            "helper": "def make(rows, b):\n    return lambda s, r: rows(s, r, b)\n",
        },
    ),
    "another's claim": (
        "claim",
        {
            "claim": (
                "from dataclasses import replace\nimport helper",
                "helper.B[0] = 2.0",
                "helper.CLAIM.rows)\nCLAIM = replace(helper.CLAIM",
            ),
            "helper": "from grpo_checks.experiments.protocol.claim import Claim, Row, judge\n"
            "B = [0]\n"
            "def rows(s, r):\n"
            "    return [Row('user', 'model', {}, 1.0, 1.0, 1.0, B[0], judge(1.0, 1.0, B[0]))]\n"
            "CLAIM = Claim('user', '', 'derived', 'holds', (), rows)\n",
        },
    ),
    "of a package": (
        "parts/deep",
        {
            "claim": ("import parts.front", "", "partial(_rows, bound=parts.front.bound())"),
            "parts/__init__": "",
            "parts/front": "from .deep import *\nfrom . import deep\n",
            "parts/deep": "def bound():\n    return 2.0\n",
        },
    ),
    "around a package": (
        "parts/__init__",
        {
            "claim": ("import parts.front", "", "partial(_rows, bound=parts.BOUND)"),
            "parts/__init__": "BOUND = 2.0\n",
            "parts/front": "",
        },
    ),
    "inside a function": (
        "helper",
        {
            "claim": (
                "",
                "def rows(s, r):\n    from helper import BOUND\n    return _rows(s, r, BOUND)",
                "rows",
            ),
            "helper": "BOUND = 2.0\n",
        },
    ),
}


def _forget():
    """As a new process would find it."""
    for name in [n for n in sys.modules if n.partition(".")[0] in ("helper", "parts")]:
        del sys.modules[name]


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a claim's files; the path of the claim."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def files(way):
        for name, text in WAYS[way][1].items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            if name == "claim":
                text = CLAIM.format(**dict(zip(("imports", "made", "rows"), text, strict=True)))
            path.write_text(text)
        return tmp_path / "claim.py"

    _forget()
    yield files
    _forget()


def _edit(way):
    path = Path(f"{WAYS[way][0]}.py")
    path.write_text(path.read_text().replace("2.0", "0.5"))


@pytest.mark.parametrize("way", WAYS)
def test_an_edited_bound_is_judged_again(way, write):
    """In the same second, to a file of the same length: what caches of Python cannot tell."""
    command = ["verify", "--claim", str(write(way)), "--out", "out"]
    assert cli.main(command) == 0
    _edit(way)
    _forget()
    assert cli.main(command) == 1
    assert not list(Path().rglob("__pycache__"))


@pytest.mark.parametrize("way", [way for way in WAYS if way != "inside a function"])
def test_sources_are_those_that_were_imported(way, write):
    """Edited before its first use: the rows come from what was imported."""
    path = str(write(way))
    claim = find(path)
    _edit(way)
    kept = claim_version(claim)
    _forget()
    edited = claim_version(find(path))
    assert kept != edited
    write(way)
    _forget()
    assert claim_version(find(path)) == kept
    assert claim_version(claim) == kept


def test_words_and_other_files_change_nothing(write):
    """Comments, docstrings, blank lines, a module that is not imported."""
    path = str(write("helper"))
    first = claim_version(find(path))
    Path("other.py").write_text("x = 1\n")
    Path("helper.py").write_text('"""Why."""\n\nBOUND = 2.0  # how\n')
    _forget()
    assert claim_version(find(path)) == first
    text = []
    for word in "ab":
        Path("helper.py").write_text(f"BOUND = 2.0\nasync def f():\n    '{word}'\n    pass\n")
        _forget()
        text.append(claim_version(find(path)))
    assert text[0] == text[1] != first


def test_files_of_one_name(write, tmp_path):
    """Each is what it says, though both are called claim.py."""
    first = find(str(write("partial")))
    (tmp_path / "other").mkdir()
    path = tmp_path / "other" / "claim.py"
    path.write_text(Path("claim.py").read_text().replace("2.0", "0.5"))
    second = find(str(path))
    assert claim_version(first) != claim_version(second)
    assert sys.modules[first.origin.module].__file__ != sys.modules[second.origin.module].__file__
