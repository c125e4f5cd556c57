"""P.kl: what estimates of a KL penalty climb, at one decision and at several.

Statement, one line each, of the expected gradient on policy, x = log pi - log ref of a token:
- k1 as loss (x) has none, whether an episode's tokens are added up or averaged;
- k1 in the reward, and k2 as loss (x^2/2, and verl's k3+), have that of KL(pi || ref);
- k3 as loss (exp(-x) - 1 + x) has that of KL(ref || pi);
- the importance ratio times k3 is k2 as loss.
With one decision all of it holds. With several the first half of the first line, k1 in the reward
and the last line hold; averaged, k1 has grad E[1/l], or grad E[1/N], whatever the reference is; k2
as loss lacks what a token does to later states; k3 as loss meets states as pi does, not as ref.
Proof: ``theory.regularisation.in_loss``.
Source: arXiv:2510.01555 and arXiv:2512.21852, as read from their abstracts: our formalisation, and
no error of either is meant.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.claims.practice.kl_models import model_rows
from grpo_checks.experiments.models.instances import InstanceSpec, build
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.practice.kl import (
    K1_PER_EPISODE,
    K1_PER_TOKEN,
    ROWS,
    STATEMENT,
)
from grpo_checks.experiments.protocol.assumptions import Assumption, stated
from grpo_checks.experiments.protocol.cell_rows import stored_only
from grpo_checks.experiments.protocol.certificates import DIGITS
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import count, exactly, having, table
from grpo_checks.experiments.storage.text import instances, span
from grpo_checks.theory.numbers.balls import shown

NAME = "P.kl"
ONE = {
    "policy_first": [2, 1, 1],
    "policy_second": [[1], [1], [1]],
    "reference_first": [1, 3, 1],
    "reference_second": [[1], [1], [1]],
    "stops": 3,
}
TWO = {
    "policy_first": [1, 1],
    "policy_second": [[1, 1], [1, 1]],
    "reference_first": [3, 1],
    "reference_second": [[1, 3], [1, 1]],
}
"""A uniform policy."""
UNEQUAL = (K1_PER_EPISODE, K1_PER_TOKEN, *(row for row in ROWS if "grad E" in row))
"""Rows that need episodes of different lengths to be told from their claims."""


def point(row: str, several: bool) -> dict[str, Any]:
    """Where a row is decided."""
    if not several:
        return {"row": row, **ONE}
    return {"row": row, **TWO, **({"stops": 1} if row in UNEQUAL else {})}


def _cell(row: str, several: bool) -> Row:
    decision = STATEMENT.decide(point(row, several))
    exact = {
        "observed_exact": shown(decision.observed, DIGITS),
        "bound_exact": shown(decision.bound, DIGITS),
    }
    return Row(
        NAME, "several decisions" if several else "one decision", {"estimate": row},
        *decision.numbers, decision.verdict, decision.note, exact, evidence="certified",
    )  # fmt: skip


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Both columns of the table, and models; a false version is decided on its stored case."""
    if scope.mutant is not None:
        return stored_only(NAME, scope)
    table = [_cell(row, several) for several in (False, True) for row in ROWS]
    return [*(table if scope.instance is None else []), *model_rows(NAME, scope)]


def _single(spec: InstanceSpec) -> str | None:
    return None if build(spec).mdp.max_depth else "one decision: all of the table holds there"


def facts(data: pd.DataFrame) -> Facts:
    """Of P.kl: both columns of its table, and the numbers of the second."""
    cells = data[data["estimate"].notna()]
    one, several = (
        cells[cells["instance"] == column] for column in ("one decision", "several decisions")
    )
    verdicts = one.set_index("estimate")["verdict"]
    models = cells[cells["step"].notna()]
    off = {
        name: having(models[models["estimate"] == estimate], "refuted")
        for name, estimate in (("k2", "k2 as loss"), ("k3", "k3 as loss"))
    }
    lines = [
        {
            "estimate": row["estimate"],
            "one decision": verdicts[row["estimate"]],
            "several decisions": row["verdict"],
            "its gradient there": exactly(row, "observed"),
            "that it is taken for": exactly(row, "bound"),
            "of the": row["note"],
        }
        for _, row in several.iterrows()
    ]
    return {
        "one": count(one, "holds"),
        "one_cells": len(one),
        "refuted": count(several, "refuted"),
        "cells": len(several),
        "instances": instances(off["k2"]),
        "nats": span(off["k2"]["nats"], 2),
        **{name: span(100 * part["observed"], 2) for name, part in off.items()},
        "table": table(pd.DataFrame(lines)),
    }


CLAIM = Claim(
    name=NAME,
    statement="an estimate of KL has the expected gradient that it is taken for: k1 as loss none, "
    "k1 in the reward and k2 as loss (k3+) that of KL(pi, ref), k3 as loss that of KL(ref, pi), "
    "the ratio times k3 that of k2; whatever the number of decisions",
    provenance="literature",
    expected="refuted",
    proof=("grpo_checks.theory.regularisation.in_loss",),
    facts={NAME: facts},
    assumptions=(
        Assumption("of a model: several decisions", _single),
        *stated(
            "on policy",
            "k1 in the reward as `leave_one_out` sees it (`mean_baseline`: times 1 - 1/G)",
            "loss added up over tokens, where it does not say a mean; a token mean of one group "
            "of two",
        ),
    ),
    figures=("p_kl",),
    rows=rows,
    exact=STATEMENT.exact(),
)
