"""Learning from tasks in rational numbers: samples, posteriors, risks, exactly or enclosed.

n tasks are drawn from finitely many types; each of M policies has a loss on each type; a posterior
is a function of the counts of types. Nothing of ``theory.generalization.learning`` or
``theory.generalization.coverage`` is used, which makes this an oracle for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.numbers.counts import MAX_TASKS
from grpo_checks.theory.numbers.fields import (
    INSIDE,
    POSITIVE,
    UNIT,
    entry,
    integer,
    listed,
    number,
    numbers,
    shares,
)
from grpo_checks.theory.rational.multinomial import multinomial


class Tasks(NamedTuple):
    """A learning problem with Z types and M policies."""

    n: int
    delta: fmpq
    source: tuple[fmpq, ...]
    target: tuple[fmpq, ...]
    """Where risk is measured: the source, unless another law is given."""
    losses: tuple[tuple[fmpq, ...], ...]
    """(M, Z), in [0, 1]."""
    prior: tuple[fmpq, ...]
    temperature: fmpq
    """Of the Gibbs posterior."""

    @property
    def risks(self) -> list[fmpq]:
        """Of each policy, on the target."""
        return [dot(loss, self.target) for loss in self.losses]


class Learned(NamedTuple):
    """What a bound knows of a posterior, and the risk that it speaks of."""

    empirical: Number
    second: Number
    """The empirical mean of squared losses."""
    risk: Number
    divergence: Number


def dot(values: Sequence[Number], law: Sequence[Number]) -> Any:
    """A mean; exactly the value where all are equal, which balls would blur."""
    if all(isinstance(x, fmpq) and x == values[0] for x in values):
        return values[0]
    return total(x * p for x, p in zip(values, law, strict=True))


def parse_tasks(document: Mapping[str, Any]) -> Tasks:
    """From JSON: ``n``, ``delta``, ``source`` (shares of the types), ``losses`` (M lists of Z), and
    optionally ``target`` (shares), ``prior`` (shares of the policies), ``temperature``.

    Raises ValueError, naming the field.
    """
    n = integer(document, "n", 1, MAX_TASKS)
    rows = listed("losses", entry(document, "losses"))
    source = shares("source", entry(document, "source"), positive=False)
    target = shares("target", document.get("target", document["source"]), positive=False)
    prior = shares("prior", document.get("prior", [1] * len(rows)))
    if len(target) != len(source):
        raise ValueError(f"target: {len(target)} types, expected {len(source)}")
    if len(prior) != len(rows):
        raise ValueError(f"prior: {len(prior)} policies, expected {len(rows)}")
    losses = tuple(numbers(f"losses[{i}]", x, UNIT, len(source)) for i, x in enumerate(rows))
    delta = number("delta", entry(document, "delta"), INSIDE)
    temperature = number("temperature", document.get("temperature", 1), POSITIVE)
    return Tasks(n, delta, source, target, losses, prior, temperature)


def samples(tasks: Tasks) -> Iterator[tuple[fmpq, tuple[int, ...]]]:
    """Chance and counts of every sample; those of chance 0 left out."""
    return ((p, c) for p, c in multinomial("n", tasks.source, tasks.n) if p > 0)


def empirical(tasks: Tasks, counts: Sequence[int]) -> list[fmpq]:
    """Lhat of each policy."""
    return [dot(loss, [fmpq(c, tasks.n) for c in counts]) for loss in tasks.losses]


def gibbs(prior: Sequence[Number], exponent: Sequence[Number]) -> tuple[list[Number], Number]:
    """Q ∝ P exp(exponent) and KL(Q ‖ P); exactly P where all exponents are one rational."""
    if all(isinstance(e, fmpq) and e == exponent[0] for e in exponent):
        return list(prior), fmpq(0)
    top = max(arb(e).mid() for e in exponent)
    weight = [p * (e - top).exp() for p, e in zip(prior, exponent, strict=True)]
    normaliser = arb(total(weight))
    posterior: list[Number] = [w / normaliser for w in weight]
    shifted = [e - top for e in exponent]
    return posterior, total(
        q * e for q, e in zip(posterior, shifted, strict=True)
    ) - normaliser.log()


Learner = Callable[[Tasks, Sequence[int]], Learned]


def posterior_of(
    tasks: Tasks, counts: Sequence[int], posterior: Sequence[Number], kl: Number
) -> Learned:
    """What the bounds know of this posterior on this sample."""
    seen = empirical(tasks, counts)
    squares = [
        dot([x * x for x in loss], [fmpq(c, tasks.n) for c in counts]) for loss in tasks.losses
    ]
    return Learned(dot(seen, posterior), dot(squares, posterior), dot(tasks.risks, posterior), kl)


def learn(tasks: Tasks, counts: Sequence[int]) -> Learned:
    """The Gibbs posterior Q ∝ P exp(-n Lhat/temperature)."""
    fit = [-tasks.n * x / tasks.temperature for x in empirical(tasks, counts)]
    return posterior_of(tasks, counts, *gibbs(tasks.prior, fit))
