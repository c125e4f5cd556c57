"""falsify --replay: what a stored point may say, and that no code is run that it names."""

import json
import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd.odd_files import MANY, altered

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.audit.replay import decided
from grpo_checks.experiments.claims.catalogue import CLAIMS, find
from grpo_checks.experiments.protocol.certificates import load_cases, path_of, summary

DOCUMENT = {
    **{"group_size": 4, "odds": [1, 3], "slopes": [1]},
    "calls": [["5/8", 0], ["3/8", "1/4"]],
}
POINT = {"claim": "T2.kappa", "document": DOCUMENT, "mutant": None}


def _point(**changes):
    return {**POINT, "found": None, **changes}


def _document(**changes):
    return _point(document={**DOCUMENT, **changes})


def _replay(path, content, *more):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text)
    return cli.main(["falsify", "--replay", str(path), *more])


@pytest.fixture
def path(tmp_path):
    """Where a point lies."""
    return tmp_path / "point.json"


def test_a_point_is_decided_again(path, capsys):
    """0 where what is stored is found again, else 1."""
    exact = find("T2.kappa").exact
    assert exact is not None
    stored = summary(exact.decide(DOCUMENT, None))
    assert _replay(path, _point(found=stored)) == 0
    assert _replay(path, _point(found={**stored, "verdict": "refuted"})) == 1
    assert "not as stored" in capsys.readouterr().out


REFUSED = {
    "10^400": (_document(odds=["1e400", 3]), "odds[0] = '1e400'"),
    "10^999999999": (_document(odds=["1e999999999", 3]), "odds[0] = '1e999999999'"),
    "a whole number without end": (_document(odds=[1, 10**400]), "odds[1] = '1000"),
    "next to nothing": (_document(odds=["1e-400", 1]), "odds[0] = '1e-400'"),
    "too many digits": (_document(odds=["9" * 101, 1]), "odds[0] = '999"),
    "true": (_document(odds=[True, 1]), "odds[0] = True"),
    "a text for a list": (_document(odds="13"), "odds = '13': expected a list"),
    "a number for a list": (_document(calls=7), "calls = 7: expected a list"),
    "null": (_document(slopes=None), "slopes = None: expected a list"),
    "an object for a number": (_document(group_size={"a": 1}), "group_size = {'a': 1}"),
    "a huge group": (_document(group_size=3 * 10**7), "group_size = 30000000"),
    "field missing": (_point(document={}), "group_size: missing"),
    "document is a list": (_point(document=[1]), "document = [1]: expected an object"),
    "unknown mutant": (_point(mutant="nonsense"), "mutant = 'nonsense': expected one of"),
    "mutant is a list": (_point(mutant=[]), "mutant = []: expected one of"),
    "no mutant": ({k: v for k, v in _point().items() if k != "mutant"}, "mutant: missing"),
    "unknown claim": (_point(claim="T9"), "claim = 'T9': expected one of"),
    "claim is null": (_point(claim=None), "claim = None: expected one of"),
    "claim is a list": (_point(claim=["T2.kappa"]), "claim = ['T2.kappa']: expected one of"),
    "a list": ([POINT], "expected an object with the field 'claim'"),
    "nested": (f'{{"claim": {"[" * 2000}{"]" * 2000}}}', "nested too deeply"),
    "nested without end": ("[" * 10**5, "bytes: expected at most"),
    "NaN": (json.dumps(_document(odds=[float("nan"), 1])), "odds[0] = 'NaN, no number of JSON'"),
    "key twice": ('{"claim": "T2.kappa", "claim": "T1.path"}', "key 'claim' occurs twice"),
    "number next to nothing": (
        json.dumps(_document(odds=["tiny", 1])).replace('"tiny"', "1e-400"),
        "odds[0] = '1e-400'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_point_names_its_field(case, path, capsys):
    """At once, in one line, with status 2."""
    content, named = REFUSED[case]
    started = time.process_time()
    assert _replay(path, content) == 2
    assert time.process_time() < started + 5
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}: ")
    assert named in error
    assert error.count("\n") == 1
    assert len(error) < 2000


def test_a_pipe_is_refused(path, capsys):
    """It would be waited for."""
    os.mkfifo(path)
    assert cli.main(["falsify", "--replay", str(path)]) == 2
    assert "not a regular file" in capsys.readouterr().err


OWN = """
from pathlib import Path
from grpo_checks.experiments.protocol.claim import Claim
from grpo_checks.experiments.protocol.points import Exact
from grpo_checks.experiments.protocol.verdict import compare
from grpo_checks.theory.numbers.balls import rational
Path(__file__).with_name("ran").touch()
EXACT = Exact(lambda document, mutant: compare(rational("p", document["p"]), rational("p", 1)))
CLAIM = Claim("own", "p <= 1", "derived", "holds", (), lambda s, r: [], exact=EXACT)
"""


def test_a_point_runs_no_code_that_it_names(path, capsys):
    """A claim of one's own is given by hand, and is the one that the point speaks of."""
    file = path.with_name("own.py")
    file.write_text(OWN)
    point = {"claim": str(file), "mutant": None, "document": {"p": "1/2"}}
    stored = {"verdict": "holds", "observed": ["1/2", "1/2"], "bound": ["1", "1"]}
    for claim in (str(file), "own", "own.py"):
        assert _replay(path, {**point, "claim": claim, "found": stored}) == 2
        assert "or a .py file (--claim FILE.py)" in capsys.readouterr().err
    assert not path.with_name("ran").exists()
    assert _replay(path, {**point, "claim": "own", "found": stored}, "--claim", str(file)) == 0
    assert path.with_name("ran").exists()
    assert _replay(path, _point(), "--claim", str(file)) == 2
    assert "claim = 'T2.kappa': expected 'own'" in capsys.readouterr().err
    assert cli.main(["falsify", "T2.kappa", "--claim", str(file)]) == 2


CASES = [
    (claim, case)
    for claim in CLAIMS
    if path_of(claim.name).is_file()
    for case in load_cases(path_of(claim.name))
]


@MANY
@given(data=st.data())
def test_any_document(data):
    """Decided, or refused in one short line: of every claim, whatever a field says."""
    for claim, case in {claim.name: (claim, case) for claim, case in CASES}.values():
        document = data.draw(altered(case.document))
        text = ""
        try:
            decided(claim, document, case.mutant)
        except ValueError as error:
            text = str(error)
        assert "\n" not in text
        assert len(text) < 1000
