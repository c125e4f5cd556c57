"""T1.bias: is std-normalised GRPO stationary where J is? Decided in ball arithmetic alone.

True for G = 2 and 3 with one two-valued reward. False on `conflict` from G = 4 on, in one direction
(E[g] = 0 and grad J is not), and already at G = 2 with three reward values in the other (the
gamble: grad J = 0 and E[g] is not).
"""

from collections.abc import Mapping

from flint import arb, fmpq

from experiments.assumptions import ENCLOSED, stated
from experiments.claim import Claim, Row, Scope
from experiments.points.bias import EXACT, NORMALIZED, fair_model
from experiments.runs import RunResult
from experiments.settings import RunSettings
from experiments.verdict import compare
from theory.balls import Number, ends, magnitude
from theory.choice import full_gradient
from theory.choice_update import update
from theory.instances.conflict import conflict_line
from theory.line import potential, slope
from theory.line_optimum import change_of_sign
from theory.response_balls import is_constant

GROUPS = (2, 3, 4, 8, 16, 64)
GAMBLE_GROUPS = (2, 3)
HALVINGS = 40
# Two actions of probability 1/2: the first pays 2/5, the second 1 with chance 2/5, else 0.
GAMBLE = {
    "mean": "2/5",
    "fair": [
        {"odds": 1, "down": 0, "up": 0},
        {"odds": 1, "down": 1, "up": 1},
    ],
}


def stationary_gradient(group_size: int) -> Number:
    """|grad J|^2 at a zero of E[g] on `conflict`, enclosed.

    With one two-valued reward E[g] = c_G(p) grad p, the slope of Jtilde.
    """
    line, climbed = conflict_line(), potential(group_size)
    odds = change_of_sign(lambda z: slope(line, z, climbed), fmpq(1, 16), fmpq(1), HALVINGS)
    steep = slope(line, odds)
    return steep * steep


def _row(name: str, group_size: int, found: Number, note: str) -> Row:
    """Of a number that the claim says is 0."""
    decision = compare(found, fmpq(0))
    low, high = (float(x) for x in ends(found))
    parameters = {"components": 1, "group_size": group_size, "estimator": NORMALIZED.name}
    numbers = ((low + high) / 2, low, high, 0.0)
    verdict = decision.verdict
    return Row("T1.bias", name, parameters, *numbers, verdict, note, evidence="certified")


def _conflict_row(group_size: int) -> Row:
    if is_constant(group_size):
        note = "exact: c_G is constant, so E[g] is a multiple of grad J"
        return _row("conflict", group_size, fmpq(0), note)
    note = "|grad J|^2 at the zero of E[g]; enclosed"
    return _row("conflict", group_size, stationary_gradient(group_size), note)


def _gamble_row(group_size: int) -> Row:
    model = fair_model(GAMBLE)
    gradient, mean = full_gradient(model), update(model, group_size, NORMALIZED).mean
    if any(gradient):
        raise ArithmeticError(f"grad J = {gradient} on the gamble: expected 0")
    shown = mean[0].str(7, radius=False) if isinstance(mean[0], arb) else str(mean[0])
    note = f"grad J = {gradient[0]}, E[g] = {shown} (first action's logit)"
    return _row("gamble", group_size, magnitude(mean[0]), note)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """`conflict` for several G, and the gamble; no sampling."""
    found = [*map(_conflict_row, GROUPS)]
    return found if scope.instance is not None else [*found, *map(_gamble_row, GAMBLE_GROUPS)]


CLAIM = Claim(
    name="T1.bias",
    statement="E[g] of `group_normalized` vanishes where grad J does, and only there",
    provenance="derived",
    expected="refuted",
    proof=("theory.response_balls",),
    figures=("t1_bias",),
    assumptions=(ENCLOSED, *stated("eps = 0, ddof = 0")),
    mutants={},
    runs=lambda scope: [],
    rows=rows,
    exact=EXACT,
)
