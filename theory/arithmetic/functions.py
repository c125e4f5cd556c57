"""Rules for functions of ``theory.numbers`` that mean a formula and are written for floats."""

from functools import lru_cache
from math import comb
from typing import Any

from flint import arb, ctx, fmpq

from grpo_checks.theory.arithmetic import numbers
from grpo_checks.theory.arithmetic.control import rule_for
from grpo_checks.theory.arithmetic.elementwise import mapped
from grpo_checks.theory.arithmetic.registry import FUNCTIONS, JAX_FUNCTIONS, Entry, Values, objects
from grpo_checks.theory.numbers.balls import Number, hull, powers, total
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.numbers.counts import check_tasks
from grpo_checks.theory.numbers.kl import binary_kl, kl_divergence, upper_end
from grpo_checks.theory.numbers.tracing import PREFIX

MAX_EXACT, MAX_ENCLOSED = 100, 10**5
"""Tasks up to which xi is rational, and up to which it is added up."""
SPARE = 16
"""Bits that an inverse of kl may lose before it is checked."""


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


def _nats(q: Number, p: Number) -> Number:
    """kl(q ‖ p)."""
    return _term(q, p) + _term(1 - q, 1 - p)


def _binary(q: Values, p: Values) -> Values:
    return mapped(_nats, q, p)


def _newton(q: arb, c: arb) -> arb:
    """About max{p: kl(q ‖ p) <= c} for exact q in (0, 1), c > 0, from beyond, where kl is convex.

    The start is the root of a lower bound of kl: -ln(1-p) times 1 - q, less the entropy of q.
    """
    entropy = -(q * q.log() + (1 - q) * (1 - q).log())
    p = (1 - (-(c + entropy) / (1 - q)).exp()).mid()
    for _ in range(ctx.prec):
        step = ((_nats(q, p) - c) * p * (1 - p) / (p - q)).mid()
        p = (p - step).mid()
        if not step > arb(2) ** (SPARE // 2 - ctx.prec):
            break
    return p


def _root(q: arb, c: arb) -> Number:
    """max{p: kl(q ‖ p) <= c}, enclosed, for exact q in [0, 1] and c: kl is below c at one end and
    above it at the other."""
    if c <= 0 or q >= 1:
        return q
    if q <= 0:
        return 1 - (-c).exp()
    p, width = _newton(q, c), arb(2) ** (SPARE - ctx.prec)
    p = p if p.is_finite() else q
    low, high = (p - width).mid(), (p + width).mid()
    while not (low <= q or _nats(q, low) <= c):
        low, width = (low - width).mid(), 2 * width
    while not (high >= 1 or _nats(q, high) >= c):
        high, width = (high + width).mid(), 2 * width
    return arb.max(low, q).union(arb.min(high, arb(1)))


def _inverse(q: Number, c: Number) -> Number:
    """max{p in [0,1]: kl(q ‖ p) <= c}, which grows with q in [0, 1] and c >= 0."""
    if q == 1 or (isinstance(c, fmpq) and c == 0):
        return q
    if not (arb(q).is_finite() and arb(c).is_finite()):
        return numbers.UNKNOWN
    low, high = (arb.max(arb(0), arb.min(x, arb(1))) for x in (arb(q).lower(), arb(q).upper()))
    return hull(_root(low, arb(c).lower()), _root(high, arb(c).upper()))


def _upper(q: Values, c: Values) -> Values:
    return mapped(_inverse, q, c)


@lru_cache(maxsize=256)
def _xi(n: int, bits: int) -> Number:
    """sum_k C(n,k) (k/n)^k (1-k/n)^(n-k) by its definition; a ball of ``bits`` from n = 101 on.

    Raises ValueError unless n is in 1..10^5.
    """
    check_tasks(n)
    if n > MAX_ENCLOSED:
        raise ValueError(f"n = {n}: expected at most {MAX_ENCLOSED} terms to add up")
    if n <= MAX_EXACT:
        return fmpq(sum(comb(n, k) * k**k * (n - k) ** (n - k) for k in range(n + 1)), n**n)
    # C(n,k) grows by (n-k)/(k+1) from term to term.
    value, ways = arb(0), arb(1)
    for k in range(n + 1):
        value += ways * (arb(k) / n) ** k * (arb(n - k) / n) ** (n - k)
        ways *= arb(n - k) / (k + 1)
    return value


def _named_xi(n: Values, **_: Any) -> Values:
    return objects([_xi(int(n), ctx.prec)], ())


def _gaussian(x: Values) -> Values:
    """exp(-x^2), which JAX >= 0.12 has in derivatives of erf: it halves the bits of a float."""
    return mapped(lambda a: numbers.exponential(-numbers.integer_power(a, 2)), x)


JAX_FUNCTIONS["exp_neg_sq"] = _gaussian
rule_for(bernstein, _bernstein)
rule_for(kl_divergence, _divergence)
rule_for(binary_kl, _binary)
rule_for(upper_end, _upper)
FUNCTIONS[PREFIX + "xi"] = Entry(_named_xi, "by its definition", sees_equation=False)
