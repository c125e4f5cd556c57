"""Where numbers come from: code, versions, device, date, and a digest of what was asked."""

import platform
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import jax

from grpo_checks.experiments.origin.code_version import ROOT, VERSIONS
from grpo_checks.experiments.origin.environment import environment, platform_name
from grpo_checks.experiments.storage.files import digest

NAME = "grpo-theory-checks"


def project_version() -> str:
    """Of this project: of its sources where they are, else as it was installed."""
    described = ROOT / "pyproject.toml"
    if not described.is_file():
        return version(NAME)
    return str(tomllib.loads(described.read_text(encoding="utf-8"))["project"]["version"])


def version_line() -> str:
    """What is installed, and where it would compute."""
    python = platform.python_version()
    return f"{NAME} {project_version()}, jax {version('jax')}, {platform_name()}, Python {python}"


def provenance(code: str, runs: Sequence[str], stored: int, seconds: float) -> dict[str, Any]:
    """The facts stored beside a table of rows.

    ``code`` is the digest of what its claims rest on; ``runs`` are the digests of the settings of
    all its runs; ``stored`` of them were stored by other commands, whose time ``seconds`` does not
    count.
    """
    devices = jax.devices()
    return {
        "name": NAME,
        "version": project_version(),
        "code_sha256": code,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: text for name, text in VERSIONS.items() if name != "python"},
        **environment(),
        "processes": jax.process_count(),
        "device": _device(len(devices), devices[0].platform, devices[0].device_kind),
        "machine": platform.machine(),
        "settings_sha256": digest(list(runs)),
        "runs": len(runs),
        "runs_found_stored": stored,
        "wall_seconds": round(seconds, 1),
    }


def _device(count: int, platform: str, kind: str) -> str:
    """How many of which platform, and its kind where that says more (a CPU's is "cpu")."""
    return f"{count} x {platform}" + (f" ({kind})" if kind != platform else "")
