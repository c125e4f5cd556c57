"""Rules for functions of ``theory.numbers`` that mean a formula and are written for floats."""

from math import comb

from flint import arb

from grpo_checks.theory.arithmetic import numbers
from grpo_checks.theory.arithmetic.control import rule_for
from grpo_checks.theory.arithmetic.elementwise import mapped
from grpo_checks.theory.arithmetic.registry import Values, objects
from grpo_checks.theory.numbers.balls import Number, powers, total
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence


def _bernstein(values: Values, p: Values) -> Values:
    """sum_j C(n,j) p^j (1-p)^(n-j) values_j."""
    n = len(values) - 1

    def polynomial(x: Number) -> Number:
        up, down = powers(x, n), powers(1 - x, n)
        return total(
            numbers.times(comb(n, j) * b, up[j] * down[n - j]) for j, b in enumerate(values)
        )

    return mapped(polynomial, p)


def _term(a: Number, b: Number) -> Number:
    """a ln(a/b), 0 for a = 0 and inf for a > 0 = b."""
    if a == 0:
        return numbers.ZERO
    if b == 0:
        return arb.pos_inf() if a > 0 else numbers.UNKNOWN
    return numbers.times(a, numbers.logarithm(a / b))


def _divergence(p: Values, q: Values) -> Values:
    """KL(p ‖ q) over the last axis."""
    terms = mapped(_term, p, q)
    rows = terms.reshape(-1, terms.shape[-1])
    return objects([total(row) for row in rows], terms.shape[:-1])


def _binary(q: Values, p: Values) -> Values:
    """kl(q ‖ p)."""
    return mapped(lambda a, b: _term(a, b) + _term(1 - a, 1 - b), q, p)


rule_for(bernstein, _bernstein)
rule_for(kl_divergence, _divergence)
rule_for(binary_kl, _binary)
