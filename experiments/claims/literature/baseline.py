"""L.baseline: whether the value is the best baseline that depends on the prompt alone.

Statement: a, G times the error of the oracle whose baseline is J, is at most G times that with any
other constant.
Proof: false; E|(R-c) s|^2 is least at c = E[R |s|^2]/E[|s|^2], so that the statement is true if and
only if R and |s|^2 are uncorrelated (derived); stored points refute it.
Source: arXiv:2603.01162 as read by others; see ``theory.updates.ustatistic``.
Units: squared rewards.
"""

from collections.abc import Mapping
from typing import Any

from grpo_checks.experiments.claims.literature.listed_errors import listed_prompts
from grpo_checks.experiments.claims.literature.mse import LISTED_MODELS
from grpo_checks.experiments.falsifier.choice_domain import ChoiceDomain, one_prompt
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.instances import InstanceSpec
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.protocol.assumptions import LISTED, stated
from grpo_checks.experiments.protocol.cell_rows import certified, exact, inequality, no_better, seen
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.runs.words import Table
from grpo_checks.experiments.storage.text import instances, span
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.updates.ustatistic import Noise, noise

NAME = "L.baseline"
BANDIT = {
    "weights": [1],
    "prompts": [
        {
            "share": 1,
            "actions": [
                {"odds": 3, "outcomes": [{"share": 1, "rewards": [1]}]},
                {"odds": 1, "outcomes": [{"share": 1, "rewards": [0]}]},
            ],
        }
    ],
}
"""Two answers, right with chance 3/4: one state, one logit for each."""


def _value_and_noise(point: Any) -> tuple[Any, Noise]:
    one = one_prompt(**point)
    return one.mean, one.noise


_terms = enclose(_value_and_noise)


def sides(**model: Any) -> tuple[Any, Any]:
    """a, and its least over all constants."""
    _, terms = _value_and_noise(model)
    return terms.oracle, terms.best


def _told(**point: Any) -> str:
    value, terms = _terms(point)
    baseline = value + terms.baseline
    return f"{terms.oracle} with the value {value} as baseline, {terms.best} with {baseline}"


STATEMENT = Statement(
    sides,
    ChoiceDomain(
        places=[
            {"actions": n, **more} for n in (2, 3) for more in ({}, {"outcomes": 2, "binary": True})
        ]
    ),
    note=_told,
)


def _bandit_row() -> Row:
    """In rational numbers."""
    decision, (value, terms) = STATEMENT.decide(BANDIT), _terms(STATEMENT.domain.read(BANDIT))
    numbers = (float(ends(decision.observed)[0]), float(ends(decision.bound)[0]))
    extra = {
        "observed_exact": str(terms.oracle),
        "bound_exact": str(terms.best),
        "value_exact": str(value),
        "best_baseline_exact": str(value + terms.baseline),
    }
    note = f"exact: {decision.note}"
    row = exact(NAME, "bandit", {}, *numbers, decision.verdict, note, extra)
    return certified(row)


def _rows(spec: InstanceSpec) -> list[Row]:
    rows = []
    for q, (one, errors, learns) in enumerate(listed_prompts(spec)):
        terms, off = noise(one), errors.noise()
        extra = {"value": one.value, "best_baseline": terms.baseline}
        labels = (NAME, spec.name, {"prompt": q}, terms.oracle, terms.best, off, "", extra)
        row = seen(inequality(*labels, identity=not learns))
        # The best constant is never worse: no more than equality can be seen.
        rows.append(no_better(row, "the value is a best baseline: R, |s|^2 are uncorrelated here"))
    return rows


def rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """Error of the oracle against that of the best constant, on each prompt; and on the bandit."""
    listed = [row for spec in LISTED_MODELS.chosen(scope) for row in _rows(spec)]
    return listed if scope.instance is not None else [_bandit_row(), *listed]


def facts(data: Table) -> Facts:
    """Of L.baseline: two answers in fractions, and what the best constant saves elsewhere."""
    bandit = data[data["instance"] == "bandit"].iloc[0]
    models = data[~data["instance"].isin(["bandit", "conflict"]) & (data["observed"] > 0)]
    saved = 1 - models["bound"] / models["observed"]
    tools = models["instance"].isin(["coding", "search"])
    return {
        "error": bandit["observed_exact"],
        "value": bandit["value_exact"],
        "least_error": bandit["bound_exact"],
        "best_baseline": bandit["best_baseline_exact"],
        "saves": span(saved.clip(lower=0), 2),
        "median": saved.median(),
        "instances": instances(models[tools]),
        "tools": max(saved[tools].max(), 0.0),
    }


CLAIM = Claim(
    name=NAME,
    statement="arXiv:2603.01162 as read by others: a/G is the least error among unbiased "
    "estimators whose baseline depends on the prompt alone",
    provenance="literature",
    expected="refuted",
    proof=("grpo_checks.theory.updates.ustatistic",),
    figures=("looseness",),
    facts={NAME: facts},
    assumptions=(LISTED, *stated("true if and only if R and |s|^2 are uncorrelated (derived)")),
    rows=rows,
    exact=STATEMENT.exact(),
)
