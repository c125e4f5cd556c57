"""A statement about numbers, asked of deep models that have these numbers."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from grpo_checks.experiments.falsifier.deep.domain import DeepDomain
from grpo_checks.experiments.falsifier.statement import Statement
from grpo_checks.theory.arithmetic.enclose import enclose


def lifted(statement: Statement, domain: DeepDomain, numbers: Callable[..., Any]) -> Statement:
    """``numbers(**model)``, in JAX: the arrays of ``statement`` at a point of ``domain``, which has
    the same options.

    Raises ValueError for a false version that is no function.
    """
    enclosed, options = enclose(lambda point: numbers(**point)), statement.domain.options

    def at(point: Any, values: Callable[[Any], Any]) -> Any:
        chosen = {name: point[name] for name in options}
        return {**chosen, **values({n: x for n, x in point.items() if n not in options})}

    def climbed(function: Callable[..., Any], **point: Any) -> Any:
        return function(**at(point, lambda model: numbers(**model)))

    def exact(function: Callable[..., Any], *entry: int, **point: Any) -> Any:
        return function(*entry, **at(point, enclosed))

    false = {}
    for name, version in statement.versions.items():
        if not callable(version):
            raise ValueError(f"mutant = {name!r}: expected a function")
        false[name] = partial(climbed, version)
    return replace(
        statement,
        domain=domain,
        sides=partial(climbed, statement.sides),
        trivial=partial(climbed, statement.trivial),
        mutants=false,
        exception=partial(exact, statement.exception),
        equal=partial(exact, statement.equal),
        note=partial(exact, statement.note),
    )
