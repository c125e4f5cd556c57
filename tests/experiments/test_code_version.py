"""What else an address covers: values that functions carry, libraries, data, unknown sources."""

import ast
import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from types import ModuleType

import jax
import numpy as np
import pandas as pd
import pytest
from flint import fmpq

from experiments import code_version as versions
from experiments.assumptions import Assumption
from experiments.catalogue import CLAIMS
from experiments.cells import claim_version
from experiments.claim import Claim
from experiments.code_version import version_of
from experiments.sources import Source

ROOT = Path(__file__).parents[2]


def _rows(scope, results, bound):
    return []


def _closure(bound):
    return lambda scope, results: _rows(scope, results, bound)


def _default(bound):
    def rows(scope, results, bound=bound):
        return []

    return rows


class Judge:
    """Rows of an object."""

    def __init__(self, bound):
        self.bound = bound

    def rows(self, scope, results):
        """None."""
        return []

    __call__ = rows


class Slots:
    """Without a dictionary of its own."""

    __slots__ = ("bound",)

    def __init__(self, bound):
        self.bound = bound

    def rows(self, scope, results):
        """None."""
        return []


def _itself(bound):
    def rows(scope, results):
        return rows if scope else [bound]

    return rows


MAKERS = {
    "partial": lambda b: partial(_rows, bound=b),
    "closure": _closure,
    "default": _default,
    "nested": lambda b: partial(_rows, bound=_closure([b, {"x": b}])),
    "method": lambda b: Judge(b).rows,
    "object": Judge,
    "slots": lambda b: Slots(b).rows,
    "jit": lambda b: jax.jit(_closure(b)),
    "itself": _itself,
}
VALUES = [
    (2.0, 0.5),
    (np.arange(2000), np.arange(2000) + 1e-9),
    (pd.DataFrame({"a": np.arange(2000)}), pd.DataFrame({"a": np.arange(2000) + 1e-9})),
    ({"x", "y"}, {"x", "z"}),
    (Fraction(1, 3), Fraction(1, 4)),
    (fmpq(1, 3), fmpq(1, 4)),
    ([np.float64(0.1), object], [np.float64(0.2), object]),
]


@pytest.mark.parametrize("made", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize(("one", "other"), VALUES)
def test_what_functions_carry_counts(made, one, other):
    """Of one source line, with two values: two claims; and the same for an equal value."""
    plain = Claim("X", "", "derived", "holds", (), {}, lambda scope: [], _rows)
    found = [claim_version(replace(plain, rows=made(x))) for x in (one, deepcopy(one), other)]
    assert found[0] == found[1] != found[2]


STABLE = """
from functools import partial
from experiments.captured import Walk
class Thing:
    pass
def rows(x):
    return [x]
things = [Thing(), Thing().__init__, iter([1]), lambda: rows]
print(Walk().said([partial(rows, {"a", "b", "c"}), *things]))
"""


def test_the_same_in_every_process():
    """Neither the hash of a text nor where an object lies in memory counts."""
    said = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-c", STABLE]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        found = subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=True
        )
        said.add(found.stdout)
    assert len(said) == 1


def test_checks_of_assumptions_count():
    """They decide whether there are any cells."""
    plain = Claim("X", "", "derived", "holds", (), {}, lambda scope: [], _rows)
    checks = [(Assumption("x", _closure(b)),) for b in (1, 2)]
    first, second = (claim_version(replace(plain, assumptions=c)) for c in checks)
    assert first != second


def test_what_no_file_tells_of_is_new_in_every_process(monkeypatch):
    """A notebook, python -c: nobody knows what was computed."""
    monkeypatch.setitem(sys.modules, "notebook_of_mine", ModuleType("notebook_of_mine"))
    first = version_of(["notebook_of_mine"], {})
    assert version_of(["notebook_of_mine"], {}) == first
    monkeypatch.setattr(versions, "UNKNOWN", "another process")
    assert version_of(["notebook_of_mine"], {}) != first


def test_other_libraries_count_by_their_version(monkeypatch):
    """Of what a user's file imports besides ours."""
    source = {"helper": Source("helper.py", b"import mpmath\nimport statistics\n")}
    first = version_of(["helper"], source)
    monkeypatch.setattr(versions, "version", lambda name: "0")
    assert version_of(["helper"], source) != first
    plain = {"helper": Source("helper.py", b"import jax.numpy\nimport statistics\n")}
    assert version_of(["helper"], plain) == version_of(["helper"], plain)


def _imported(package):
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_every_library_counts(monkeypatch):
    """Whatever ours import: numbers change with each of them, and with Python's own sums."""
    used = {*_imported("theory"), *_imported("experiments")} - sys.stdlib_module_names
    used -= {"theory", "experiments"}
    assert used == ({*versions.LIBRARIES} - {"jaxlib", "python-flint"}) | {*versions.INDIFFERENT}
    before = version_of(["experiments.runs"], {})
    for name in (*versions.LIBRARIES, "python"):
        monkeypatch.setitem(versions.VERSIONS, name, "0")
        assert version_of(["experiments.runs"], {}) != before
        monkeypatch.undo()


def test_every_file_of_data_counts(monkeypatch):
    """The stored cases too; not for training runs."""
    assert {path.parts[-2] for path in map(Path, versions.DATA)} == {"data", "certified"}
    before = [version_of([], {}, data) for data in (True, False)]
    monkeypatch.setattr(versions, "DATA", {**versions.DATA, "experiments/data/certified/x": "{}"})
    after = [version_of([], {}, data) for data in (True, False)]
    assert [x != y for x, y in zip(before, after, strict=True)] == [True, False]


def test_every_claim_rests_on_its_own_module():
    """The file in which it is made, whatever its functions are."""
    for claim in CLAIMS:
        assert claim.origin.module.startswith("experiments.claims."), claim.name
        assert claim.origin.module in claim.origin.sources
