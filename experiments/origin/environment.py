"""What changes numbers besides the code: the platform, and options of JAX, XLA and BLAS."""

import os
import platform
from pathlib import Path
from typing import Any

import jax

from grpo_checks.experiments.storage.files import digest, is_plain, write_atomic

HARMLESS = (
    "jax_compilation_cache", "jax_persistent_cache", "jax_enable_compilation_cache",
    "jax_raise_persistent_cache", "jax_log", "jax_debug_log", "jax_explain", "jax_dump",
    "jax_traceback", "jax_tracer_error", "jax_platform", "jax_default_device",
    "jax_num_cpu_devices", "jax_cuda_visible", "jax_rocm_visible", "jax_cpu_get",
    "jax_numpy_rank_promotion", "jax_numpy_dtype_promotion",
)  # fmt: skip
"""Beginnings of options of JAX that change no number: where things are, what is said or refused."""
HARMLESS_FLAGS = ("--xla_force_host_platform_device_count", "--xla_dump")
VARIABLES = (
    "LIBTPU_INIT_ARGS",
    "NVIDIA_TF32_OVERRIDE",
    "OPENBLAS_CORETYPE",
    "MKL_CBWR",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
)
MARK = ".platform"


def platform_name() -> str:
    """On which numbers are equal to the byte; between two of them sums round differently."""
    device = jax.devices()[0]
    return f"{device.platform} ({device.device_kind}), {platform.system()} {platform.machine()}"


def environment() -> dict[str, Any]:
    """What defines a result besides settings and code, as JSON."""
    options = {
        name: repr(value)
        for name, value in jax.config.values.items()
        if not name.startswith(HARMLESS)
    }
    return {
        "platform": platform_name(),
        "precision": "float64",
        "jax_options": digest(options),
        "xla_flags": _xla_flags(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def _xla_flags() -> list[str]:
    text = os.environ.get("XLA_FLAGS", "")
    # It may also name a file of them.
    if not text.lstrip().startswith("-") and os.path.isfile(text):
        text = Path(text).read_text(encoding="utf-8")
    return [flag for flag in text.split() if not flag.startswith(HARMLESS_FLAGS)]


def begun_elsewhere(folder: Path) -> str | None:
    """A line to tell where another platform began the folder, else None."""
    mark, here = folder / MARK, platform_name()
    if not mark.exists():
        write_atomic(mark, here + "\n")
    there = mark.read_text(encoding="utf-8").strip() if is_plain(mark) else here
    if there == here:
        return None
    return f"{folder} was begun on {there}: results of {here} are computed and kept beside"
