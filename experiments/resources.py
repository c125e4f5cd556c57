"""Memory of this machine, and the most that this process has held of it."""

import os
import resource
import sys


def available_memory() -> int:
    """Bytes that can be had now; half of all where the system does not say."""
    pages = "SC_AVPHYS_PAGES"
    if pages in os.sysconf_names:
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def peak_memory() -> int:
    """Bytes of the largest resident set so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
