"""Packages know what they may, rooms and files stay small, and rooms say what they are for."""

import ast
import json
from pathlib import Path

import pytest
from helpers.imports import modules, syntax

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "theory": {
        "experiments",
        "figures",
        "pages",
        "matplotlib",
        "pandas",
        "pathlib",
        "os",
        "time",
        "tqdm",
    },
    "experiments": {"figures", "pages", "matplotlib"},
    "figures": {"theory", "experiments", "pages", "jax", "optax", "equinox"},
    "pages": {"figures", "matplotlib", "theory"},
}
FILES = 13
"""Of Python, in a folder: what a newcomer takes in at a glance."""


def _imports(path):
    """Libraries, and of our own the package."""
    for module in modules(path):
        top, _, rest = module.partition(".")
        yield rest.partition(".")[0] if top == "grpo_checks" else top


@pytest.mark.parametrize("package", [*FORBIDDEN, "tests"])
def test_one_import_name(package):
    """A module that is imported by two names is two modules, with two sets of everything."""
    for path in (ROOT / package).rglob("*.py"):
        tops = {module.partition(".")[0] for module in modules(path)}
        assert not tops & {"theory", "experiments", "figures", "pages"}, path


@pytest.mark.parametrize("package", [*FORBIDDEN, "tests"])
def test_folders_stay_small(package):
    """And each of ours says in one line what belongs there."""
    for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
        assert len([*folder.glob("*.py")]) <= FILES, folder
        if package != "tests":
            (purpose, *_) = ast.get_docstring(
                ast.parse((folder / "__init__.py").read_text())
            ).splitlines()
            assert purpose.endswith("."), folder


@pytest.mark.parametrize("package", FORBIDDEN)
def test_arrows_run_one_way(package):
    """theory knows no files and no plots; figures know neither jax nor theory."""
    for path in (ROOT / package).rglob("*.py"):
        assert not FORBIDDEN[package] & set(_imports(path)), path


@pytest.mark.parametrize("package", [*FORBIDDEN, "tests"])
def test_files_stay_small(package):
    """A file that outgrows 200 lines wants to be two."""
    for path in (ROOT / package).rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 200, path


@pytest.mark.parametrize("package", FORBIDDEN)
def test_commands_start_without_what_few_need(package):
    """A fifth of a start goes into scipy.stats: ``scipy.stats.beta`` reads it when it is called."""
    for path in (ROOT / package).rglob("*.py"):
        assert not [module for module in modules(path) if module.startswith("scipy.stats")], path


def test_theory_prints_nothing():
    """Pure functions: no print, no open."""
    for path in (ROOT / "theory").rglob("*.py"):
        assert not syntax(path).called & {"print", "open"}, path


LOADERS = {"pickle", "dill", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_file_is_run(package):
    """Reading a pickle, or evaluating a text, runs whatever somebody put into it."""
    for path in (ROOT / package).rglob("*.py"):
        assert not LOADERS & set(_imports(path)), path
        assert not syntax(path).called & {"eval", "exec"}, path
        assert "allow_pickle" not in path.read_text(), path


PARTICLES = {"apart", "each", "head", "of", "own", "whole"}
PARTICLES |= {"asked", "found", "made", "said", "told"}
STORED = {"experiments/protocol/points.py": {"found"}}
"""Fields that are keys of files, which were written before."""


@pytest.mark.parametrize("package", FORBIDDEN)
def test_names_say_the_quantity(package):
    """A particle names nothing."""
    for path in (ROOT / package).rglob("*.py"):
        stored = STORED.get(str(path.relative_to(ROOT)), set())
        assert not (PARTICLES - stored) & syntax(path).named, path


@pytest.mark.parametrize("package", FORBIDDEN)
def test_every_function_has_types(package):
    """mypy asks for them; here nobody is excused."""
    for path in (ROOT / package).rglob("*.py"):
        assert "no-untyped-def" not in path.read_text(), path


EDITS = json.loads((ROOT / "tests" / "trials" / "edits.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["name"])
def test_trial_edits_find_their_lines(edit):
    """And the tests that must notice them."""
    assert (ROOT / edit["path"]).read_text(encoding="utf-8").count(edit["old"]) >= 1
    for test in edit["tests"]:
        file, _, function = test.partition("::")
        assert f"def {function.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8")
