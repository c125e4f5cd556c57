"""docs/your_own_theorem.md, run as it is written."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from flint import fmpq

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims import catalogue
from grpo_checks.theory.rational.choices.choice import gradient, mean_reward, parse_choice
from grpo_checks.theory.rational.choices.update import norm2

PAGE = Path(__file__).parents[3] / "docs" / "your_own_theorem.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILE, LINE, TEST = re.findall(r"```python\n(.*?)```", TEXT, re.S)
(COMMANDS,) = re.findall(r"```sh\n(.*?)```", TEXT, re.S)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A scratch folder that holds the file, and is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halving.py").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS.strip().splitlines())
def test_commands(line, folder, capsys):
    """Each comes out as expected, and says so."""
    words = shlex.split(line)
    assert words[:3] == ["python", "-m", "experiments"]
    assert cli.main(words[3:]) == 0
    assert "halving" in capsys.readouterr().out


def test_mutants_are_caught_by_certified_cases(folder, capsys):
    """And the claim itself is certified at its case."""
    assert cli.main(["mutants", "--claim", "halving.py"]) == 0
    table = pd.read_csv(folder / "results" / "part" / "halving.py" / "mutants.csv")
    assert table["caught by"].tolist() == ["certified case"] * 2
    assert table["false on"].tolist() == ["case groups of four", "case silent groups"]


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("rewards", [("1/3", 1, 0), (1, "2/5", "2/5")])
def test_the_proof(size, rewards, folder):
    """V(G)/2 - V(2G) by listing groups is (Var(R) E|s|^2 + |grad J|^2)/(2 (G-1)(2G-1)), exactly."""
    actions = [
        {"odds": n, "outcomes": [{"share": 1, "rewards": [r]}]} for n, r in enumerate(rewards, 1)
    ]
    model = {"weights": [1], "prompts": [{"share": 1, "actions": actions}]}
    exact = catalogue.find("halving.py").exact
    assert exact is not None
    decision = exact.decide({"model": model, "group_size": size}, None)
    (kinds,) = parse_choice(model).kinds
    weights = (fmpq(1),)
    mean = mean_reward(kinds, weights)
    spread = sum(k.chance * (k.rewards[0] - mean) ** 2 for k in kinds)
    square = sum(k.chance * norm2(k.score) for k in kinds)
    slope = norm2(gradient(kinds, weights))
    claimed = (spread * square + slope) / (2 * (size - 1) * (2 * size - 1))
    assert decision.bound - decision.observed == claimed
    assert decision.verdict == "holds"


def test_the_line_in_the_catalogue(folder, monkeypatch, capsys):
    """The claim is then known by name, and listed."""
    halving = type("module", (), {"CLAIM": catalogue.find("halving.py")})
    added = eval(f"({LINE})", {"halving": halving})
    monkeypatch.setattr(catalogue, "CLAIMS", (*catalogue.CLAIMS, *added))
    assert catalogue.find("halving").statement == added[0].statement


def test_the_test_of_ones_own(folder):
    """It passes; against a claim that is turned round it does not."""
    scope: dict = {}
    exec(TEST, scope)
    scope["test_halving"]()
    (folder / "halving.py").write_text(FILE.replace('expected="holds"', 'expected="refuted"'))
    with pytest.raises(AssertionError, match="halving: holds, expected refuted"):
        scope["test_halving"]()


@pytest.mark.parametrize(("content", "named"), [("CLAIM = 3", "CLAIM = 3"), ("", "CLAIM = None")])
def test_bad_files(content, named, tmp_path):
    """One error that names the file and what it lacks."""
    path = tmp_path / "bad.py"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"bad.py: {named}"):
        catalogue.find(str(path))
    with pytest.raises(ValueError, match="no such file"):
        catalogue.find(str(tmp_path / "none.py"))
