"""T3.shift and T3.klorder: two false transfer bounds, refuted by stored counterexamples.

T3.shift is the appendix's equation (Eq. 50, as reported) with a shift term divided by sqrt n: more
source tasks would make the target closer. Beside the stored cases the same exact arithmetic gives
its failure probability for a range of n, and that of the bound with the undivided term.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import log

from experiments.assumptions import STORED, stated
from experiments.claim import Claim, Row, Scope, Verdict, judge
from experiments.counterexamples import check_klorder, check_shift, fraction, load
from experiments.runs import RunResult, RunSettings
from theory.shift_claim import failure, shift_terms

SHIFT, ORDER = "T3.shift", "T3.klorder"
DELTA = Fraction(1, 20)
HARD = (Fraction(7, 20), Fraction(1, 10))
SIZES = {"quick": (5, 20, 100), "paper": (2, 5, 10, 20, 50, 100, 200, 500)}


def _stored_shift() -> list[Row]:
    made = []
    for stored in load(SHIFT):
        verdict, note = check_shift(stored)
        delta, found = (float(fraction(field, stored[field])) for field in ("delta", "failure"))
        chosen = {"n_tasks": stored["n"], "hard": stored["hard"], "delta": delta}
        parameters = {**chosen, "kind": "stored"}
        values = (found, found, found, delta, verdict, note)
        made.append(Row(SHIFT, "one policy", parameters, *values))
    return made


def _sweep(n: int, hard: Fraction) -> Row:
    """The reported bound for one n, and the gap and both terms for the figure."""
    certain, possible = (float(x) for x in failure(n, hard, DELTA))
    terms, right = shift_terms(n, hard, DELTA, True), shift_terms(n, hard, DELTA, False)
    extra = {
        "gap": float(1 - hard),
        "shift_term_reported": float(terms.shift.high),
        "shift_term": float(right.shift.high),
        "sample_term": float(terms.sample.high),
        "divergence": -log(hard),
        "failure_undivided": float(failure(n, hard, DELTA, rooted=False).possible),
    }
    parameters = {"n_tasks": n, "hard": str(hard), "delta": float(DELTA), "kind": "sweep"}
    verdict: Verdict = judge(possible, certain, float(DELTA))
    values = (certain, certain, possible, float(DELTA), verdict, "exact")
    return Row(SHIFT, "one policy", parameters, *values, extra)


def shift_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """The stored counterexamples, then a range of n."""
    swept = [_sweep(n, hard) for hard in HARD for n in SIZES[scope.profile]]
    return _stored_shift() + swept


def order_rows(scope: Scope, results: Mapping[RunSettings, RunResult]) -> list[Row]:
    """kl(L_T ‖ L_S) against KL(D_S ‖ D_T) for each stored pair of laws."""
    made = []
    for stored in load(ORDER):
        verdict, note = check_klorder(stored)
        left, right = (
            log(fraction(side, stored[side])) / stored["power"] for side in ("left", "right")
        )
        parameters = {"types": len(stored["source"]), "kind": stored["name"]}
        made.append(Row(ORDER, "one policy", parameters, left, left, left, right, verdict, note))
    return made


SHIFT_CLAIM = Claim(
    name=SHIFT,
    statement="L_T <= Lhat + sqrt((KL(Q,P) + ln(2 sqrt n/delta))/2n) + sqrt(KL(D_T,D_S)/2n)",
    provenance="reported",
    expected="refuted",
    proof=("theory.shift_claim",),
    figures=("t3_shift",),
    assumptions=(STORED, *stated("tasks i.i.d. from D_S", "losses in [0, 1]")),
    mutants={},
    runs=lambda scope: [],
    rows=shift_rows,
)
ORDER_CLAIM = Claim(
    name=ORDER,
    statement="kl(L_T, L_S) <= KL(D_S, D_T): data processing with the order swapped",
    provenance="derived",
    expected="refuted",
    proof=("theory.shift_claim",),
    assumptions=(STORED, *stated("losses in [0, 1]")),
    mutants={},
    runs=lambda scope: [],
    rows=order_rows,
)
