"""The arrows between rooms run one way, as docs/architecture.md draws them."""

import re
from pathlib import Path

import pytest
from helpers.imports import modules

ROOT = Path(__file__).resolve().parents[1]
_NUMBERS = {"numbers"}
_MDP = {*_NUMBERS, "mdp"}
_POLICY = {*_MDP, "evaluation"}
_GROUPS = {*_MDP, "estimators"}
_RULES = {*_GROUPS, "rules"}
_UPDATES = {*_POLICY, *_RULES, "updates"}
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
        "rules": _GROUPS,
        "losses": _GROUPS,
        "updates": _UPDATES - {"updates"},
        "batches": _UPDATES,
        "off_policy": {*_UPDATES, "batches", "losses"},
        "convergence": _UPDATES,
        "regularisation": {*_UPDATES, "losses"},
        "identification": _RULES,
        "training": {*_UPDATES, "losses"},
        "generalization": _UPDATES,
        "instances": _UPDATES,
        "rational": {*_UPDATES, "arithmetic", "convergence"},
        "logs": {*_NUMBERS, "estimators", "updates", "convergence"},
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
        "advice": {"storage", "models", "computing"},
        "conformance": {"storage", "models"},
        "audit": {*_RUN, *_SEARCHED, "claims"},
        "ledger": {*_RUN, *_SEARCHED, "claims", "audit"},
        "commands": {*_RUN, *_SEARCHED, "claims", "advice", "audit", "conformance", "ledger"},
    },
}
"""What a room may import, beside itself; experiments may import all of theory."""


def _rooms(path, package):
    """The rooms of ``package`` that a file imports from."""
    prefix = f"grpo_checks.{package}."
    inside = (m.removeprefix(prefix) for m in modules(path) if m.startswith(prefix))
    return {name.partition(".")[0] for name in inside}


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


PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ARROWS)
def test_pictures_show_the_table(package):
    """Every drawn arrow is allowed, every room drawn; what is left out follows from others."""
    (drawing,) = re.findall(rf"## {package}/.*?```mermaid\n(.*?)```", PAGE, re.S)
    drawn = re.findall(r"(\w+) --> (\w+)", drawing)
    assert all(below in ARROWS[package][room] for room, below in drawn)
    reached = {room: {room} for room in ARROWS[package]}
    for room in ARROWS[package]:  # From below, as the table is sorted.
        reached[room] |= {x for above, below in drawn if above == room for x in reached[below]}
    for room, below in ARROWS[package].items():
        assert below <= reached[room], room


def test_paths_are_short_and_lead_somewhere():
    """From the instance file to the ledger, and from a claim's file: under 12 files each."""
    for path in re.findall(r"## The path of.*?(?=\n## |\Z)", PAGE, re.S):
        files = re.findall(r"^\d+\. `(.*?)`", path, re.M)
        assert 5 < len(files) < 12
    for name in re.findall(r"`((?:theory|experiments|tests|grpo_checks)/[\w./]*)`", PAGE):
        assert (ROOT / name).exists(), name
