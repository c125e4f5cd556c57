"""What others wrote stays inside its line, its cell and its element, wherever it is shown."""

import io
import json
import os
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pandas as pd
import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.experiments.runs.tables import as_json, as_junit, report
from grpo_checks.experiments.storage import terminal
from grpo_checks.experiments.storage.files import write_atomic
from grpo_checks.experiments.storage.text import literal, markdown

# Escape sequence, carriage return, line breaks of three kinds, NUL, right-to-left override, half of
# a surrogate pair, and a character that XML forbids.
EVIL = "a\x1b[31m\r\nb\x85c\u2028d\0e\u202ef\ud800g\uffffh"
SAFE = r"a\x1b[31m\r\nb\x85c\u2028d\x00e\u202ef\ud800g\uffffh"


@pytest.mark.parametrize("text", ["", "J* - J <= φ/c, é, 漢字 ‖ 🙂", r"C:\new", SAFE])
def test_what_prints_is_left_alone(text):
    """Escaping twice is escaping once."""
    assert terminal.escaped(text) == text


def test_what_does_not_print_is_spelled():
    """A line stays a line."""
    assert terminal.escaped(EVIL) == SAFE


def test_messages_and_tables_stay_in_their_lines(capsys):
    """Also the names of columns."""
    terminal.say(EVIL, "next")
    terminal.complain(f"error: {EVIL}{'x' * 10**5}")
    terminal.say(*terminal.table_lines(pd.DataFrame({EVIL: [EVIL, "short"], "n": [1, 2]})))
    printed = capsys.readouterr()
    assert printed.out.split("\n")[:2] == [SAFE, "next"]
    assert printed.out.count("\n") == 5
    assert printed.err.startswith(f"error: {SAFE}x")
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 3000
    assert (printed.out + printed.err).replace("\n", "").isprintable()


@pytest.fixture
def refuted():
    """A report on a refuted cell whose every text is odd."""
    row = Row(EVIL, EVIL, {EVIL: EVIL}, 0.3, 0.3, 0.3, 0.2, "refuted", EVIL, evidence="certified")
    return report([replace(TOY, name=EVIL, statement=EVIL)], [[row]])


def test_reports_for_other_programs(refuted, tmp_path):
    """XML that can be parsed, JSON, and one line per row of CSV."""
    suite = ElementTree.fromstring(as_junit(refuted))
    (case,) = suite.iter("testcase")
    assert case.get("name") == SAFE
    assert f"{SAFE}={SAFE}" in "".join(case.itertext())
    assert json.loads(as_json(refuted))["claims"][0]["claim"] == SAFE
    for table in (refuted.rows, refuted.verdicts):
        assert table.to_csv(index=False).count("\n") == 2
    write_atomic(tmp_path / "odd", EVIL)
    assert (tmp_path / "odd").read_bytes() == EVIL.replace("\ud800", r"\ud800").encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a | b", r"a \| b"),
        ("e = <grad J, m>, x <= y < z", r"e = \<grad J, m>, x <= y < z"),
        ("<script>`", r"\<script>\`"),
        ("on `conflict <b>`", "on `conflict <b>`"),
        ("a\nb\rc", r"a\nb\rc"),
    ],
)
def test_a_cell_of_markdown_ends_where_it_should(text, shown):
    """No bar, line break, tag or half of a code span leaves it; code that is meant stays."""
    table = markdown(pd.DataFrame({"x": [text, "next"]}))
    assert table.split("\n") == ["| x |", "| --- |", f"| {shown} |", "| next |"]
    assert literal("plain, [0.1, 0.2]") == "plain, [0.1, 0.2]"


def _refused(words, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.strip("\n").isprintable()
    return error


def test_paths_are_shown_as_they_print(tmp_path, capsys):
    """Of an instance, an output folder and a claim's file."""
    odd = str(tmp_path / "a\x1b[2J\nb\u202e")
    assert r"a\x1b[2J\nb\u202e.json" in _refused(["verify", "--instance", f"{odd}.json"], capsys)
    assert r"a\x1b[2J\nb\u202e.py" in _refused(["explain", f"{odd}.py"], capsys)
    assert r"a\x1b[2J\nb\u202e" in _refused(["power", odd], capsys)
    assert cli.main(["verify", "--claim", "T3.klorder", "--out", odd]) == 0
    printed = capsys.readouterr().out
    assert rf"tables: {tmp_path}/a\x1b[2J\nb\u202e/part" in printed
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "words",
    [
        ["advise", "--instance", "bandit"],
        ["mutants", "--claim", "L.groups"],
        ["alarms", "--runs", "100000"],
        ["falsify", "T2.kappa", "--minutes", "1000"],
    ],
)
def test_where_nothing_can_be_written_nothing_is_computed(words, tmp_path, capsys):
    """Hours of work would be lost."""
    (tmp_path / "file").write_text("")
    assert "file" in _refused([*words, "--out", str(tmp_path / "file" / "under")], capsys)


def test_an_empty_name_is_no_instance(capsys):
    """Nor does it stand for all of them."""
    assert "instance = ''" in _refused(["verify", "--instance", ""], capsys)


def test_arguments_are_shown_as_they_print(capsys):
    """Those that argparse refuses."""
    with pytest.raises(SystemExit):
        cli.main(["list", "--\x1b[2J"])
    assert r"unrecognized arguments: --\x1b[2J" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_that_lacks_characters(encoding, monkeypatch):
    """It shows them by number; that is no failure."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    assert cli.main(["list"]) == 0
    printed = raw.getvalue().decode(encoding)
    assert r"kl(L_T \u2016 L_S)" in printed or r"\u2016" in printed


@pytest.mark.parametrize("words", [["list"], ["verify", "--help"]])
def test_nobody_need_listen(words, monkeypatch, capsys):
    """`list | head -1`: status 0, not a word on the standard error, and none when Python ends."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        try:
            status = cli.main(words)
        except SystemExit as left:
            status = left.code
        assert status == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="not Linux")
def test_a_full_disk_is_told(monkeypatch, capsys):
    """Once, and not again when Python ends."""
    with open("/dev/full", "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["list"]) == 2
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device\n"
