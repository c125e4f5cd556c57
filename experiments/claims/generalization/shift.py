"""T3.shift: a false transfer bound, refuted by stored counterexamples.

Statement: with chance 1 - delta over n tasks of the source, L_T <= Lhat + sqrt((KL(Q ‖ P) +
ln(2 sqrt n/delta))/2n) + sqrt(KL(D_T ‖ D_S)/2n), Q the Gibbs posterior of the sample.
Proof: false: with a shift term divided by sqrt n more *source* tasks would bring the *target*
closer. Undivided, it is McAllester's bound with Pinsker's inequality. The smallest case is one
policy that fails on the hard type and only there: KL(Q ‖ P) = 0, L_S = h, L_T = 1 where the target
is all hard, and KL(D_T ‖ D_S) = ln(1/h).
Source: the appendix's equation (Eq. 50), as reported.
Units: chances, over the draw of tasks, as sums over all samples. Rows: the smallest case for a
range of n, and what the undivided term gives there.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import product
from math import log
from typing import Any

import jax.numpy as jnp
from flint import arb, fmpq

from grpo_checks.experiments.falsifier.constraints import integer, simplex
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization.samples import (
    ARRAYS,
    failure,
    informative,
    samples,
)
from grpo_checks.experiments.protocol.assumptions import STORED, stated
from grpo_checks.experiments.protocol.claim import Claim, Facts, Row, Scope
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.experiments.runs.words import Table, table
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.generalization.pac_bayes import mcallester
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.numbers.counts import MAX_TASKS
from grpo_checks.theory.numbers.kl import kl_divergence

DELTA = fmpq(1, 20)
HARD = (fmpq(7, 20), fmpq(1, 10))
SIZES = {"quick": (5, 20, 100), "paper": (2, 5, 10, 20, 50, 100, 200, 500)}


def shift_term(n: int, source: Any, target: Any, rooted: bool) -> Any:
    """sqrt(KL(D_T ‖ D_S)/2), over sqrt n if ``rooted``: the equation as reported."""
    return jnp.sqrt(kl_divergence(target, source) / (2 * n if rooted else 2))


def _bounds(
    rooted: bool, n: int, delta: Any, source: Any, target: Any, **law: Any
) -> tuple[Any, Any, Any]:
    chance, sample = samples(n, source, target=target, **law)
    bound = mcallester(sample.empirical, sample.divergence, n, delta)
    return chance, bound + shift_term(n, source, target, rooted), sample.risk


DOMAIN = Domain(
    {**ARRAYS, "target": simplex("types", support=False)},
    {"n": integer(1, MAX_TASKS)},
    places=[
        {"n": n, "types": z, "policies": 1, "prior": False, "temperature": False}
        for n, z in product((1, 2, 4, 8, 16), (2, 3))
    ],
)
_REPORTED = partial(_bounds, True)
REPORTED = Statement(failure(_REPORTED), DOMAIN, trivial=informative(_REPORTED), smooth=False)


def decide(document: Document, mutant: str | None = None) -> Decision:
    """Failure probability of the reported bound against delta, told in full."""
    decision = REPORTED.decide(document)
    exactly = shown(decision.observed, decision.bound)
    return decision._replace(note=decision.note or exactly)


def shown(chance: Any, delta: Any) -> str:
    """The failure probability as it is, or by its distance from 1 if it is too long to read."""
    if len(str(chance)) > 30:
        rest = arb(1 - chance)
        # In ball arithmetic: a float would call 1e-400 zero.
        chance = f"1 - {rest.str(2, radius=False)}" if rest < 0.001 else f"{float(chance):.6g}"
    return f"exact: fails with probability {chance}, delta = {delta}"


def hard_task(n: int, hard: fmpq, delta: fmpq) -> Document:
    """The smallest case."""
    laws = {"source": [str(1 - hard), str(hard)], "target": [0, 1]}
    return {"n": n, "delta": str(delta), **laws, "losses": [[0, 1]]}


_term = enclose(
    lambda point, rooted: shift_term(point["n"], point["source"], point["target"], rooted)
)
failing = enclose(lambda point, rooted: failure(partial(_bounds, rooted))(**point)[0])
"""The chance that the bound fails, for the term as reported or undivided."""
_sample_term = enclose(lambda point: mcallester(0, 0, point["n"], point["delta"]))


def _sweep(n: int, hard: fmpq) -> Row:
    """The reported bound for one n, and the gap and both terms for the figure."""
    point = DOMAIN.read(hard_task(n, hard, DELTA))
    chance = failing(point, True)
    decision = compare(chance, DELTA, shown(chance, DELTA))
    extra = {
        "gap": float(1 - hard),
        "shift_term_reported": float(_term(point, True)),
        "shift_term": float(_term(point, False)),
        "sample_term": float(_sample_term(point)),
        "divergence": -log(hard),
        "failure_undivided": float(ends(failing(point, False))[1]),
    }
    parameters = {"n_tasks": n, "hard": str(hard), "delta": float(DELTA)}
    values = (*decision.numbers, decision.verdict, decision.note)
    return Row(NAME, "one policy", parameters, *values, extra, evidence="certified")


def shift_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A range of n."""
    return [_sweep(n, hard) for hard in HARD for n in SIZES[scope.profile]]


NEARLY = 0.9999
"""Failure probabilities beyond it are not printed as 1."""


def certain_failure(data: Table) -> Facts:
    """Of T3.shift: the largest failure probability, beside delta, and from how many tasks on it is
    reached in every setting."""
    largest = data["observed"].max()
    level = min(float(largest), NEARLY)
    reached = data.groupby("n_tasks")["observed"].min() >= level
    return {
        "worst": f"up to {largest:.4f}" if largest < NEARLY else f"above {NEARLY:g}",
        "delta": ", ".join(f"{x:g}" for x in data["delta"].unique()),
        "worst_tasks": f"{reached.index[reached].min():.0f}" if reached.any() else "no number of",
    }


def facts(data: Table) -> Facts:
    """Of T3.shift: how often the bound fails, and the one with the undivided term."""
    headings = "n_tasks: n | hard: D_S(hard) | note: failure | verdict"
    return {
        "table": table(data, headings),
        "delta": ", ".join(f"{x:g}" for x in data["delta"].unique()),
        "undivided": data["failure_undivided"].max(),
    }


NAME = "T3.shift"
CLAIM = Claim(
    name=NAME,
    statement="L_T <= Lhat + sqrt((KL(Q,P) + ln(2 sqrt n/delta))/2n) + sqrt(KL(D_T,D_S)/2n)",
    provenance="reported",
    expected="refuted",
    proof=("grpo_checks.theory.generalization.transfer",),
    figures=("t3_shift",),
    facts={NAME: facts},
    assumptions=(STORED, *stated("tasks i.i.d. from D_S", "losses in [0, 1]")),
    rows=shift_rows,
    exact=replace(REPORTED.exact(), decide=decide),
)
