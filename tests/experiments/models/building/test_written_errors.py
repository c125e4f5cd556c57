"""What is wrong with a written model is said in one line, with field, value and expectation."""

from fractions import Fraction

import pytest

from grpo_checks.experiments.models.building.model import Model


def _base():
    return Model("m").prompt("q", start="s").answer("y")


WRONG = {
    "name = 'a b'": lambda: Model("a b"),
    "depth = -1: expected 0..10000": lambda: Model("m", depth=-1),
    "component 'c': weight = 0: expected a weight > 0": lambda: Model("m").component("c", 0),
    "units = (1, 1): expected low < high": lambda: Model("m").component("c", units=(1, 1)),
    "expected at most 1, else failing": lambda: Model("m").component(
        "c", false_positive=0.6, false_negative=0.6
    ),
    "prompt = 'q': occurs twice": lambda: _base().prompt("q", start="s"),
    "prompt 'p': start: a sum of '9/10': expected a sum of 1": lambda: _base().prompt(
        "p", start={"s": 0.5, "t": 0.4}
    ),
    "start['s'] = nan: expected a number": lambda: _base().prompt("p", start={"s": float("nan")}),
    "start['s'] = '3/2': expected a number in [0, 1]": lambda: _base().prompt(
        "p", start={"s": "3/2"}
    ),
    "tool 'u': at = 7: expected a name": lambda: _base().tool("u", 7, "s"),
    "no chance: expected one for every": lambda: _base().prompt("p", "s", 0.5).build(),
    "tool 'u': at = 's': occurs twice": lambda: (
        _base().tool("u", "s", "t").tool("u", "s", "t").build()
    ),
    "reached after 0 and after 1 tool calls": lambda: _base().tool("u", "s", "s").build(),
    "answer: none: expected at least one": lambda: Model("m").prompt("q", start="s").build(),
    "did you mean 'start'? expected one of": lambda: (
        Model("m").prompt("q", "start").answer("y").reward(1, at="strat").build()
    ),
    "reward['reward'] = 2: expected a reward in [0, 1], the units": lambda: (
        _base().reward(2).build()
    ),
    "reward = 1: expected one for each of a, b": lambda: (
        Model("m").component("a").component("b").reward(1)
    ),
    "state 't' after 1 tool calls: no tool and no answer": lambda: (
        Model("m").prompt("q", "s").tool("u", "s", "t").answer("y", at="s").build()
    ),
    "as a verifier that errs passes": lambda: (
        Model("m").component("c", false_positive=0.1).prompt("q", "s").answer("y", reward=0.5)
    ).build(),
    "'s' and 't': expected the same actions": lambda: (
        Model("m").prompt("q", {"s": 0.5, "t": 0.5}).answer("y").answer("n", at="s")
    ).alike("o", ["t", "s"]).build(),
    "states after 0 and after 1 tool calls": lambda: (
        _base().tool("u", "s", "t").alike("o", ["s", "t"]).build()
    ),
    "logit: action = 'z': expected one of 'y'": lambda: _base().logit("s", "z", 1).build(),
    "theta[0, 0] = 60.0: expected a logit": lambda: _base().logit("s", "y", 60).build(),
    "observation: given: expected none beside": lambda: (
        _base().feature("s", "y", [1]).alike("o", "s").build()
    ),
    "12000 states after 1 tool calls: expected at most 11585": lambda: (
        Model("m").prompt("q", "s").answer("y").tool(
            "u", "s", {str(i): Fraction(1, 11999) for i in range(11999)}
        ).build()
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_said(told):
    """In one line, with the field, the value and what was expected."""
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as error:
        WRONG[told]()
    assert told in str(error.value)
