"""The arrows between packages run one way, and files stay small."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "theory": {"experiments", "figures", "matplotlib", "pandas", "pathlib", "os", "time", "tqdm"},
    "experiments": {"figures", "matplotlib"},
    "figures": {"theory", "experiments", "jax", "optax", "equinox"},
}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


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


def test_theory_prints_nothing():
    """Pure functions: no print, no open."""
    for path in (ROOT / "theory").rglob("*.py"):
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not {f.id for f in calls if isinstance(f, ast.Name)} & {"print", "open"}, path


LOADERS = {"pickle", "dill", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_file_is_run(package):
    """Reading a pickle, or evaluating a text, runs whatever somebody put into it."""
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text()
        assert not LOADERS & set(_imports(path)), path
        calls = [n.func for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Call)]
        assert not {f.id for f in calls if isinstance(f, ast.Name)} & {"eval", "exec"}, path
        assert "allow_pickle" not in text, path
