"""The arrows between rooms run one way; rooms and files stay small, and say what they are for."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "theory": {"experiments", "figures", "matplotlib", "pandas", "pathlib", "os", "time", "tqdm"},
    "experiments": {"figures", "matplotlib"},
    "figures": {"theory", "experiments", "jax", "optax", "equinox"},
}
FILES = 13
"""Of Python, in a folder: what a newcomer takes in at a glance."""

_NUMBERS = {"numbers"}
_MDP = {*_NUMBERS, "mdp"}
_POLICY = {*_MDP, "evaluation"}
_GROUPS = {*_MDP, "estimators"}
_UPDATES = {*_POLICY, *_GROUPS, "updates"}
_STORED = {"storage", "origin", "computing"}
_CLAIMED = {"storage", "origin", "models", "protocol"}
_SEARCHED = {*_CLAIMED, "falsifier", "points"}
_RUN = {*_CLAIMED, "computing", "runs"}
ARROWS = {
    "theory": {
        "numbers": set(),
        "arithmetic": _NUMBERS,
        "mdp": _NUMBERS,
        "estimators": _MDP,
        "evaluation": _MDP,
        "losses": _GROUPS,
        "updates": _UPDATES - {"updates"},
        "convergence": _UPDATES,
        "training": {*_UPDATES, "losses"},
        "generalization": _UPDATES,
        "instances": _UPDATES,
        "rational": _UPDATES,
    },
    "experiments": {
        "storage": set(),
        "computing": {"storage"},
        "origin": {"storage"},
        "models": _STORED,
        "protocol": {*_STORED, "models"},
        "falsifier": _CLAIMED,
        "points": {*_CLAIMED, "falsifier"},
        "runs": {*_RUN - {"runs"}},
        "claims": {*_RUN, *_SEARCHED},
        "advice": {"storage", "models"},
        "audit": {*_RUN, *_SEARCHED, "claims"},
        "ledger": {*_RUN, *_SEARCHED, "claims", "audit"},
        "commands": {*_RUN, *_SEARCHED, "claims", "advice", "audit", "ledger"},
    },
}
"""What a room may import, beside itself; experiments may import all of theory."""


def _modules(path):
    """All modules that a file imports, absolutely."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports(path):
    """Libraries, and of our own the package."""
    for module in _modules(path):
        top, _, rest = module.partition(".")
        yield rest.partition(".")[0] if top == "grpo_checks" else top


def _rooms(path, package):
    """The rooms of ``package`` that a file imports from."""
    prefix = f"grpo_checks.{package}."
    modules = (m.removeprefix(prefix) for m in _modules(path) if m.startswith(prefix))
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("package", [*FORBIDDEN, "tests"])
def test_one_import_name(package):
    """A module that is imported by two names is two modules, with two sets of everything."""
    for path in (ROOT / package).rglob("*.py"):
        tops = {module.partition(".")[0] for module in _modules(path)}
        assert not tops & {"theory", "experiments", "figures"}, path


@pytest.mark.parametrize(
    ("package", "room"), [(package, room) for package in ARROWS for room in ARROWS[package]]
)
def test_rooms_import_what_lies_below(package, room):
    """The table is the order of the rooms: it has no circle, and every import is in it."""
    for path in (ROOT / package / room).rglob("*.py"):
        assert _rooms(path, package) <= ARROWS[package][room] | {room}, path


@pytest.mark.parametrize("package", ARROWS)
def test_table_of_arrows(package):
    """Every room is in it, once, below all that it is imported by."""
    folders = {p.name for p in (ROOT / package).iterdir() if any(p.glob("*.py"))}
    assert set(ARROWS[package]) == folders
    known = set()
    waiting = dict(ARROWS[package])
    while ready := [room for room, below in waiting.items() if below - {room} <= known]:
        known |= {*ready}
        waiting = {room: below for room, below in waiting.items() if room not in known}
    assert not waiting


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


PARTICLES = {"apart", "each", "head", "of", "own", "whole"}
PARTICLES |= {"asked", "found", "made", "said", "told"}
STORED = {"experiments/protocol/certificates.py": {"found"}}
"""Fields that are keys of files, which were written before."""


def _names(path):
    """What a file itself gives a name."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.Attribute(attr=name, ctx=ast.Store())
                | ast.arg(arg=name)
                | ast.FunctionDef(name=name)
            ):
                yield name


@pytest.mark.parametrize("package", FORBIDDEN)
def test_names_say_the_quantity(package):
    """A particle names nothing."""
    for path in (ROOT / package).rglob("*.py"):
        stored = STORED.get(str(path.relative_to(ROOT)), set())
        assert not (PARTICLES - stored) & {*_names(path)}, path


@pytest.mark.parametrize("package", FORBIDDEN)
def test_every_function_has_types(package):
    """mypy asks for them; here nobody is excused."""
    for path in (ROOT / package).rglob("*.py"):
        assert "no-untyped-def" not in path.read_text(), path
