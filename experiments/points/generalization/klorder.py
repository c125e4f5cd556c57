"""T3.klorder at rational points: both orders of data processing, as sums of logarithms."""

from typing import Any

import jax
from flint import fmpq

from grpo_checks.experiments.falsifier.rounding import Floats, odds, table, unit
from grpo_checks.experiments.falsifier.smaller import fewer_types
from grpo_checks.experiments.protocol.points import Document, Exact, Search
from grpo_checks.experiments.protocol.verdict import Decision, compare_logs
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence
from grpo_checks.theory.rational.tasks.divergences import Logs, binary_divergence, divergence
from grpo_checks.theory.rational.tasks.moved import Moved, parse_moved

READABLE = 100
"""Powers up to this are shown."""
TINY = 1e-9
"""Keeps ratios of two vanishing numbers finite."""
FIELDS = ("source", "target", "loss")


def _in_powers(left: Logs, right: Logs) -> str:
    """Both sides as rational numbers, where they are short."""
    power = left.plus(right, fmpq(1)).denominator
    if power > READABLE:
        return ""
    return f"exact, to the power {power}: {left.power(power)} and {right.power(power)}"


def processed(of: Moved, swapped: bool) -> Decision:
    """kl(L_T ‖ L_S) <= KL(D_T ‖ D_S), or with the right-hand side's laws swapped.

    Raises ValueError where the left-hand side alone is infinite: there is no ratio to speak of.
    """
    risk_s, risk_t = of.risks
    laws = (of.source, of.target) if swapped else (of.target, of.source)
    left, right = binary_divergence(risk_t, risk_s), divergence(*laws)
    if right is None:
        return Decision(fmpq(0), fmpq(1), "vacuous", "KL is infinite")
    if left is None:
        raise ValueError(f"source = {list(map(str, of.source))}: expected one with 0 < L_S < 1")
    return compare_logs(left, right, _in_powers(left, right))


def decide(document: Document, mutant: str | None) -> Decision:
    """kl(L_T ‖ L_S) against KL(D_S ‖ D_T)."""
    return processed(parse_moved(document), swapped=True)


def parts(x: Any, types: int) -> Any:
    """Logits of source, target and losses."""
    return x[:types], x[types : 2 * types], x[2 * types : 3 * types]


def document(x: Floats, types: int, n: int) -> Document:
    """The point, rounded."""
    source, target, loss = parts(x, types)
    # A type that the source never shows would leave nothing finite to compare.
    return {"source": odds(source, n), "target": odds(target, n, 0), "loss": table(loss, unit, n)}


def _ratio(x: Any, types: int) -> Any:
    source, target, loss = parts(x, types)
    p, q, loss = jax.nn.softmax(source), jax.nn.softmax(target), jax.nn.sigmoid(loss)
    return binary_kl(loss @ q, loss @ p) / (kl_divergence(p, q) + TINY)


EXACT = Exact(
    decide,
    Search((2, 3), lambda types: 3 * types, _ratio, document),
    lambda d: fewer_types(d, FIELDS),
)
