"""Words about counts and names, and lines of prose."""

import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments.commands.verify import _check_mutant
from grpo_checks.experiments.storage.text import WIDTH, counted, meant, wrapped


def test_one_is_singular():
    """0 and 1,000 are plural; a plural that is no s is given."""
    told = [counted(n, "row") for n in (0, 1, 2, 1000)]
    assert told == ["0 rows", "1 row", "2 rows", "1,000 rows"]
    told = [counted(n, "group has", "groups have") for n in (1, 2)]
    assert told == ["1 group has", "2 groups have"]


def test_the_nearest_name():
    """Of several the nearest; nothing where none is near."""
    assert meant("tlr", ("trl-grpo", "trl", "verl")) == "did you mean 'trl'? "
    assert meant("x", ("trl", "verl")) == ""


def test_a_misspelt_mutant_is_told_its_name():
    """With all that there are behind it."""
    name = next(iter(TOY.mutants))
    with pytest.raises(ValueError, match=f"did you mean '{name}'. expected one of"):
        _check_mutant(name.replace("w", "v"), [TOY])


def test_prose_is_wrapped_and_nothing_else():
    """Tables, headings and pictures stay; no line begins with an operator."""
    prose = "a sum of terms " + "x - y + z >= 3 " * 20
    table = "| a | b |\n| --- | --- |\n| " + "1 " * 80 + "| 2 |"
    text = f"# {prose}\n\n{prose}\n\n{table}\n\n![{prose}](x.png)\n"
    heading, body, kept, picture = wrapped(text).split("\n\n")
    assert (heading, kept, picture) == (f"# {prose}", table, f"![{prose}](x.png)\n")
    lines = body.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert body.split() == prose.split()
    assert not [line for line in lines if line.startswith(("-", "+", ">"))]
