"""An inequality between sums of logarithms, equality included."""

from flint import fmpq

from experiments.verdict import Decision, compare
from theory.divergences import Logs


def compare_logs(observed: Logs, bound: Logs, note: str = "") -> Decision:
    """observed <= bound; where the balls overlap, by the primes of all numbers."""
    if bound.plus(observed, fmpq(-1)).value == 0:
        return Decision(bound.value, bound.value, "holds", "equal")
    return compare(observed.value, bound.value, note)
