"""What a bound needs a task, as a convex function of the loss seen and the risk (derived).

With n tasks a count k has chance C(n, k) p^k (1-p)^(n-k), and its weight in the mean of e^{n g/rho}
is e^{-n (kl - g/rho)(k/n, p)} but for a factor without p. Where p > q = k/n the weight's logarithm
has in p the slope -n (p-q) times

    kl        (1 - 1/rho)/(p(1-p))              falls, for rho >= 1
    squared   1/(p(1-p)) - 4/rho                grows only between the roots of 4 p (1-p) = rho
    lambda    1/(p(1-p)) - (p+q)/(2 rho p^2)    grows up to the root of p^2 + p(q+2 rho-1) = q

so that on a piece of p the weight is largest at its lower end, or as near to ``turn`` as it gets.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from grpo_checks.theory.numbers.counts import Floats

Law = Floats | float


class Form(NamedTuple):
    """n g/rho are the nats that a bound needs with n tasks, over ``rho``."""

    value: Callable[[Floats, Law], Floats]
    """g(q, p), with q in [0, 1) and p in [0, 1]: convex, 0 where p <= q, falling in q, growing in
    p."""
    turn: Callable[[Floats, float], Floats]
    """Of q and rho > 0: a p above which the weight of q falls; below it, it falls before it grows,
    if it does."""
    rho: float = 1.0

    def __call__(self, q: Floats, p: Law) -> Floats:
        """g/rho."""
        return self.value(q, p) / self.rho


def lambda_form(q: Floats, p: Law) -> Floats:
    """(p-q)^2/(2p) where p > q."""
    return np.maximum(p - q, 0.0) ** 2 / (2 * np.maximum(p, np.finfo(float).tiny))


def squared_form(q: Floats, p: Law) -> Floats:
    """2 (p-q)^2 where p > q."""
    return 2 * np.maximum(p - q, 0.0) ** 2


def kl_form(q: Floats, p: Law) -> Floats:
    """kl(q ‖ p) where p > q, for p below 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(q > 0, q * np.log(q / p), 0.0)
        second = (1 - q) * (np.log1p(-q) - np.log1p(-p))
    return np.where(q < p, first + second, 0.0)


def _lambda_turn(q: Floats, rho: float) -> Floats:
    half = (q + 2 * rho - 1) / 2
    return np.asarray(np.sqrt(half**2 + q) - half)


def _squared_turn(q: Floats, rho: float) -> Floats:
    return np.full(q.shape, (1 + np.sqrt(1 - rho)) / 2 if rho < 1 else 0.0)


def _kl_turn(q: Floats, rho: float) -> Floats:
    return np.full(q.shape, 0.0 if rho >= 1 else 1.0)


KL = Form(kl_form, _kl_turn)
SQUARED = Form(squared_form, _squared_turn)
LAMBDA = Form(lambda_form, _lambda_turn)
