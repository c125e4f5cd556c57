"""Random programs are contained in their enclosures, and an unsound rule would be caught."""

import jax.numpy as jnp
import mpmath
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

from grpo_checks.theory.arithmetic import registry
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.numbers.balls import ends

# Each as JAX and as mpmath has it; all are defined everywhere.
STEPS = {
    "add": (jnp.add, lambda x, y: x + y),
    "sub": (jnp.subtract, lambda x, y: x - y),
    "mul": (jnp.multiply, lambda x, y: x * y),
    "ratio": (lambda x, y: x / (1 + y * y), lambda x, y: x / (1 + y * y)),
    "root": (lambda x, y: jnp.sqrt(1 + x * x), lambda x, y: mpmath.sqrt(1 + x * x)),
    "exp": (lambda x, y: jnp.exp(-x * x), lambda x, y: mpmath.exp(-x * x)),
    "log": (lambda x, y: jnp.log1p(y * y), lambda x, y: mpmath.log1p(y * y)),
    "larger": (jnp.maximum, max),
    "choice": (lambda x, y: jnp.where(x > y, x, 2 * y), lambda x, y: x if x > y else 2 * y),
}
PROGRAM = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 5), st.integers(0, 5)),
    min_size=1,
    max_size=7,
)
RATIONAL = st.fractions(-2, 2, max_denominator=50)


def _runs(program, which):
    def run(*numbers):
        held = list(numbers)
        for name, i, j in program:
            held.append(STEPS[name][which](held[i % len(held)], held[j % len(held)]))
        return held[-1]

    return run


def contains(enclosure, value):
    """Whether an enclosure contains a number of mpmath, up to the digits of the latter."""
    low, high = (mpmath.mpf(x.numerator) / x.denominator for x in ends(enclosure))
    slack = mpmath.mpf(10) ** -50 * (1 + abs(value))
    return low - slack <= value <= high + slack


@settings(max_examples=60, deadline=None)
@given(PROGRAM, st.lists(RATIONAL, min_size=2, max_size=2))
def test_random_programs(program, numbers):
    """Whatever is composed of them is contained, at 64 bits already."""
    enclosure = enclose(_runs(program, 0), bits=64)(
        *(fmpq(x.numerator, x.denominator) for x in numbers)
    )
    with mpmath.workdps(60):
        value = _runs(program, 1)(*(mpmath.mpf(x.numerator) / x.denominator for x in numbers))
        assert contains(enclosure, value)


def test_unsound_rule_is_caught(monkeypatch):
    """A sum that forgets the radius of its terms fails the comparison that the others pass."""
    program = [("root", 0, 0), ("root", 1, 1), ("add", 2, 3)]
    numbers = (fmpq(1, 3), fmpq(5, 7))

    def forgetful(x, y, **_):
        forget = lambda a, b: arb(a).mid() + arb(b).mid()  # noqa: E731
        return registry.objects([forget(x[()], y[()])], ()) if x.dtype == object else x + y

    with mpmath.workdps(60):
        value = _runs(program, 1)(mpmath.mpf(1) / 3, mpmath.mpf(5) / 7)
        assert contains(enclose(_runs(program, 0), bits=40)(*numbers), value)
        entry = registry.Entry(forgetful, "", False)
        monkeypatch.setitem(registry.RULES, "add", entry)
        assert not contains(enclose(_runs(program, 0), bits=40)(*numbers), value)
