"""Files that are either whole or absent, and stored results that are checked before use."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` so that a reader, or a kill at any moment, never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def canonical(value: Any) -> str:
    """One text for equal JSON values; refuses NaN and infinities."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


class Store:
    """Results by what defines them: computed once, kept, checked on every reading.

    A file that is truncated, edited or foreign is set aside under a new name and computed again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.set_aside: list[Path] = []
        self.found = 0
        """How many results were there already."""

    def get(self, settings: Any, compute: Callable[[], Any]) -> Any:
        """The stored result of ``settings``, or that of ``compute()``, which is then stored."""
        path = self.folder / f"{digest(settings)[:32]}.json"
        found = self._read(path, settings)
        if found is not None:
            self.found += 1
            return found
        computed = compute()
        body = {"settings": settings, "result": computed}
        write_atomic(path, canonical({**body, "sha256": digest(body)}) + "\n")
        return computed

    def has(self, settings: Any) -> bool:
        """Whether a sound result is stored; an unsound one is set aside."""
        return self._read(self.folder / f"{digest(settings)[:32]}.json", settings) is not None

    def _read(self, path: Path, settings: Any) -> Any:
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            body = {"settings": stored["settings"], "result": stored["result"]}
            whole = stored["sha256"] == digest(body)
            if whole and canonical(stored["settings"]) == canonical(settings):
                return stored["result"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        aside = path.with_suffix(f".unsound-{os.getpid()}")
        os.replace(path, aside)
        self.set_aside.append(aside)
        return None
