"""docs/your_own_theorem.md, run as it is written."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from flint import fmpq
from helpers.choice_instance import gradient, mean_reward

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.claims import catalogue
from grpo_checks.experiments.ledger.parts import filled_part, of_claims
from grpo_checks.experiments.models.instances import named
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.update import norm2

PAGE = Path(__file__).parents[3] / "docs" / "your_own_theorem.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILE, MODELS, DEEP, LINE, FACTS, TEST = re.findall(r"```python\n(.*?)```", TEXT, re.S)
COMMANDS, ON_A_MODEL = re.findall(r"```sh\n(.*?)```", TEXT, re.S)
STATED = '    assumptions=kit.stated("a full sweep: drawn prompts leave a floor"),\n'
COMPLETE = FILE.replace("CLAIM =", f"{MODELS}\n\nCLAIM =").replace(STATED, "    **MORE,\n")
"""With what section 4 adds."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A scratch folder that holds the file, and is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halving.py").write_text(FILE)
    return tmp_path


def _runs(line):
    words = shlex.split(line)
    assert words[0] == "grpo-checks"
    return cli.main(words[1:])


def test_the_template_is_the_file_of_the_page(tmp_path, monkeypatch, capsys):
    """`new` writes it, under its name, in at most 40 lines, and over no file."""
    monkeypatch.chdir(tmp_path)
    assert _runs("grpo-checks new halving") == 0
    assert (tmp_path / "halving.py").read_text() == FILE
    assert len(FILE.splitlines()) <= 40
    assert _runs("grpo-checks new halving") == 2
    assert "halving.py: is there already" in capsys.readouterr().err
    assert _runs("grpo-checks new another") == 0
    assert catalogue.find("another.py").name == "another"
    assert _runs("grpo-checks new ../x") == 2


def test_from_another_repository(tmp_path):
    """As the page says: the commands by the name of the package, which they repeat.

    The repository has folders of the same names as ours.
    """
    for name in ("theory", "experiments", "figures"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('of somebody else')")
    words = [sys.executable, "-m", "grpo_checks", "new", "halving"]
    environment = {**os.environ, "PYTHONPATH": str(PAGE.parents[1])}
    told = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert "grpo-checks verify --claim halving.py" in told.stdout
    assert "`python -m grpo_checks`" in TEXT
    assert (tmp_path / "halving.py").read_text() == FILE


@pytest.mark.parametrize("line", COMMANDS.strip().splitlines())
def test_commands(line, folder, capsys):
    """Each comes out as expected, and says so; a search also where it is shorter."""
    assert _runs(line.replace("--minutes 0.1", "--minutes 0.02")) == 0
    assert "halving" in capsys.readouterr().out
    if "falsify" in line:
        assert (folder / re.search(r"--replay (\S+point.json)", TEXT)[1]).exists()


def test_one_source_of_the_numbers(folder, capsys):
    """explain shows both cases and the change that mutants shows; the margin is that of verify."""
    assert cli.main(["explain", "halving.py"]) == 0
    told = capsys.readouterr().out
    assert "one answer in ten is right: holds, observed 63/2000, bound 369/10000" in told
    assert "groups of four (mutant 'a third'): refuted" in told
    assert cli.main(["mutants", "--claim", "halving.py"]) == 0
    seen = pd.read_csv(folder / "results" / "part" / "halving.py" / "mutants_smallest.csv")
    # 1 - (63/2000) / (369/10000)
    assert seen["smallest change seen"].tolist() == ["14.63%"]
    assert "smallest lowering of the bound that would be seen: 14.63%" in told
    assert "margin: bound/observed 1.17" in told


def test_the_margin_is_of_cells(folder, capsys):
    """Those of `bandit`: it does not reach down to 369/315, which is that of the case, chosen to be
    near the bound."""
    (folder / "halving.py").write_text(COMPLETE.replace("small / 2", "small * 4"))
    assert cli.main(["verify", "--claim", "halving.py", "--out", "out"]) == 0
    (table,) = (pd.read_csv(path) for path in (folder / "out").rglob("verdicts.csv"))
    assert table["margin"][0].startswith("bound/observed 11.2 to ")
    assert cli.main(["explain", "halving.py"]) == 0
    assert f"margin: {table['margin'][0]}" in capsys.readouterr().out


def test_on_a_model(folder, capsys):
    """With what section 4 adds; a model without a reward that varies breaks the assumption."""
    (folder / "halving.py").write_text(COMPLETE)
    assert _runs(ON_A_MODEL) == 0
    assert _runs("grpo-checks verify --claim halving.py --out own") == 0
    for table, evidence in {"rows.csv": "exact", "cases.csv": "certified"}.items():
        (path,) = (folder / "own").rglob(table)
        assert {*pd.read_csv(path)["evidence"]} == {evidence}
    claim = catalogue.find("halving.py")
    sweep, varies = claim.assumptions
    assert sweep.text in STATED
    assert varies.broken_by(named("bandit", components=1)) is None


def test_mutants_are_caught_by_certified_cases(folder, capsys):
    """And the claim itself is certified at its case."""
    assert cli.main(["mutants", "--claim", "halving.py"]) == 0
    table = pd.read_csv(folder / "results" / "part" / "halving.py" / "mutants.csv")
    assert table["caught by"].tolist() == ["certified case"]
    assert table["false on"].tolist() == ["case groups of four"]


def test_a_mistake_is_one_line(folder, capsys):
    """With the line of the file."""
    (folder / "halving.py").write_text(FILE.replace("noise.error(2 *", "noise.eror(2 *"))
    assert cli.main(["verify", "--claim", "halving.py"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "halving.py:12: AttributeError" in line


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
    decision = exact.decide({**model, "group_size": size}, None)
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


def test_what_the_ledger_says_of_it(folder):
    """The facts of the page, in the place of its prose."""
    claim = catalogue.find("halving.py")
    known = of_claims([replace(claim, **eval(f"dict({FACTS})"))])
    (prose,) = re.findall(r'"(V\(2G\)[^"]*\{outcome\}[^"]*)"', TEXT)
    assert [*known] == re.findall(r"`<!-- (.*?) -->`", TEXT)
    rows = pd.DataFrame({"verdict": ["holds", "vacuous"]})
    said = filled_part("halving", prose, {"halving": rows}, known)
    assert " ".join(said.split()) == "V(2G) <= V(G)/2 holds, in 2 cells."


def test_the_test_of_ones_own(folder):
    """It passes; against a claim that is turned round it does not."""
    (folder / "halving.py").write_text(COMPLETE)
    scope: dict = {}
    exec(TEST, scope)
    scope["test_halving"]()
    (folder / "halving.py").write_text(COMPLETE.replace("small / 2", "small / 20"))
    with pytest.raises(AssertionError, match="halving: refuted, expected holds"):
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
