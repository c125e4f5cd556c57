"""What else an address covers: checks of assumptions, libraries, data, unknown sources."""

import ast
import gc
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from grpo_checks.experiments.claims.catalogue import CLAIMS
from grpo_checks.experiments.origin import code_version as versions
from grpo_checks.experiments.origin import sources
from grpo_checks.experiments.origin.code_version import version_of
from grpo_checks.experiments.origin.sources import Source
from grpo_checks.experiments.protocol.assumptions import Assumption
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.runs.stored_cells import claim_version

ROOT = Path(__file__).parents[3]


def _rows(scope, results, bound):
    return []


def _closure(bound):
    return lambda scope, results: _rows(scope, results, bound)


def test_checks_of_assumptions_count():
    """They decide whether there are any cells."""
    plain = Claim("X", "", "derived", "holds", (), _rows)
    checks = [(Assumption("x", _closure(b)),) for b in (1, 2)]
    first, second = (claim_version(replace(plain, assumptions=c)) for c in checks)
    assert first != second


@pytest.fixture
def threads():
    """Four, between which the collection of garbage changes, as it does with JAX's hook in it."""
    before, hook = gc.get_threshold(), lambda *args: time.sleep(1e-4)
    gc.callbacks.append(hook)
    gc.set_threshold(50)
    with ThreadPoolExecutor(4) as pool:
        yield pool
    gc.set_threshold(*before)
    gc.callbacks.remove(hook)


def test_sources_are_read_by_several_threads_at_once(threads):
    """Their trees are built one at a time."""
    text = "\n".join(f"x{i} = [{i}, f({i}, (a, b))]" for i in range(200)).encode()
    every = [Source(f"m{i}.py", text) for i in range(24)]
    listed = list(threads.map(lambda s: versions.read.__wrapped__("m", s), every))
    assert all(x == listed[0] for x in listed)


class _Busy(dict):
    """To which another thread adds whenever it is walked through."""

    def items(self):
        for name, source in super().items():
            self[f"m{len(self)}"] = source
            yield name, source


def test_modules_are_imported_while_others_are_listed(monkeypatch):
    """By other threads."""
    monkeypatch.setattr(sources, "_read", _Busy(sources._read))
    assert "grpo_checks.theory" in sources.snapshot()


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


# Run by a trainer's own Python.
ADAPTERS = ROOT / "experiments" / "conformance" / "adapters"
OPTIONAL = {"pyarrow"}
"""Extras: they read files of users, and no stored number comes from them."""


def _imported(package):
    for path in (ROOT / package).rglob("*.py"):
        if ADAPTERS in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_every_library_counts(monkeypatch):
    """Whatever ours import: numbers change with each of them, and with Python's own sums."""
    used = {*_imported("theory"), *_imported("experiments")} - sys.stdlib_module_names
    used -= {"grpo_checks", *OPTIONAL}
    assert used == ({*versions.LIBRARIES} - {"jaxlib", "python-flint"}) | {*versions.INDIFFERENT}
    before = version_of(["grpo_checks.experiments.runs.training"], {})
    for name in (*versions.LIBRARIES, "python"):
        monkeypatch.setitem(versions.VERSIONS, name, "0")
        assert version_of(["grpo_checks.experiments.runs.training"], {}) != before
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
        assert claim.origin.module.startswith("grpo_checks.experiments.claims."), claim.name
        assert claim.origin.module in claim.origin.sources
