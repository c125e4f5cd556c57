"""What this process holds: memory, and compiled programs, which take pieces of it."""

import resource
import sys
from pathlib import Path

import jax

from grpo_checks.experiments.computing.compilation import Compilations

MAPS, MOST_MAPS = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")


def peak_memory() -> int:
    """Bytes of the largest resident set so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def crowded(share: float = 0.5) -> bool:
    """Whether this share of the pieces of memory that Linux grants a process is in use.

    Every compiled program takes several and keeps them; where none is left XLA aborts. Elsewhere
    than on Linux nothing is known, and the answer is no.
    """
    if not MOST_MAPS.exists():
        return False
    return MAPS.read_bytes().count(b"\n") > share * int(MOST_MAPS.read_text())


class _Room:
    """For programs; asked for after every piece of work, it is looked at where one has come."""

    def __init__(self) -> None:
        self._compilations = Compilations()
        self._programs = 0

    def make(self) -> None:
        """Lets go of what JAX has compiled, once it crowds; what is needed again is compiled again.

        Pieces of thousands of programs are as many lines, which take 10 ms to read.
        """
        programs = self._compilations.programs
        if programs != self._programs:
            self._programs = programs
            if crowded():
                jax.clear_caches()


make_room = _Room().make
