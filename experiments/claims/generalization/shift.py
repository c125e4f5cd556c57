"""T3.shift: a false transfer bound, refuted by stored counterexamples.

T3.shift is the appendix's equation (Eq. 50, as reported) with a shift term divided by sqrt n: more
source tasks would make the target closer. Its rows give its failure probability for a range of n,
and that of the bound with the undivided term, in the same exact arithmetic.
"""

from collections.abc import Mapping
from math import log

from grpo_checks.experiments.models.settings import RunResult, RunSettings
from grpo_checks.experiments.points.generalization import shift
from grpo_checks.experiments.protocol.assumptions import STORED, stated
from grpo_checks.experiments.protocol.claim import Claim, Row, Scope
from grpo_checks.experiments.protocol.verdict import compare
from grpo_checks.theory.numbers.balls import Number, ends, fmpq
from grpo_checks.theory.rational.tasks.bounds import failure, mcallester_value
from grpo_checks.theory.rational.tasks.shift import hard_task, shift_rule, shift_term
from grpo_checks.theory.rational.tasks.tasks import Learned, Tasks, learn

SHIFT = "T3.shift"
DELTA = fmpq(1, 20)
HARD = (fmpq(7, 20), fmpq(1, 10))
SIZES = {"quick": (5, 20, 100), "paper": (2, 5, 10, 20, 50, 100, 200, 500)}


def _fails(tasks: Tasks, term: Number) -> Number:
    rule = shift_rule(term)
    return failure(tasks, lambda counts: rule(learn(tasks, counts), tasks.n, tasks.delta))


def _sweep(n: int, hard: fmpq) -> Row:
    """The reported bound for one n, and the gap and both terms for the figure."""
    tasks = hard_task(n, hard, DELTA)
    reported, undivided = shift_term(tasks), shift_term(tasks, rooted=False)
    assert reported is not None
    assert undivided is not None
    failing = _fails(tasks, reported)
    decision = compare(failing, DELTA, shift.shown(failing, DELTA))
    nothing = Learned(*(fmpq(0),) * 4)
    extra = {
        "gap": float(1 - hard),
        "shift_term_reported": float(reported),
        "shift_term": float(undivided),
        "sample_term": float(mcallester_value(nothing, n, DELTA)),
        "divergence": -log(hard),
        "failure_undivided": float(ends(_fails(tasks, undivided))[1]),
    }
    parameters = {"n_tasks": n, "hard": str(hard), "delta": float(DELTA)}
    values = (*decision.numbers, decision.verdict, decision.note)
    return Row(SHIFT, "one policy", parameters, *values, extra, evidence="certified")


def shift_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """A range of n."""
    return [_sweep(n, hard) for hard in HARD for n in SIZES[scope.profile]]


CLAIM = Claim(
    name=SHIFT,
    statement="L_T <= Lhat + sqrt((KL(Q,P) + ln(2 sqrt n/delta))/2n) + sqrt(KL(D_T,D_S)/2n)",
    provenance="reported",
    expected="refuted",
    proof=("grpo_checks.theory.rational.tasks.shift",),
    figures=("t3_shift",),
    assumptions=(STORED, *stated("tasks i.i.d. from D_S", "losses in [0, 1]")),
    mutants={},
    runs=lambda scope: [],
    rows=shift_rows,
    exact=shift.EXACT,
)
