"""Words about counts and names."""

import pytest
from helpers.toy_claim import TOY

from grpo_checks.experiments.commands.verify import _check_mutant
from grpo_checks.experiments.storage.text import counted, meant


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
