"""xi(n), the price of Maurer's PAC-Bayes bound: sum_k C(n,k) (k/n)^k (1-k/n)^(n-k).

It is the largest E exp(n kl(mean ‖ expectation)) over n i.i.d. losses in [0,1] (Maurer 2004,
arXiv:cs/0411099), and xi(n) <= 2 sqrt n.
"""

import jax
import numpy as np

from grpo_checks.theory.numbers.counts import check_tasks
from grpo_checks.theory.numbers.tracing import named_number


def xi(n: int) -> float:
    """xi(n), to about 1e-12. Raises ValueError unless n is in 1..10^8.

    By Abel's identity the sum is sum_k n!/((n-k)! n^k) = sum_k prod_{j<k} (1 - j/n): positive
    terms that fall like exp(-k^2/2n), where log-gammas would cancel.
    """
    check_tasks(n)
    # exp(-k^2/2n) at k = 9 sqrt n is 3e-18: what follows is below rounding.
    factors = 1 - np.arange(min(n, int(9 * np.sqrt(n)) + 1)) / n
    return float(1 + np.cumprod(factors).sum())


def traced_xi(n: int) -> jax.Array:
    """xi(n), named in traced programs: ``theory.arithmetic`` encloses it by its definition."""
    return named_number("xi", n, xi(n))


def plain(n: int) -> float:
    """2 sqrt n, which bounds xi(n). Raises ValueError unless n is in 1..10^8."""
    check_tasks(n)
    return float(2 * np.sqrt(n))
