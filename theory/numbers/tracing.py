"""How functions enter traced programs: once a shape, or by a name that has a rule of its own."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp

PREFIX = "enclosed:"
"""Of names that ``theory.arithmetic`` has a rule for."""
Function = TypeVar("Function", bound=Callable[..., Any])


def traced_once(function: Function) -> Function:
    """A decorator: Python runs the function once a shape, not once in every program that uses it.

    Its equations become the caller's own, so that no number changes. All arguments are arrays, or
    trees of them. A part of it that is replaced later, as tests do, is not seen where it has run.
    """
    return cast(Function, jax.jit(function, inline=True))


def named(name: str) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: the function, jitted, which traced programs call by this name.

    For code that means a formula and is written for floating point: a truncated series, a table of
    binomial coefficients. All arguments are arrays, by position.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        def apply(*operands: Any) -> Any:
            return function(*operands)

        apply.__name__ = PREFIX + name
        apply.__doc__ = function.__doc__
        return jax.jit(apply)

    return decorate


def named_number(name: str, n: int, value: float) -> Any:
    """``value``, which stands for the number ``name``(n), as traced programs have it: by name."""

    def apply(_: Any) -> Any:
        return jnp.asarray(value)

    apply.__name__ = PREFIX + name
    return jax.jit(apply)(n)
