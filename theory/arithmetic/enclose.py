"""``enclose``: a JAX function, evaluated rigorously.

A function of arrays is traced as ``jax.jit`` would, and the traced program is run over python-flint
numbers: rational while they can be, balls after a root, an exponential or a logarithm. There is no
second implementation that could differ from the first. The result certainly contains the value of
the formula over the real numbers: float32 or float64 in the program stand for the reals.

What is sound about it, and where it stops:
- a float that the program brings along (NumPy computed it before tracing) must be a short dyadic
  number, or ``constants`` must say what it stands for; else it is refused, with its place;
- comparisons of balls that overlap are undecided: ``where`` and ``cond`` give a hull of both
  sides, ``while``, ``argmax``, ``sort`` and indices are refused; nothing is guessed;
- outside its domain a function is unknown, which any number satisfies and no comparison decides;
- primitives without a rule are refused by name (``supported`` lists those that have one).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any, TypeVar

import jax
import numpy as np
from flint import arb, ctx, fmpq

from grpo_checks.theory.arithmetic import (
    control,
    elementwise,
    functions,
    logic,
    places,
    reductions,
    structure,
)
from grpo_checks.theory.arithmetic.interpreter import Constants, Evaluator
from grpo_checks.theory.arithmetic.numbers import number
from grpo_checks.theory.arithmetic.registry import RULES, Refused, Values, objects
from grpo_checks.theory.numbers.balls import PRECISION, Number

__all__ = ["Refused", "decide", "enclose", "exact", "supported"]
MODULES = (elementwise, logic, reductions, structure, places, control, functions)
"""Imported for the rules that they register."""
LARGEST_PRECISION = 4096
Answer = TypeVar("Answer")


_ALONE = RLock()
"""python-flint has one precision for all threads of a process."""


@contextmanager
def undisturbed() -> Iterator[None]:
    """Balls keep their precision, within this context, whatever other threads enclose."""
    with _ALONE:
        yield


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Balls of so many bits, within this context, which one thread enters at a time."""
    with _ALONE:
        before = ctx.prec
        ctx.prec = bits
        try:
            yield
        finally:
            ctx.prec = before


def exact(values: Any) -> Values:
    """An object array of exact numbers, from nested lists of ints, fractions or text.

    Raises ValueError for a float that was rounded, or what is no number.
    """
    array = np.asarray(values, object)
    return objects([number(x) for x in array.flat], array.shape)


def _is_exact(leaf: Any) -> bool:
    return isinstance(leaf, fmpq | arb) or (isinstance(leaf, np.ndarray) and leaf.dtype == object)


class Enclosed:
    """A function that is evaluated over exact numbers; see ``enclose``."""

    def __init__(
        self, function: Callable[..., Any], constants: Constants | None, bits: int
    ) -> None:
        self.function, self.bits = function, bits
        self.evaluator = Evaluator(constants)
        self.traced: dict[Any, tuple[Any, Any]] = {}

    def __call__(self, *arguments: Any) -> Any:
        """With balls of ``bits``."""
        return self.at(self.bits, *arguments)

    def at(self, bits: int, *arguments: Any) -> Any:
        """With balls of another precision; traced once for each structure of the arguments."""
        leaves, tree = jax.tree.flatten(arguments, is_leaf=_is_exact)
        numbers = {i: exact(leaf) for i, leaf in enumerate(leaves) if _is_exact(leaf)}
        fixed = [None if i in numbers else leaf for i, leaf in enumerate(leaves)]
        shapes = tuple((i, x.shape) for i, x in numbers.items())
        key = (tree, shapes, tuple(map(_identity, fixed)))
        if key not in self.traced:
            self.traced[key] = _trace(self.function, tree, fixed, shapes)
        program, results = self.traced[key]
        with precision(bits):
            values = self.evaluator.run(program, list(numbers.values()))
        return jax.tree.unflatten(results, [x[()] if x.ndim == 0 else x for x in values])


def enclose(
    function: Callable[..., Any], constants: Constants | None = None, bits: int = PRECISION
) -> Enclosed:
    """``function`` with exact numbers in and rigorous enclosures out.

    Numbers among the arguments are ``fmpq``, ``arb`` or object arrays of what ``exact`` takes, in
    any pytree; all other leaves (integers, booleans, arrays of them) stay as they are. The result
    has object arrays of ``fmpq`` and ``arb``, or a single one of them for a scalar. ``constants``:
    what rounded floats in the program stand for; ``bits``: of the balls.

    Raises Refused, a ValueError, for what cannot be enclosed, naming primitive or constant and the
    line of the function where it stands.
    """
    return Enclosed(function, constants, bits)


def _identity(leaf: Any) -> Any:
    """Tells traced programs apart by what is fixed in them."""
    if isinstance(leaf, np.ndarray | jax.Array):
        array = np.asarray(leaf)
        return array.dtype.str, array.shape, array.tobytes()
    return type(leaf), leaf


def _trace(function: Any, tree: Any, fixed: list[Any], shapes: Any) -> tuple[Any, Any]:
    def flat(*numbers: Any) -> Any:
        leaves = list(fixed)
        for (i, _), x in zip(shapes, numbers, strict=True):
            leaves[i] = x
        return function(*jax.tree.unflatten(tree, leaves))

    kinds = [jax.ShapeDtypeStruct(shape, np.dtype("float64")) for _, shape in shapes]
    program, results = jax.make_jaxpr(flat, return_shape=True)(*kinds)
    return program, jax.tree.structure(results)


def decide(
    function: Enclosed | Callable[..., tuple[Any, Any]],
    *arguments: Any,
    constants: Constants | None = None,
    most: int = LARGEST_PRECISION,
) -> tuple[bool | None, Number, Number]:
    """Whether observed <= bound, for the two sides that ``function`` returns, and both sides.

    An enclosed function keeps what it has traced for the next call.

    Precision is doubled until the balls tell; None where they overlap with ``most`` bits still, or
    where both sides may be equal: balls never show that, rational numbers do.
    """
    enclosed = function if isinstance(function, Enclosed) else enclose(function, constants)

    def compared(bits: int) -> tuple[bool | None, Number, Number]:
        observed, bound = enclosed.at(bits, *arguments)
        with precision(bits):
            return logic.negated(logic.less(bound, observed)), observed, bound

    return sharpened(compared, lambda answer: answer[0] is not None, 64, most)


def sharpened(
    evaluate: Callable[[int], Answer], decided: Callable[[Answer], bool], bits: int, most: int
) -> Answer:
    """What ``evaluate`` gives with ``bits``, doubled until it is ``decided``, up to ``most``."""
    while not decided(answer := evaluate(bits)) and bits < most:
        bits *= 2
    return answer


def supported() -> dict[str, str]:
    """The primitives that have a rule, and what it does: the table of the documentation."""
    return {name: RULES[name].kind for name in sorted(RULES)}
