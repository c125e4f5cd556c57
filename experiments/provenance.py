"""Where numbers come from: versions, device, precision, and a digest of what was asked."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import jax

from experiments.code_version import LIBRARIES
from experiments.files import digest


def provenance(runs: Sequence[str], found: int, seconds: float) -> dict[str, Any]:
    """The facts stored beside a table of rows.

    ``runs`` are the digests of the settings of all its runs; ``found`` of them were stored by other
    commands, whose time ``seconds`` does not count.
    """
    devices = jax.devices()
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in LIBRARIES},
        "processes": jax.process_count(),
        "device": _device(len(devices), devices[0].platform, devices[0].device_kind),
        "machine": platform.machine(),
        "precision": "float64",
        "settings_sha256": digest(list(runs)),
        "runs": len(runs),
        "runs_found_stored": found,
        "wall_seconds": round(seconds, 1),
    }


def _device(count: int, platform: str, kind: str) -> str:
    """How many of which platform, and its kind where that says more (a CPU's is "cpu")."""
    return f"{count} x {platform}" + (f" ({kind})" if kind != platform else "")
