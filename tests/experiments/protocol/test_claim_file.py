"""A claim's file that is wrong: one line with the line of the file, and status 2."""

import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.check import assert_claim
from grpo_checks.experiments.claims import catalogue
from grpo_checks.experiments.commands import command_line

GOOD = """
from grpo_checks.experiments.protocol.claim import Claim, Row
from grpo_checks.experiments.protocol.points import Exact
NUMBERS = (0.1, 0.1, 0.1, 0.2, "holds")
def rows(scope, results):
    return [Row("own", "model", {}, *NUMBERS)]
def decide(document, mutant):
    return document["p"] + 1
CLAIM = Claim(
    name="own",
    statement="1 < 2",
    provenance="derived",
    expected="holds",
    assumptions=(),
    mutants={"twice": "2 < 1"},
    runs=lambda scope: [],
    rows=rows,
    exact=Exact(decide),
)
"""

FILES = {
    "syntax": ("exact=Exact(decide),\n)", "", "own.py:9: SyntaxError: '(' was never closed"),
    "indentation": ("NUMBERS =", " NUMBERS =", "own.py:4: IndentationError: unexpected indent"),
    "import": ("import Exact\n", "import Exakt\n", "own.py:3: ImportError: cannot import name"),
    "no module": (
        "grpo_checks.experiments.protocol.points",
        "nowhere",
        "own.py:3: ModuleNotFoundError: No module named",
    ),
    "an error": ('"holds")', "1 / 0)", "own.py:4: ZeroDivisionError: division by zero"),
    "an exit": ("NUMBERS =", "raise SystemExit(0)\nNUMBERS =", "own.py:4: SystemExit: 0"),
    "a missing argument": ("    rows=rows,\n", "", "own.py:9: TypeError: Claim.__in"),
    "no claim": ("CLAIM = Claim(", "OTHER = Claim(", "own.py: CLAIM = None: expected a Claim"),
    "another thing": ("CLAIM = Claim(", "CLAIM = dict(", "own.py: CLAIM = {'assumptions': ()"),
    "provenance": ('"derived"', '"folklore"', "own.py: CLAIM.provenance = 'folklore': expected"),
    "expected": ('expected="holds"', 'expected="true"', "own.py: CLAIM.expected = 'true': expect"),
    "expected is a list": (
        'expected="holds"',
        "expected=[]",
        "own.py: CLAIM.expected = []: expect",
    ),
    "name is a number": ('name="own"', "name=7", "own.py: CLAIM.name = 7: expected up to 64 cha"),
    "name is empty": ('name="own"', 'name=""', "own.py: CLAIM.name = '': expected up to 64 charac"),
    "name breaks the line": (
        'name="own"',
        r'name="a\nb"',
        r"own.py: CLAIM.name = 'a\nb': expected",
    ),
    "name is taken": ('name="own"', 'name="T1.path"', "own.py: CLAIM.name = 'T1.path': expected a"),
    "statement": (
        'statement="1 < 2"',
        "statement=None",
        "own.py: CLAIM.statement = None: expected",
    ),
    "assumptions are texts": (
        "assumptions=()",
        'assumptions=("x",)',
        "own.py: CLAIM.assumptions =",
    ),
    "assumption is no list": (
        "assumptions=()",
        "assumptions=None",
        "own.py: CLAIM.assumptions = N",
    ),
    "mutants": (
        '{"twice": "2 < 1"}',
        '["twice"]',
        "own.py: CLAIM.mutants = ['twice']: expected nam",
    ),
    "mutant": (
        '"2 < 1"',
        "None",
        "own.py: CLAIM.mutants = {'twice': None}: expected names of muta",
    ),
    "rows": ("rows=rows", "rows=[]", "own.py: CLAIM.rows = []: expected a function"),
    "exact": ("exact=Exact(decide)", "exact=decide", "own.py: CLAIM.exact = <function dec"),
    "a letter each": (
        "exact=",
        'proof="theory", exact=',
        "own.py: CLAIM.proof = 'theory': expected",
    ),
}


