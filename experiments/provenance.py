"""Where numbers come from: versions, device, precision, and a digest of what was asked."""

import platform
from importlib.metadata import version
from typing import Any

import jax

from experiments.files import digest

PACKAGES = ("jax", "jaxlib", "equinox", "optax", "numpy", "scipy", "pandas")


def provenance(settings: list[Any], found: int, seconds: float) -> dict[str, Any]:
    """The facts stored beside a table of rows.

    ``settings`` are those of all its runs; ``found`` of them were stored by earlier commands, whose
    time ``seconds`` does not count.
    """
    devices = jax.devices()
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": f"{len(devices)} x {devices[0].platform} ({devices[0].device_kind})",
        "machine": platform.machine(),
        "precision": "float64",
        "settings_sha256": digest(settings),
        "runs": len(settings),
        "runs_found_stored": found,
        "wall_seconds": round(seconds, 1),
    }
