"""What somebody who fills in the template gets wrong is told by its name."""

import re
from pathlib import Path

import pytest

from grpo_checks.experiments import __main__ as cli
from grpo_checks.experiments.commands.new import written

FILE = written("halving")
MUTANT = '("V(2G) <= V(G)/3", {"parts": 3})'


@pytest.mark.parametrize(
    ("text", "wrong", "told"),
    [
        ('"actions": n', '"action": n', r"halving.py:\d+: ValueError: places\[0\]: key 'action'"),
        ('"actions": n', '"prompts": 2', r"places\[0\]: prompts = 2: expected at most 1"),
        ('"actions": n', '"actions": 0', r"places\[0\]: actions = 0: expected a whole number"),
        (', "group_size": g}', "}", r"places\[0\]: no key 'group_size'"),
        ("for g in (2, 8)", "for g in (1, 8)", r"places\[0\]: group_size = 1: expected a whole"),
        ('4}, "a third"', "4}", r"mutant = 'a third': expected a case of it"),
        ('4}, "a third"', '4}, "a fifth"', r"mutant = 'a third': expected a case of it"),
        ('{"a third": (', '{"a": ("", {}), "a third": (', r"mutant = 'a': expected a case of it"),
        (MUTANT, '{"parts": 3}', r"mutant 'a third': expected a pair, what it changes in words"),
        ('"parts": 3', '"part": 3', r"halving.py:\d+: TypeError: one_prompt.*'part'"),
        (MUTANT, '({"parts": 3}, "V")', r"mutant 'a third': version = 'V': expected sides"),
        (
            "    assum",
            '    mutants={"a": ""},\n    assum',
            r"mutants = \('a',\): expected those of",
        ),
        (
            '"group_size": 4}',
            '"group_size": 99}',
            r"case 'groups of four': group_size = 99",
        ),
        ('"group_size": 4}', '"group": 4}', r"case 'groups of four': .*group"),
        (" / parts", " * 0.2", r"case 'groups of four': .*0.2"),
        ("2})", '2}, "a third")', r"cases: expected one of the claim itself"),
    ],
)
def test_a_slip_is_named(text, wrong, told, tmp_path, monkeypatch, capsys):
    """The key, the place, the mutant, and what was expected of it."""
    monkeypatch.chdir(tmp_path)
    assert text in FILE
    Path("halving.py").write_text(FILE.replace(text, wrong))
    status = cli.main(["verify", "--claim", "halving.py", "--mutant", "a third"])
    output = capsys.readouterr()
    assert status == 2
    assert re.search(told, output.err + output.out)


def test_a_search_that_certifies_nothing_says_why(tmp_path, monkeypatch, capsys):
    """Not that it needs more time."""
    monkeypatch.chdir(tmp_path)
    nowhere = '    exception=lambda **point: kit.unmet("nowhere"),\n    mutants'
    Path("halving.py").write_text(FILE.replace("    mutants", nowhere))
    assert cli.main(["falsify", "halving.py", "--minutes", "0.01"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert "expected one that says something: assumption unmet: nowhere" in line
