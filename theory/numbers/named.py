"""Functions that ``theory.arithmetic`` evaluates by a rule of their own, told by a name."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

PREFIX = "enclosed:"


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
