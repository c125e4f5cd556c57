"""Files that are either whole or absent, and one text for equal JSON values."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` so that a reader, or a kill at any moment, never sees half of it.

    Raises OSError that names ``path`` where the disk is full or the folder read-only; what was
    there before is then as it was.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from None
        raise


def sweep(path: Path) -> None:
    """Remove what writers of ``path`` left when they were killed; only where there can be none."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)


def check_writable(folder: Path) -> None:
    """Whether files can be stored here; better known before hours of work. Raises OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(path: Path, error: OSError) -> OSError:
    told = f"{error.strerror or error}: not written; nothing stored before is lost"
    return OSError(error.errno or 0, told, str(path))


def canonical(value: Any) -> str:
    """One text for equal JSON values; refuses NaN and infinities."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
