"""What a published score leaves room for: the kl-xi bound solved for KL, TV and n (derived);
and what the tasks that it was measured on say of it by themselves.

``empirical`` is the loss on the n training tasks, ``target`` a loss to stay below (the base
model's), ``observed`` a loss on other tasks; all in [0,1]. Divergences in nats.
"""

from math import ceil, inf, log

import jax
import jax.numpy as jnp

from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import check_level, fresh_set
from grpo_checks.theory.numbers.counts import MAX_TASKS, check_tasks
from grpo_checks.theory.numbers.kl import Number, Real, binary_kl, kl_upper


def gain(empirical: Number, target: Number) -> Real:
    """kl(Lhat ‖ target) where Lhat is below, else 0; in JAX."""
    return jnp.where(empirical < target, binary_kl(empirical, target), 0.0)


_gain, _upper = jax.jit(gain), jax.jit(kl_upper)


def check_loss(field: str, value: float) -> None:
    """Raises ValueError, naming the field, for a loss outside [0, 1]."""
    if not 0 <= value <= 1:
        raise ValueError(f"{field} = {value}: expected a loss in [0, 1]")


def _check(n: int, delta: float, **losses: float) -> None:
    check_tasks(n)
    check_level("delta", delta)
    for field, value in losses.items():
        check_loss(field, value)


def largest_divergence(empirical: float, target: float, n: int, delta: float) -> float:
    """The KL(Q ‖ P) at which the bound reaches ``target``: n kl(Lhat ‖ target) - ln(xi/delta).

    Below it the bound certifies a loss under ``target``; not above 0: no posterior does.
    """
    _check(n, delta, empirical=empirical, target=target)
    return n * float(_gain(empirical, target)) - (log(xi(n)) - log(delta))


def spare_variation(empirical: float, target: float, n: int, delta: float) -> float:
    """The TV between training and target tasks that uses up the margin of KL = 0; at least 0."""
    _check(n, delta, empirical=empirical, target=target)
    return max(target - float(_upper(empirical, (log(xi(n)) - log(delta)) / n)), 0.0)


def smallest_explaining(empirical: float, observed: float, n: int, delta: float) -> float:
    """The least KL at which the bound no longer contradicts ``observed``; 0 if it never does."""
    return max(largest_divergence(empirical, observed, n, delta), 0.0)


def tasks_needed(empirical: float, target: float, divergence: float, delta: float) -> float:
    """The least n at which a posterior of this KL is certified below ``target``; inf if none is.

    n kl - ln xi(n) is convex in n and starts below its goal, so that the crossing is unique.
    Raises ValueError for a negative divergence.
    """
    _check(1, delta, empirical=empirical, target=target)
    if not divergence >= 0:
        raise ValueError(f"divergence = {divergence}: expected nats >= 0")
    if empirical >= target:
        return inf
    low, high = 0, 1
    while largest_divergence(empirical, target, high, delta) < divergence:
        low, high = high, 2 * high
        if high > MAX_TASKS:
            return inf
    while high - low > 1:
        middle = (low + high) // 2
        enough = largest_divergence(empirical, target, middle, delta) >= divergence
        low, high = (low, middle) if enough else (middle, high)
    return float(ceil(high))


def fresh_limit(loss: float, tasks: int, counted: bool, delta: float) -> float:
    """What a mean loss on fresh tasks certifies, without any theorem about training.

    Losses of 0 and 1 (``counted``): the binomial tail; in [0, 1]: Chernoff's bound.
    """
    _check(tasks, delta, loss=loss)
    if counted:
        return float(fresh_set(round(loss * tasks), tasks, delta))
    return float(_upper(loss, log(1 / delta) / tasks))


def improved(base: float, tuned: float, tasks: int, counted: bool, delta: float) -> bool:
    """Whether the tuned model's risk is below the base model's, wrongly with chance <= ``delta``.

    Both losses are of the same fresh tasks; by a union bound it does not matter how they depend.
    """
    most = fresh_limit(tuned, tasks, counted, delta / 2)
    return most < 1 - fresh_limit(1 - base, tasks, counted, delta / 2)
