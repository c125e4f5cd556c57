"""Models on a log-odds line: the float model, the optimum in closed form, and bad input."""

import copy
from math import acosh, sqrt

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq
from helpers.choice_instance import full_gradient, full_value

from grpo_checks.theory.convergence.smoothness import leave_one_out_variance_bound, smoothness
from grpo_checks.theory.instances.conflict import MAXIMISER, MAXIMUM, conflict
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.line import at, parse_line, parse_odds, slope, value
from grpo_checks.theory.rational.lines.optimum import optimum, stationary_odds

PAYS, NOTHING = [{"share": 1, "rewards": [1]}], [{"share": 1, "rewards": [0]}]
DOCUMENT = {
    "weights": [1],
    "prompts": [
        {"share": 1, "slope": f, "actions": [{"outcomes": PAYS}, {"outcomes": NOTHING}]}
        for f in (1, -2)
    ],
}


def test_conflict_is_the_same_model():
    """Document, rational model and float instance; constants too."""
    line, instance = conflict_line(), conflict()
    assert parse_line(DOCUMENT) == line
    assert float(line.smoothness) == float(smoothness(instance.mdp, instance.policy))
    bound = leave_one_out_variance_bound(instance.mdp, instance.policy, 8)
    assert float(line.variance_bound(8)) == pytest.approx(float(bound), rel=1e-15)


@pytest.mark.parametrize("odds", [fmpq(1, 7), fmpq(1), fmpq(5, 2)])
def test_value_and_gradient(odds):
    """The sums over kinds of episodes, exactly."""
    line = conflict_line()
    assert full_value(at(line, odds)) == value(line, odds)
    assert full_gradient(at(line, odds)) == [slope(line, odds)]


def test_optimum_of_conflict():
    """x* = -arccosh(golden ratio), enclosed; the other zero is its mirror image."""
    logits = sorted(float(z.log()) for z in stationary_odds(conflict_line()))
    np.testing.assert_allclose(logits, [MAXIMISER, -MAXIMISER], rtol=1e-14)
    assert logits[1] == pytest.approx(acosh((1 + sqrt(5)) / 2))
    best = optimum(conflict_line())
    assert isinstance(best, arb)
    assert float(best) == pytest.approx(MAXIMUM, rel=1e-14)


def test_optimum_at_an_end():
    """One prompt: the better action alone; a prompt with slope 0 stays a coin."""
    changed = copy.deepcopy(DOCUMENT)
    changed["prompts"][1]["slope"] = 0
    assert optimum(parse_line(changed)) == fmpq(3, 4)


def test_optimum_on_random_models():
    """Not below any policy on a grid, and reached next to it."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        changed = copy.deepcopy(DOCUMENT)
        for prompt in changed["prompts"]:
            prompt["slope"] = int(rng.choice([-3, -2, -1, 1, 2, 3]))
            for action in prompt["actions"]:
                action["outcomes"] = [{"share": 1, "rewards": [f"{rng.integers(11)}/10"]}]
        line = parse_line(changed)
        grid = [float(value(line, arb(float(jnp.exp(x))))) for x in np.linspace(-20, 20, 801)]
        assert max(grid) - 1e-12 <= float(optimum(line)) <= max(grid) + 1e-3


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda d: d.pop("weights"), "weights"),
        (lambda d: d.update(weights=[0]), "weights"),
        (lambda d: d["prompts"][0].update(slope="1/2"), "slope"),
        (lambda d: d["prompts"][0].update(share=0), "share"),
        (lambda d: d["prompts"][0]["actions"].pop(), "actions"),
        (lambda d: [p.update(slope=0) for p in d["prompts"]], "slope"),
    ],
)
def test_bad_input(change, match):
    """The field is named."""
    changed = copy.deepcopy(DOCUMENT)
    change(changed)
    with pytest.raises(ValueError, match=match):
        parse_line(changed)


@pytest.mark.parametrize("odds", [0, -1, None, "x"])
def test_bad_odds(odds):
    """They are positive rationals."""
    with pytest.raises(ValueError, match="odds"):
        parse_odds({"odds": odds})