@pytest.fixture
def claim_file(tmp_path, monkeypatch):
    """A sound file, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "own.py"
    path.write_text(GOOD)
    return path


def _change(path, old, new):
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new))


def _refused(words, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("case", FILES)
def test_files(case, claim_file, capsys):
    """Before anything is computed."""
    old, new, named = FILES[case]
    _change(claim_file, old, new)
    assert named in _refused(["verify", "--claim", "own.py", "--out", "out"], capsys)
    assert not claim_file.with_name("out").exists()


FUNCTIONS = {
    "verdict": (
        "{}, *NUMBERS",
        '{}, 1, 1, 1, 2, "true"',
        "own.py:6: ValueError: Row.verdict = 't",
    ),
    "text for a number": ("*NUMBERS)]", '"1", 1, 1, 2, "holds")]', "Row.observed = '1': expected"),
    "parameters": ("{}, *NUMBERS", "{1: 2}, *NUMBERS", "own.py:6: ValueError: Row.parameters = {1"),
    "note": ("*NUMBERS)]", "*NUMBERS, note=7)]", "own.py:6: ValueError: Row.note = 7: expected a"),
    "no rows": ("    return [Row", "    [Row", "own.py:5: rows() = None: expected Rows"),
    "other rows": ('[Row("own", "model", {}, *NUMBERS)]', "[7]", "own.py:5: rows() = 7: expected"),
    "no runs": ("lambda scope: []", "lambda scope: None", "own.py:16: <lambda>() = None: expected"),
    "other runs": ("lambda scope: []", "lambda scope: [7]", "own.py:16: <lambda>() = 7: expected"),
    "TypeError": ("{}, *NUMBERS", '{}, *NUMBERS + ("x",) * 9', "own.py:6: TypeError: "),
    "KeyError": ("{}, *NUMBERS", '{}["p"]', "own.py:6: KeyError: 'p'"),
    "ValueError": ("{}, *NUMBERS", 'int("x")', "own.py:6: ValueError: invalid literal"),
    "of the suite": ("{}, *NUMBERS", "rows(1)", "own.py:6: TypeError: rows() missing 1 required"),
    "assert": (
        "    return [Row",
        "    assert not scope\n    return [Row",
        "own.py:6: AssertionError",
    ),
    "exit": ("    return [Row", "    exit()\n    return [Row", "own.py:6: SystemExit: None"),
    "runs": (
        "lambda scope: []",
        "lambda scope: scope.nothing",
        "own.py:16: AttributeError: 'Scope'",
    ),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_functions(case, claim_file, capsys):
    """Whatever they raise is the file's fault, with its line, and no fault of the program."""
    old, new, named = FUNCTIONS[case]
    _change(claim_file, old, new)
    assert named in _refused(["verify", "--claim", "own.py", "--out", "out"], capsys)


def test_a_sound_file(claim_file, capsys):
    """Nothing above is said of it; its point is decided by its own function."""
    assert cli.main(["verify", "--claim", "own.py", "--out", "out"]) == 0
    claim_file.with_name("point.json").write_text(
        '{"claim": "own", "document": {}, "mutant": null}'
    )
    words = ["falsify", "--replay", "point.json", "--claim", "own.py"]
    assert "own.py:8: KeyError: 'p'" in _refused(words, capsys)
    point = '{"claim": "own", "document": {"p": 1}, "mutant": null}'
    claim_file.with_name("point.json").write_text(point)
    assert "own.py:7: decide() = 2: expected Decision" in _refused(words, capsys)
    with pytest.raises(ValueError, match="no such file"):
        catalogue.find("other.py")


def test_in_a_test_of_ones_own_it_keeps_its_traceback(claim_file):
    """pytest shows it; a line would hide where it came from."""
    _change(claim_file, "{}, *NUMBERS", '{}["p"]')
    with pytest.raises(KeyError):
        assert_claim("own.py")


def test_a_platform_that_is_not_here(monkeypatch, capsys):
    """JAX_PLATFORMS=cuda without one."""

    def missing():
        raise AssertionError

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr("jax.devices", missing)
    monkeypatch.setattr(command_line, "run", lambda arguments: missing())
    assert "JAX_PLATFORMS = 'cuda': expected a platform that is here" in _refused(["list"], capsys)
