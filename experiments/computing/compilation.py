"""Compiled programs are kept between commands, in the user's cache, and counted."""

import glob
import hashlib
import os
import platform
import re
import shutil
import sys
import threading
import warnings
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax

NAME = "grpo-theory-checks"
DAMAGED = re.compile(r"Error reading persistent compilation cache entry for '(.*?)': ", re.DOTALL)
"""What JAX says, each time: it compiles again and never writes over a file that is there."""


def _user_cache() -> Path:
    """Where this platform keeps what can be made again. Raises RuntimeError without a home."""
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"])
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"])
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")


def _processor() -> str:
    """This kind of processor: a home may be shared by machines that run each other's code badly."""
    cpuinfo, known = Path("/proc/cpuinfo"), [platform.machine(), platform.processor()]
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
        known += sorted({line for line in lines if line.startswith(("model name", "flags"))})
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:12]


def keep_compiled() -> Path | None:
    """Keep compiled programs, small ones too; the folder, or None if it cannot be written.

    ``JAX_COMPILATION_CACHE_DIR`` names another folder; ``JAX_ENABLE_COMPILATION_CACHE=false``
    switches it off. Safe to delete at any time.
    """
    named = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    try:
        folder = Path(named) if named else _user_cache() / NAME / _processor()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    if not os.access(folder, os.W_OK):
        return None
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    _mend(folder)
    return folder


def _mend(folder: Path) -> None:
    """Remove damaged programs when JAX says that it cannot read them; it then writes them anew."""
    shown: Any = warnings.showwarning
    # Asked again, it does not pass on to itself.
    if isinstance(shown, partial) and shown.func is _show:
        shown = shown.args[1]
    warnings.filterwarnings("always", message=DAMAGED.pattern)
    warnings.showwarning = partial(_show, folder, shown)


def _show(folder: Path, shown: Callable[..., None], message: Any, *where: Any, **how: Any) -> None:
    match = DAMAGED.match(str(message))
    if match is None or not _remove_damaged(folder, match[1]):
        shown(message, *where, **how)


def _remove_damaged(folder: Path, program: str) -> bool:
    """Of the files of a program's shapes those that are damaged; all where that cannot be told."""
    kept = list(folder.glob(f"{glob.escape(program)}-*-cache"))
    damaged = [path for path in kept if not _is_whole(path)] or kept
    for path in damaged:
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        except OSError:
            return False
    return bool(damaged)


def _is_whole(path: Path) -> bool:
    """Whether it is what zlib wrote, which adds a checksum; what zstd wrote, JAX's other way, is
    none."""
    try:
        return bool(zlib.decompress(path.read_bytes()))
    except (OSError, zlib.error):
        return False


class Compilations:
    """How many programs were needed since it was made, how many were kept ones, and the seconds."""

    def __init__(self) -> None:
        self.programs = self.kept = 0
        self.seconds = 0.0
        self._lock = threading.Lock()
        jax.monitoring.register_event_listener(self._event)
        jax.monitoring.register_event_duration_secs_listener(self._duration)

    def _event(self, event: str, **_: Any) -> None:
        if event == "/jax/compilation_cache/cache_hits":
            with self._lock:
                self.kept += 1

    def _duration(self, event: str, duration_secs: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            with self._lock:
                self.programs += 1
                self.seconds += duration_secs

    def __str__(self) -> str:
        compiled = self.programs - self.kept
        return f"{compiled} programs compiled, {self.kept} kept ones used, {self.seconds:.0f} s"
