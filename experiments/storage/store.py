"""Stored results, addressed by what defines them, and checked before use."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from grpo_checks.experiments.storage.files import (
    canonical,
    digest,
    is_plain,
    set_aside,
    sweep,
    write_atomic,
)
from grpo_checks.experiments.storage.fresh import Pass
from grpo_checks.experiments.storage.locks import locked

MAX_BYTES = 2**30
"""Of one result; parsing needs some ten times as much memory."""


class Unsound(Exception):
    """A file that is not what this store wrote here, or a result that could not have come out."""


def anything(result: Any) -> None:
    """Every result is sound."""


class Store:
    """Results by what defines them: computed once, kept, checked on every reading.

    A file that is truncated, edited, foreign or unreadable, or whose result ``check`` raises
    Unsound for, is set aside under a new name and computed again; a checksum finds accidents and
    strangers, not forgers.
    Commands that share a folder compute each result once: whoever computes it holds its lock.
    """

    def __init__(self, folder: Path, fresh: Pass | None = None) -> None:
        self.folder = folder
        self.fresh = fresh
        """If given, what was stored before this pass is computed again."""
        self.set_aside: list[Path] = []
        self.computed: list[Path] = []
        """What was not there yet."""

    def get(
        self,
        settings: Any,
        compute: Callable[[], Any],
        wait: bool = True,
        check: Callable[[Any], object] = anything,
    ) -> Any:
        """The stored result of ``settings``, or that of ``compute()``, which is then stored.

        Raises locks.Busy if someone else is computing it and ``wait`` is False; OSError where it
        cannot be stored.
        """
        result = self.find(settings, check)
        if result is not None:
            return result
        path = self._path(settings)
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.locked(path.with_suffix(".lock"), wait):
            self._tidy(path, settings, check)
            result = self.find(settings, check)
            if result is not None:
                return result
            body = {"settings": settings, "result": compute()}
            text = canonical({**body, "sha256": digest(body)}) + "\n"
            if len(text) > MAX_BYTES:
                raise ValueError(f"result of {len(text)} bytes: expected at most {MAX_BYTES}")
            write_atomic(path, text)
            self.computed.append(path)
            if self.fresh is not None:
                self.fresh.mark(path.stem)
        return body["result"]

    def find(self, settings: Any, check: Callable[[Any], object] = anything) -> Any:
        """The stored result; None where there is none, or none that is sound."""
        try:
            return self._read(self._path(settings), settings, check)
        except Unsound:
            return None

    def notices(self) -> list[str]:
        """A line for each file that was set aside."""
        return [f"unsound file set aside and computed again: {path}" for path in self.set_aside]

    @contextmanager
    def locked(self, lock: Path, wait: bool = True) -> Iterator[None]:
        """Hold it; what lies in its place and is no lock is set aside. Raises Busy, OSError."""
        with suppress(FileNotFoundError):
            if not is_plain(lock):
                self.set_aside.append(set_aside(lock))
        with locked(lock, wait):
            yield

    def _path(self, settings: Any) -> Path:
        return self.folder / f"{digest(settings)[:32]}.json"

    def _read(self, path: Path, settings: Any, check: Callable[[Any], object]) -> Any:
        try:
            # A pipe would be read for ever, a link would lead out of the folder.
            if not is_plain(path) or os.lstat(path).st_size > MAX_BYTES:
                raise Unsound
            if self.fresh is not None and not self.fresh.has(path.stem):
                return None
            stored = json.loads(path.read_bytes())
            body = {"settings": stored["settings"], "result": stored["result"]}
            if stored["sha256"] != digest(body) or digest(body["settings"]) != digest(settings):
                raise Unsound
            check(body["result"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError, PermissionError):
            raise Unsound from None
        return body["result"]

    def _tidy(self, path: Path, settings: Any, check: Callable[[Any], object]) -> None:
        """Set aside an unsound file, remove what a killed writer left; only under the lock."""
        sweep(path)
        try:
            self._read(path, settings, check)
        except Unsound:
            self.set_aside.append(set_aside(path))
