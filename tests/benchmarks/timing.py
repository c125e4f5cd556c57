"""How long calls take: the median of several, after one that compiles."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax

RUNS = 8


def beside(calls: Mapping[str, Callable[[], Any]], runs: int = RUNS) -> dict[str, float]:
    """Median wall time of each call, results waited for.

    One round after another, so that a machine that is busy for a while is so for all of them; every
    second one backwards, since what ran before a call leaves it the memory and the caches.
    """
    for call in calls.values():
        jax.block_until_ready(call())
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(runs):
        for name, call in list(calls.items())[:: -1 if turn % 2 else 1]:
            start = time.perf_counter()
            jax.block_until_ready(call())
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}


def seconds(call: Callable[[], Any]) -> float:
    """Median wall time of one call."""
    return beside({"call": call})["call"]
