"""Programs of deep models that run once: making them fast would take longer than they run."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax

DEEP = 6
"""Tool calls; sweeps have a block of code for every layer, and compiling it takes its seconds."""
OPTION = "jax_disable_most_optimizations"


@contextmanager
def compiled_for_one_run(depth: int) -> Iterator[None]:
    """Programs for a model of ``depth`` layers of calls; sums may round differently, by 1e-14."""
    before = jax.config.read(OPTION)
    jax.config.update(OPTION, before or depth > DEEP)
    try:
        yield
    finally:
        jax.config.update(OPTION, before)
