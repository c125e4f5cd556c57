"""Stored counterexamples to claims of Theorem 3: integers and fractions, re-checked on use."""

import json
from fractions import Fraction
from functools import lru_cache
from math import lcm
from pathlib import Path
from typing import Any

from experiments.claim import Verdict
from theory.shift_claim import binary_kl_power, failure, kl_power

STORED = Path(__file__).parent / "data" / "theorem3_counterexamples.json"
FORMAT = "counterexamples/1"


def fraction(field: str, text: Any) -> Fraction:
    """A fraction as it is written, e.g. "7/20". Raises ValueError, naming the field."""
    try:
        return Fraction(str(text))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f'{field} = {text!r}: expected a fraction such as "7/20"') from None


@lru_cache(maxsize=8)
def load(claim: str, path: Path = STORED) -> tuple[dict[str, Any], ...]:
    """The counterexamples to a claim. Raises ValueError for another format or no such claim."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("format") != FORMAT:
        raise ValueError(f"{path.name}: format = {content.get('format')!r}: expected {FORMAT!r}")
    if claim not in content:
        raise ValueError(f"{path.name}: {claim!r} is missing")
    return tuple(content[claim])


def _unsound(why: str) -> tuple[Verdict, str]:
    return "inconclusive", f"the stored counterexample is unsound: {why}"


def check_shift(stored: dict[str, Any]) -> tuple[Verdict, str]:
    """T3.shift: refuted iff the exact failure probability is as stored and exceeds delta."""
    try:
        fields = ("hard", "delta", "failure", "excess")
        hard, delta, claimed, excess = (fraction(f, stored[f]) for f in fields)
        certain, possible = failure(stored["n"], hard, delta)
    except ValueError as error:
        return _unsound(str(error))
    if not certain == possible == claimed == delta + excess:
        return _unsound(f"failure probability {float(certain):.6g} found, another stored")
    if certain <= delta:
        return "holds", f"exact: fails with probability {float(certain):.6g} <= {delta}"
    return "refuted", f"exact: fails with probability {_short(certain)} > {delta}"


def _short(value: Fraction) -> str:
    """As it is, or by its distance from 1 where it has too many digits to read."""
    return str(value) if value.denominator < 10**12 else f"1 - {float(1 - value):.2g}"


def check_klorder(stored: dict[str, Any]) -> tuple[Verdict, str]:
    """T3.klorder: exp(m kl(L_T ‖ L_S)) against exp(m KL(D_S ‖ D_T)), both rational."""
    try:
        source, target, loss = (
            [fraction(f, x) for x in stored[f]] for f in ("source", "target", "loss")
        )
        risk_s, risk_t = (
            sum((p * x for p, x in zip(law, loss, strict=True)), Fraction(0))
            for law in (source, target)
        )
        power = lcm(*(x.denominator for x in [*source, *target, risk_s, risk_t]))
        if power != stored["power"]:
            return _unsound(f"power {power} found, {stored['power']} stored")
        left, right = binary_kl_power(risk_t, risk_s, power), kl_power(source, target, power)
        claimed = tuple(fraction(f, stored[f]) for f in ("left", "right"))
    except ValueError as error:
        return _unsound(str(error))
    if (left, right) != claimed:
        return _unsound("other powers found than stored")
    shown = f"exact, to the power {power}: {left} and {right}"
    return ("refuted" if left > right else "holds"), shown
