"""How long a call takes: the median of several, after one that compiles."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax

RUNS = 7


def seconds(call: Callable[[], Any]) -> float:
    """Median wall time of ``call``, results waited for."""
    jax.block_until_ready(call())
    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        jax.block_until_ready(call())
        found.append(time.perf_counter() - start)
    return statistics.median(found)
