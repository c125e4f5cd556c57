"""Real parameters as fractions, and documents with a part less."""

from fractions import Fraction

import numpy as np
import pytest

from grpo_checks.experiments.falsifier.rounding import near, odds, positive, table, unit
from grpo_checks.experiments.falsifier.smaller import smaller_choice, smaller_menu
from grpo_checks.experiments.points.decomposition.first_order_search import KAPPA_DOMAIN
from grpo_checks.theory.rational.choices.choice import parse_choice


@pytest.mark.parametrize("largest", [1, 3, 20, 100_000])
def test_numbers_stay_in_range(largest):
    """Chances in [0, 1], sizes > 0, denominators as asked, however extreme the parameters."""
    for x in (-800.0, -3.0, 0.0, 0.3, 5.0, 800.0):
        p, size = Fraction(unit(x, largest)), Fraction(positive(x, largest))
        assert 0 <= p <= 1
        assert size > 0
        assert max(p.denominator, size.denominator) <= largest
    assert odds(np.array([0.0, -800.0, np.log(0.5)]), largest)[:2] == [largest, 1]


def test_fine_rounding_changes_little():
    """The nearest fraction."""
    assert abs(Fraction(near(np.pi, 100_000)) - Fraction(np.pi)) < 1e-9
    assert table(np.zeros((2, 1)), unit, 4) == [["1/2"], ["1/2"]]


MENU = {"group_size": 4, "calls": [["1/2", 0], ["1/4", "1/4"], [0, 0]], "odds": [1, 1, 0]}


@pytest.mark.parametrize(("field", "expected"), [("weights", 5), ("slopes", 4)])
def test_a_call_or_a_component_less(field, expected):
    """Slopes are one less than components, and have no last one to leave out."""
    document = {**MENU, field: [1, 2] if field == "weights" else [1]}
    listed = list(smaller_menu(document))
    assert len(listed) == expected
    if field == "weights":
        for smaller in listed:
            KAPPA_DOMAIN.read(smaller)


def test_a_prompt_an_action_an_outcome_or_a_component_less():
    """Counted by hand for two equal prompts of two actions, one of which has two outcomes."""
    actions = [
        {"odds": 1, "outcomes": [{"share": 1, "rewards": [0, 1]}]},
        {"odds": 2, "outcomes": [{"share": s, "rewards": [1, s]} for s in (0.5, 1)]},
    ]
    document = {"weights": [1, 1], "prompts": [{"share": 1, "actions": actions}] * 2}
    listed = list(smaller_choice(document))
    assert len(listed) == 2 + 2 + 2 * (2 + 2)
    for smaller in listed:
        parse_choice(smaller)
