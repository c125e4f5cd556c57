"""Stationary points and the optimum of a log-odds line: roots of a polynomial in z = exp(x).

Zeros of other fields are enclosed by certified signs.
"""

from collections.abc import Callable
from typing import cast

from flint import acb, arb, fmpq, fmpq_poly

from grpo_checks.theory.numbers.balls import Number, largest, total
from grpo_checks.theory.rational.lines.line import Line, value


def stationary_odds(line: Line) -> list[Number]:
    """All z > 0 with grad J = 0, enclosed; none where grad J vanishes everywhere.

    p (1-p) = z^n/(1+z^n)^2 with n = |f_q|; times all (1+z^n)^2 this is a polynomial.
    """
    sizes = {abs(prompt.slope) for prompt in line.prompts if prompt.slope}
    squares = {n: fmpq_poly([1, *[0] * (n - 1), 1]) ** 2 for n in sizes}
    polynomial = fmpq_poly([0])
    for q, prompt in enumerate(line.prompts):
        if not prompt.slope:
            continue
        first, second = line.worth(q)
        part = fmpq_poly([prompt.chance * prompt.slope * (first - second)])
        for n, square in squares.items():
            part *= fmpq_poly([*[0] * n, 1]) if n == abs(prompt.slope) else square
        polynomial += part
    if polynomial.degree() < 1:
        return []
    roots = cast(list[tuple[acb, int]], polynomial.numer().complex_roots())
    # Real roots come with an imaginary part that is exactly 0.
    return [z.real for z, _ in roots if z.imag == 0 and z.real > 0]


def optimum(line: Line) -> Number:
    """J* = sup over x of J: at a stationary point, or at either end of the line."""
    n = range(len(line.prompts))
    ends = [total(line.prompts[q].chance * _end(line, q, s) for q in n) for s in (1, -1)]
    return largest([*ends, *(value(line, z) for z in stationary_odds(line))])


def _end(line: Line, q: int, side: int) -> fmpq:
    """J_q at x = +-infinity."""
    (first, second), slope = line.worth(q), line.prompts[q].slope
    if not slope:
        return (first + second) / 2
    return first if slope * side > 0 else second


def change_of_sign(field: Callable[[fmpq], Number], low: fmpq, high: fmpq, halvings: int) -> arb:
    """A ball that certainly contains a zero of a continuous ``field``, positive at ``low`` and
    negative at ``high``. Raises ArithmeticError where these signs are not certain.
    """
    if not (field(low) > 0 and field(high) < 0):
        raise ArithmeticError(f"no change of sign from {low} to {high} was certified")
    for _ in range(halvings):
        middle = (low + high) / 2
        sign = field(middle)
        if sign > 0:
            low = middle
        elif sign < 0:
            high = middle
        else:
            break
    return arb(low).union(arb(high))
