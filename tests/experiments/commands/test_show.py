"""The commands about models, as they are called."""

import json
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from grpo_checks.__main__ import main
from grpo_checks.experiments.models.building.model import Model


def _two_doors():
    """A table with one good door, one bad, and one that leads back."""
    table = {0: {0: [(1.0, 1, 1, True)], 1: [(1.0, 1, 0, True)], 2: [(1.0, 0, -1, False)]}}
    spec = SimpleNamespace(id="Doors-v0")
    return SimpleNamespace(P=table, initial_state_distrib=np.array([1.0, 0.0]), spec=spec)


@pytest.fixture
def gymnasium(monkeypatch):
    """A stand-in that makes one environment, and takes one setting."""

    def make(name, slippery=False):
        if name != "Doors-v0":
            raise ValueError(f"{name} is not registered")
        return SimpleNamespace(unwrapped=_two_doors())

    module = ModuleType("gymnasium")
    module.make, module.error = make, SimpleNamespace(Error=KeyError)
    monkeypatch.setitem(sys.modules, "gymnasium", module)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")


def test_import_and_show(gymnasium, tmp_path, monkeypatch, capsys):
    """J of the uniform policy in at most two steps: 1/3 at once, 1/9 after the door back."""
    monkeypatch.chdir(tmp_path)
    assert main(["import", "Doors-v0", "--depth", "2", "--set", "slippery=true"]) == 0
    assert "stored: Doors_v0.json" in capsys.readouterr().out
    assert main(["show", "Doors_v0.json", "--svg", "d.svg", "--dot", "d.dot"]) == 0
    shown = capsys.readouterr().out
    assert "J = 0.444444 at the start, J* = 1, R_max = 1" in shown
    assert "1 prompt, 3 tools, 1 answer, 1 component; 7 states, at most 2 tool calls" in shown
    assert "  0 @0  [start 0]\n    0 -> goal @1\n" in shown
    assert {path.name for path in tmp_path.glob("d.*")} == {"d.svg", "d.dot"}
    assert main(["import", "Doors-v0", "--depth", "2", "--returns", "--out", "r.json"]) == 0
    assert "goal and return; 7 states, 7 states without" in capsys.readouterr().out
    units = json.loads((tmp_path / "r.json").read_text())["components"][1]["units"]
    assert units == [-2, 1]
    for words, told in (
        (["Window-v0", "--depth", "2"], "environment = 'Window-v0': Window-v0 is not registered"),
        (["Doors-v0", "--depth", "0"], "depth = 0: expected a number of steps >= 1"),
        (["Doors-v0", "--depth", "2", "--set", "x"], "set = 'x': expected KEY=VALUE"),
    ):
        assert main(["import", *words]) == 2
        assert told in capsys.readouterr().err


def test_gymnasium_is_asked_for(monkeypatch, capsys):
    """Where it is missing, in a line."""
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    assert main(["import", "FrozenLake-v1", "--depth", "8"]) == 2
    assert "gymnasium: not installed: expected pip install gymnasium" in capsys.readouterr().err


def test_show_lists_names(capsys):
    """As list --instances does."""
    assert main(["show"]) == 0
    first = capsys.readouterr().out.partition("\n")[2]
    assert main(["list", "--instances"]) == 0
    assert capsys.readouterr().out == first
    assert "\ndice: one prompt, one decision" in first
    assert "\nlookup: Two questions" in first


def test_what_is_not_attained_is_at_most(tmp_path, capsys):
    """Two doors that look alike: one answer is right behind each, and 1 is only a bound."""
    model = Model("doors").prompt("p", "s").prompt("q", "t").answer("left").answer("right")
    model.reward(1, prompt="p", answer="left").reward(1, prompt="q", answer="right")
    for ending, words in (("free", ("attainable", "J*\n")), ("alike", ("at most", "J* at most\n"))):
        path = str(tmp_path / f"{ending}.json")
        (model if ending == "free" else model.alike("a door", ["s", "t"])).save(path)
        assert main(["show", path]) == 0
        shown = capsys.readouterr().out
        assert all(f" {text}" in shown for text in words)
        assert ("attainable" in shown) is (ending == "free")


def test_show_counts_what_is_not_reached(tmp_path, capsys):
    """A state that nothing leads to is named."""
    model = Model("small").prompt("q", "s").answer("y", reward=1).answer("n")
    model.tool("u", "island", "sea").save(tmp_path / "m.json")
    assert main(["show", str(tmp_path / "m.json")]) == 0
    assert "not reached, and left out: island, sea" in capsys.readouterr().out
