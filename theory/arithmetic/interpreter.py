"""A traced JAX program, run over exact numbers, one primitive after the other."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from jax._src import source_info_util
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from grpo_checks.theory.arithmetic.numbers import number
from grpo_checks.theory.arithmetic.registry import FUNCTIONS, RULES, Refused, Values, objects
from grpo_checks.theory.numbers.arrays import SMALLEST

Place = Callable[[], str]
"""The line of a program, looked up for a message alone: that takes as long as a rule."""
Constants = dict[float, Any]
"""What floats of the program that are no short dyadic numbers stand for: exact numbers, or, for
an irrational one, a function that returns a ball of the precision it is called at."""
GUARDS: Constants = {x: Fraction(x) for x in (float(SMALLEST), 2.0**-510, 2.0**514)}
"""Floats that stand for themselves: below the least normal one a chance counts as 0; the others
keep squares from overflowing in JAX's derivative of asinh, from 0.12 on."""


class Evaluator:
    """Runs programs; ``constants`` says what rounded floats in them mean."""

    def __init__(self, constants: Constants | None = None) -> None:
        self.constants = {**GUARDS, **(constants or {})}

    def run(self, program: ClosedJaxpr, operands: Sequence[Values]) -> list[Values]:
        """The results of a program. Raises Refused, saying where."""
        return self._run(program.jaxpr, program.consts, operands)

    def _run(
        self, program: Jaxpr, consts: Sequence[Any], operands: Sequence[Values]
    ) -> list[Values]:
        held: dict[Any, Values] = dict(zip(program.invars, operands, strict=True))
        pending = dict(zip(program.constvars, consts, strict=True))
        for equation in program.eqns:
            place = partial(source_info_util.summarize, equation.source_info)
            values = [self._read(atom, held, pending, place) for atom in equation.invars]
            held.update(zip(equation.outvars, self._apply(equation, values, place), strict=True))
        return [self._read(atom, held, pending, lambda: "result") for atom in program.outvars]

    def _read(
        self, atom: Any, held: dict[Any, Values], pending: dict[Any, Any], place: Place
    ) -> Values:
        if isinstance(atom, Literal):
            return self.constant(atom.val, place)
        if atom not in held:
            held[atom] = self.constant(pending[atom], place)
        return held[atom]

    def _apply(self, equation: JaxprEqn, operands: list[Values], place: Place) -> list[Values]:
        name = equation.primitive.name
        entry = FUNCTIONS.get(str(equation.params.get("name"))) or RULES.get(name)
        if entry is None:
            raise Refused(f"primitive {name!r} has no rule", place())
        try:
            if entry.sees_equation:
                results = entry.rule(self, equation, *operands)
            else:
                results = entry.rule(*operands, **equation.params)
        except Refused as error:
            # Of nested programs the innermost place is the one that helps.
            raise error if error.place else Refused(str(error), place()) from None
        except TypeError as error:
            if any(x.dtype == object and any(v is None for v in x.flat) for x in operands):
                raise Refused(f"{name}: undecided, the balls overlap", place()) from error
            raise
        listed = results if isinstance(results, list | tuple) else [results]
        return [_in_shape(x, v.aval) for x, v in zip(listed, equation.outvars, strict=True)]

    def constant(self, value: Any, place: Place) -> Values:
        """An array of the program itself. Raises Refused for a float that was rounded."""
        array = np.asarray(value)
        if array.dtype.kind != "f":
            return array
        return objects([self._exact(float(x), place) for x in array.flat], array.shape)

    def _exact(self, value: float, place: Place) -> Any:
        if value in self.constants:
            meant = self.constants[value]
            return number(meant() if callable(meant) else meant)
        try:
            return number(value)
        except ValueError as error:
            raise Refused(f"constant of the program: {error}", place()) from None


def _in_shape(values: Values, aval: Any) -> Values:
    """Zero-dimensional results of NumPy are scalars: as arrays again."""
    if isinstance(values, np.ndarray):
        return values.reshape(aval.shape)
    if np.dtype(aval.dtype).kind == "f":
        return objects([values], aval.shape)
    return np.asarray(values).reshape(aval.shape)
