"""T3.visual_arft at the published numbers: how large a KL the kl-xi bound could bear, in balls.

A document has ``n``, ``delta``, ``train`` (loss on the training tasks) and ``base`` (that of the
base model). There is nothing to search: the points are published.
"""

from flint import fmpq

from grpo_checks.experiments.protocol.points import Document, Exact
from grpo_checks.experiments.protocol.verdict import Decision, compare
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.numbers.counts import MAX_TASKS
from grpo_checks.theory.numbers.fields import INSIDE, UNIT, entry, integer, number
from grpo_checks.theory.numbers.logs import binary_divergence
from grpo_checks.theory.rational.tasks.bounds import nats, xi

MUTANTS = {"10 nats": fmpq(10)}
"""A divergence that is said to be borne."""


def largest_divergence(train: fmpq, base: fmpq, n: int, delta: fmpq) -> Number:
    """n kl(train ‖ base) - ln(xi/delta): the KL(Q ‖ P) at which the bound reaches ``base``.

    Raises ValueError, naming the field, for a loss or a level outside its range.
    """
    for field, loss in (("train", train), ("base", base)):
        if not 0 <= loss <= 1:
            raise ValueError(f"{field} = {loss}: expected a loss in [0, 1]")
    if not 0 < delta < 1:
        raise ValueError(f"delta = {delta}: expected a number in (0, 1)")
    price = nats(xi(n), delta)
    gain = binary_divergence(train, base) if train < base else None
    if train < base and gain is None:
        raise ValueError(f"base = {base}: expected a loss below 1, so that KL is finite")
    return -price if gain is None else n * gain.value - price


def need(largest: Number, trained: bool = True) -> Decision:
    """Vacuous where not even KL = 0 certifies more than the base model's score."""
    if largest <= 0:
        why = "even KL = 0 certifies no more than the base model's score"
        return Decision(largest, fmpq(0), "vacuous", why)
    if not largest > 0:
        return Decision(largest, fmpq(0), "inconclusive")
    hypothetical = "" if trained else "hypothetical number of tasks; "
    why = f"needs KL(Q,P) below {float(largest):.3g} nats and TV = 0, neither published"
    return Decision(largest, fmpq(0), "assumption unmet", hypothetical + why)


def decide(document: Document, mutant: str | None) -> Decision:
    """The largest KL against 0; for the mutant, the KL that is assumed against the largest."""
    train, base = (number(f, entry(document, f), UNIT) for f in ("train", "base"))
    delta, n = (
        number("delta", entry(document, "delta"), INSIDE),
        integer(document, "n", 1, MAX_TASKS),
    )
    largest = largest_divergence(train, base, n, delta)
    return need(largest) if mutant is None else compare(MUTANTS[mutant], largest)


EXACT = Exact(decide)
