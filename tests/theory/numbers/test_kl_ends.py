"""kl's inverses where products of their arguments underflow."""

import jax
import mpmath
import pytest

from grpo_checks.theory.numbers.kl import kl_first, kl_upper

_upper, _first = jax.jit(kl_upper), jax.jit(kl_first)


def _exact(q, p):
    """kl(q ‖ p)."""
    pairs = ((a, b) for a, b in ((q, p), (1 - mpmath.mpf(q), 1 - mpmath.mpf(p))) if a > 0)
    return mpmath.fsum(a * mpmath.log(mpmath.mpf(a) / b) for a, b in pairs)


@pytest.mark.parametrize("tiny", [1e-300, 1e-200, 1e-17])
def test_tiny_arguments(tiny):
    """q c underflows: the inverses stay outside; XLA drops what is below 2.3e-308, 2e-8 of kl."""
    with mpmath.workdps(700):
        for q, c in ((tiny, tiny), (tiny, 1e-300), (1e-300, tiny), (0.0, tiny)):
            p = float(_upper(q, c))
            assert _exact(q, p) >= c
            inside = q + (p - q) * (1 - 1e-7) - 4e-16 * p
            assert inside <= q or _exact(q, inside) < c
            assert q == 0 or _exact(float(_first(q, c)), q) >= c
