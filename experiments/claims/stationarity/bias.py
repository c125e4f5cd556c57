"""T1.bias: is std-normalised GRPO stationary where J is? Decided in ball arithmetic alone.

True for G = 2 and 3 with one two-valued reward: there E[g] is one multiple of grad J at all
policies, which finitely many of them decide. False on `conflict` from G = 4 on, in one direction
(E[g] = 0 and grad J is not), and already at G = 2 with three reward values in the other (the
gamble: grad J = 0 and E[g] is not). Groups are listed; no response function is taken for granted.
"""

from collections.abc import Mapping

import pandas as pd
from flint import arb, fmpq

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.stationarity.bias import (
    EXACT,
    NORMALIZED,
    STATEMENT,
    enclosed_fields,
)
from grpo_checks.experiments.protocol.assumptions import ENCLOSED
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.verdict import compare
from grpo_checks.experiments.runs.words import table
from grpo_checks.experiments.storage.text import enclosed
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, ends, magnitude, shown
from grpo_checks.theory.rational.choices.update import update
from grpo_checks.theory.rational.lines.conflict import conflict_line
from grpo_checks.theory.rational.lines.line import at, slope
from grpo_checks.theory.rational.lines.optimum import change_of_sign
from grpo_checks.theory.rational.lines.update import gradient_multiple

TRAINERS = Estimator("group_normalized", ddof=1, eps=1e-4)
"""As TRL has it."""
CELLS = (*((g, NORMALIZED) for g in (2, 3, 4, 8, 16, 64)), (3, TRAINERS), (8, TRAINERS))
GAMBLES = ((2, NORMALIZED), (3, NORMALIZED), (2, TRAINERS))
HALVINGS = 40
# Two actions of probability 1/2: the first pays 2/5, the second 1 with chance 2/5, else 0.
GAMBLE = {
    "mean": "2/5",
    "fair": [
        {"odds": 1, "down": 0, "up": 0},
        {"odds": 1, "down": 1, "up": 1},
    ],
}


def stationary_gradient(group_size: int, estimator: Estimator = NORMALIZED) -> Number:
    """|grad J|^2 at a zero of E[g] on `conflict`, enclosed.

    Raises ArithmeticError where no change of sign of E[g] is certain.
    """
    line = conflict_line()

    def mean(odds: fmpq) -> Number:
        return update(at(line, odds), group_size, estimator).mean[0]

    steep = slope(line, change_of_sign(mean, fmpq(1, 16), fmpq(1), HALVINGS))
    return steep * steep


def _row(
    name: str, group_size: int, estimator: Estimator, number: Number, note: str, **extra: str
) -> Row:
    """Of a number that the claim says is 0."""
    decision = compare(number, fmpq(0))
    low, high = (float(x) for x in ends(number))
    options = {"eps": estimator.eps, "ddof": estimator.ddof, "estimator": estimator.name}
    parameters = {"components": 1, "group_size": group_size, **options}
    numbers = ((low + high) / 2, low, high, 0.0)
    verdict = decision.verdict
    return Row("T1.bias", name, parameters, *numbers, verdict, note, extra, evidence="certified")


def _conflict_row(group_size: int, estimator: Estimator) -> Row:
    labels = ("conflict", group_size, estimator)
    multiple = gradient_multiple(conflict_line(), group_size, estimator)
    if multiple is not None and multiple.terms:
        note = f"exact: E[g] = {shown(multiple.number(), 8)} grad J at all policies"
        return _row(*labels, fmpq(0), note)
    note = "|grad J|^2 at the zero of E[g]; enclosed"
    return _row(*labels, stationary_gradient(group_size, estimator), note)


def _gamble_row(group_size: int, estimator: Estimator) -> Row:
    options = {"group_size": group_size, "ddof": estimator.ddof, "eps": estimator.eps}
    gradient, mean = enclosed_fields(STATEMENT.domain.read({**GAMBLE, **options}))
    if any(gradient):
        raise ArithmeticError(f"grad J = {gradient} on the gamble: expected 0")
    value = mean[0].str(7, radius=False) if isinstance(mean[0], arb) else str(mean[0])
    note = f"grad J = {gradient[0]}, E[g] = {value} (first action's logit)"
    return _row("gamble", group_size, estimator, magnitude(mean[0]), note, mean_update=value)


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """`conflict` for several G, and, unless that alone is asked for, the gamble; no sampling."""
    gambles = () if scope.instance else GAMBLES
    first = [_conflict_row(*cell) for cell in CELLS]
    return [*first, *(_gamble_row(*cell) for cell in gambles)]


def facts(data: pd.DataFrame) -> Facts:
    """Of T1.bias: |grad J|^2 where E[g] vanishes, and E[g] where grad J does."""
    conflict, gambles = (data[data["instance"] == name] for name in ("conflict", "gamble"))
    gradients = pd.DataFrame(
        {
            "G": conflict["group_size"].astype(int),
            "eps": conflict["eps"].map("{:g}".format),
            "ddof": conflict["ddof"].map("{:.0f}".format),
            "|grad J|^2": [
                enclosed(row["lower"], row["upper"], 6) for _, row in conflict.iterrows()
            ],
            "verdict": conflict["verdict"],
        }
    )
    updates = [
        f"grad J = 0, E[g] = {row['mean_update']} (first action's logit) "
        f"at G = {row['group_size']:.0f}, eps = {row['eps']:g}, ddof = {row['ddof']:.0f}"
        for _, row in gambles.iterrows()
    ]
    return {"table": table(gradients), "gambles": "; ".join(updates)}


CLAIM = Claim(
    name="T1.bias",
    statement="E[g] of `group_normalized` vanishes where grad J does, and only there",
    provenance="derived",
    expected="refuted",
    proof=("grpo_checks.theory.rational.menus.response",),
    figures=("t1_bias",),
    facts={"T1.bias": facts},
    assumptions=(ENCLOSED,),
    rows=rows,
    exact=EXACT,
)
