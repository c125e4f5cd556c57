"""How far a bound lies above the empirical loss, on average over all samples, enclosed."""

from collections.abc import Callable, Iterator

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, least, total
from grpo_checks.theory.rational.tasks.bounds import lambda_value, mcallester_value, nats, plain, xi
from grpo_checks.theory.rational.tasks.divergences import kl_inverse
from grpo_checks.theory.rational.tasks.tasks import Learned, Tasks, learn, samples

Value = Callable[[Learned, int, fmpq], Number]
"""A bound on the risk."""


def kl_value(price: Callable[[int], Number]) -> Value:
    """kl^{-1}(Lhat, (KL + ln(price(n)/delta))/n)."""
    return lambda seen, n, delta: kl_inverse(
        seen.empirical, (seen.divergence + nats(price(n), delta)) / n
    )


VALUES: dict[str, Value] = {
    "kl-xi": kl_value(xi),
    "kl-2sqrt(n)": kl_value(plain),
    "McAllester": mcallester_value,
    "lambda": lambda_value,
}
"""By the names of ``theory.generalization.coverage``."""


def bounds_of(tasks: Tasks, value: Value) -> Iterator[Number]:
    """The bound at the Gibbs posterior of every sample."""
    return (value(learn(tasks, counts), tasks.n, tasks.delta) for _, counts in samples(tasks))


def mean_offset(tasks: Tasks, value: Value) -> Number:
    """E[min(bound, 1) - Lhat(Q)] at the Gibbs posterior."""

    def offset(seen: Learned) -> Number:
        return least((value(seen, tasks.n, tasks.delta), fmpq(1))) - seen.empirical

    return total(chance * offset(learn(tasks, counts)) for chance, counts in samples(tasks))
