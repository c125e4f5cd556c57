"""Stored results, addressed by what defines them, and checked before use."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.files import canonical, digest, sweep, write_atomic
from experiments.locks import locked

MAX_BYTES = 2**30
"""Of one result; parsing needs some ten times as much memory."""


class _Unsound(Exception):
    """A file that is not what this store wrote here."""


class Store:
    """Results by what defines them: computed once, kept, checked on every reading.

    A file that is truncated, edited or foreign is set aside under a new name and computed again;
    a checksum finds accidents and strangers, not forgers.
    Commands that share a folder compute each result once: whoever computes it holds its lock.
    """

    def __init__(self, folder: Path, since: int = 0) -> None:
        self.folder = folder
        self.since = since
        """Results stored before this time, ns on the folder's clock, are computed again."""
        self.set_aside: list[Path] = []
        self.computed: list[Path] = []
        """What was not there yet."""

    def get(self, settings: Any, compute: Callable[[], Any], wait: bool = True) -> Any:
        """The stored result of ``settings``, or that of ``compute()``, which is then stored.

        Raises locks.Busy if someone else is computing it and ``wait`` is False; OSError where it
        cannot be stored.
        """
        found = self.find(settings)
        if found is not None:
            return found
        path = self._path(settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(path.with_suffix(".lock"), wait):
            self._tidy(path, settings)
            found = self.find(settings)
            if found is not None:
                return found
            body = {"settings": settings, "result": compute()}
            text = canonical({**body, "sha256": digest(body)}) + "\n"
            if len(text) > MAX_BYTES:
                raise ValueError(f"result of {len(text)} bytes: expected at most {MAX_BYTES}")
            write_atomic(path, text)
            self.computed.append(path)
        return body["result"]

    def find(self, settings: Any) -> Any:
        """The stored result; None where there is none, or none that is sound."""
        try:
            return self._read(self._path(settings), settings)
        except _Unsound:
            return None

    def _path(self, settings: Any) -> Path:
        return self.folder / f"{digest(settings)[:32]}.json"

    def _read(self, path: Path, settings: Any) -> Any:
        try:
            facts = os.lstat(path)
        except FileNotFoundError:
            return None
        # A pipe would be read for ever, a link would lead out of the folder.
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
            raise _Unsound
        if facts.st_mtime_ns < self.since:
            return None
        try:
            stored = json.loads(path.read_bytes())
            body = {"settings": stored["settings"], "result": stored["result"]}
            if stored["sha256"] != digest(body) or digest(body["settings"]) != digest(settings):
                raise _Unsound
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _Unsound from None
        return body["result"]

    def _tidy(self, path: Path, settings: Any) -> None:
        """Set aside an unsound file, remove what a killed writer left; only under the lock."""
        sweep(path)
        try:
            self._read(path, settings)
        except _Unsound:
            aside = path.with_suffix(f".unsound-{_mark(path)}")
            os.replace(path, aside)
            self.set_aside.append(aside)


def _mark(path: Path) -> str:
    """Tells unsound files apart: of two with different content neither replaces the other."""
    facts = os.lstat(path)
    return hashlib.sha256(f"{facts.st_ino} {facts.st_mtime_ns}".encode()).hexdigest()[:12]
