"""Rules for primitives that hold programs: calls, loops, branches, custom derivatives."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from grpo_checks.theory.arithmetic.elementwise import mapped
from grpo_checks.theory.arithmetic.logic import select
from grpo_checks.theory.arithmetic.numbers import number
from grpo_checks.theory.arithmetic.registry import (
    FUNCTIONS,
    JAX_FUNCTIONS,
    Entry,
    Refused,
    Values,
    decided,
    is_real,
    rule,
)
from grpo_checks.theory.numbers.tracing import named

PASSED = "runs its program"
LONGEST = 100_000
"""Iterations of one loop; a loop that never ends must not be waited for."""


def _closed(program: Any) -> ClosedJaxpr:
    """With its constants; from JAX 0.11 on each program holds its own, and both types are one."""
    return program if isinstance(program, ClosedJaxpr) else ClosedJaxpr(program, ())


@rule(PASSED, "jit", "pjit", "closed_call", "core_call", "remat2", "checkpoint", sees_equation=True)
def call(evaluator: Any, equation: Any, *operands: Values) -> list[Values]:
    """A function within the function."""
    parameters = equation.params
    program = parameters["jaxpr"] if "jaxpr" in parameters else parameters["call_jaxpr"]
    return list(evaluator.run(_closed(program), operands))


@rule(PASSED, "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr", sees_equation=True)
def custom_derivative(evaluator: Any, equation: Any, *operands: Values) -> list[Values]:
    """The function itself; where it was differentiated its own rule is in the program already."""
    parameters = equation.params
    name = next(n for n in ("call_jaxpr", "fun_jaxpr", "jaxpr") if n in parameters)
    program = _closed(parameters[name])
    evaluate = JAX_FUNCTIONS.get(_name_in_jax(program))
    return [evaluate(*operands)] if evaluate else list(evaluator.run(program, operands))


def _name_in_jax(program: ClosedJaxpr) -> str:
    """Of the function of JAX that was traced; "" for one defined elsewhere."""
    name, _, place = str(program.jaxpr.debug_info.func_src_info).partition(" at ")
    return name if place.startswith(jax.__path__[0]) else ""


@rule("hull where undecided", "cond", sees_equation=True)
def cond(evaluator: Any, equation: Any, which: Values, *operands: Values) -> list[Values]:
    """The branch that is chosen; where it is not decided, a hull of all that it may be."""
    branches = equation.params["branches"]
    if which.dtype != object:
        chosen = min(max(int(which), 0), len(branches) - 1)
        return list(evaluator.run(branches[chosen], operands))
    no, yes = (evaluator.run(branch, operands) for branch in branches)
    return [select(np.broadcast_to(which, a.shape), a, b) for a, b in zip(no, yes, strict=True)]


@rule("refused where undecided", "while", sees_equation=True)
def loop(evaluator: Any, equation: Any, *operands: Values) -> list[Values]:
    """As often as the condition certainly holds."""
    parameters = equation.params
    n_test, n_body = parameters["cond_nconsts"], parameters["body_nconsts"]
    test, body = operands[:n_test], operands[n_test : n_test + n_body]
    carry = list(operands[n_test + n_body :])
    for _ in range(LONGEST):
        (goes_on,) = evaluator.run(parameters["cond_jaxpr"], [*test, *carry])
        if not bool(decided(goes_on, "while")):
            return carry
        carry = list(evaluator.run(parameters["body_jaxpr"], [*body, *carry]))
    raise Refused(f"while: more than {LONGEST} iterations")


@rule(PASSED, "scan", sees_equation=True)
def scan(evaluator: Any, equation: Any, *operands: Values) -> list[Values]:
    """Step by step, forwards or backwards."""
    parameters = equation.params
    n_fixed, n_carry = _counts(parameters)
    length = parameters["length"]
    if length > LONGEST:
        raise Refused(f"scan: {length} iterations, expected at most {LONGEST}")
    fixed, carry = operands[:n_fixed], list(operands[n_fixed : n_fixed + n_carry])
    rows, outputs = operands[n_fixed + n_carry :], []
    for i in reversed(range(length)) if parameters["reverse"] else range(length):
        results = evaluator.run(parameters["jaxpr"], [*fixed, *carry, *(x[i, ...] for x in rows)])
        carry = list(results[:n_carry])
        outputs.append(results[n_carry:])
    if parameters["reverse"]:
        outputs.reverse()
    avals = [v.aval for v in equation.outvars[n_carry:]]
    return [*carry, *(_stacked([o[i] for o in outputs], a) for i, a in enumerate(avals))]


def _counts(parameters: dict[str, Any]) -> tuple[int, int]:
    """Of constants and of carried values; newer versions of JAX give the tree of the operands."""
    if "ft_in" in parameters:
        fixed, carry, _ = parameters["ft_in"].unpack()
        return len(fixed), len(carry)
    return parameters["num_consts"], parameters["num_carry"]


def _stacked(parts: list[Values], aval: Any) -> Values:
    if parts:
        return np.stack(parts)
    return np.empty(aval.shape, object if np.dtype(aval.dtype).kind == "f" else aval.dtype)


def rule_for(function: Any, evaluate: Callable[..., Any]) -> None:
    """Enclose what ``numbers.tracing.named`` has named by ``evaluate`` instead of by its program.

    ``evaluate`` takes and returns object arrays of ``Number``, of the shapes of the function. Its
    derivatives go by the same name and are refused: their program has the same series in it.
    Raises ValueError for a name that is taken.
    """
    key = function.__wrapped__.__name__
    if key in FUNCTIONS:
        raise ValueError(f"name = {key!r}: expected one that is not taken")

    seen: dict[Any, bool] = {}  # Tracing takes longer than the rule.

    @cache
    def text(*kinds: Any) -> str:
        return str(jax.make_jaxpr(function.__wrapped__)(*kinds))

    def is_meant(program: ClosedJaxpr, equation: Any) -> bool:
        if program.jaxpr not in seen:
            meant = text(*(v.aval for v in equation.invars))
            seen[program.jaxpr] = str(program) == meant
        return seen[program.jaxpr]

    def apply(evaluator: Any, equation: Any, *operands: Values) -> Any:
        program = _closed(equation.params["jaxpr"])
        if any(inner.params.get("name") == key for inner in program.jaxpr.eqns):
            return call(evaluator, equation, *operands)  # Jitted once more.
        if not is_meant(program, equation):
            raise Refused(f"{key}: a derivative of a function with a rule of its own")
        results = evaluate(*(x if is_real(x) else mapped(number, x) for x in operands))
        return list(results) if isinstance(results, tuple) else [results]

    FUNCTIONS[key] = Entry(apply, "rule of its own", sees_equation=True)


def enclosed_by(name: str, evaluate: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """A decorator: the function, jitted, is enclosed by ``evaluate``; see ``rule_for``."""

    def decorate(function: Callable[..., Any]) -> Any:
        jitted = named(name)(function)
        rule_for(jitted, evaluate)
        return jitted

    return decorate
