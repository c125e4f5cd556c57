"""Files that are either whole or absent, and one text for equal JSON values."""

import errno
import glob
import hashlib
import json
import os
import secrets
import stat
import tempfile
from pathlib import Path
from typing import Any


def write_atomic(path: Path, text: str) -> None:
    """Write ``text`` so that a reader, or a kill at any moment, never sees half of it.

    Readable for whom the umask lets. Raises OSError that names ``path`` where the disk is full or
    the folder read-only; what was there before is then as it was.
    """
    temporary = path.with_name(f"{_beginning(path)}{secrets.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        # Half of a pair of surrogates, as a note may hold, is no reason to lose the rest.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if os.path.lexists(temporary):
            temporary.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from None
        raise


def _beginning(path: Path) -> str:
    """Of the names of the temporary files of ``path``."""
    return f".{path.name}."


def sweep(path: Path) -> None:
    """Remove what writers of ``path`` left when they were killed; only where there can be none."""
    for left in path.parent.glob(f"{glob.escape(_beginning(path))}*"):
        if left.is_symlink() or not left.is_dir():
            left.unlink(missing_ok=True)


def is_plain(path: Path) -> bool:
    """Whether it is a file that can be read: no link, pipe or folder, and nobody's secret."""
    return stat.S_ISREG(os.lstat(path).st_mode) and os.access(path, os.R_OK)


def set_aside(path: Path) -> Path:
    """Give it a new name, for its owner to look at; the name.

    Of two with different content neither replaces the other.
    """
    facts = os.lstat(path)
    mark = hashlib.sha256(f"{facts.st_ino} {facts.st_mtime_ns}".encode()).hexdigest()[:12]
    aside = path.with_suffix(f".unsound-{mark}")
    os.replace(path, aside)
    return aside


def check_writable(folder: Path) -> None:
    """Whether files can be stored here; better known before hours of work. Raises OSError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from None


def check_replaceable(path: Path) -> None:
    """Whether it can be written over: not a folder, which is somebody's. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        raise _unwritable(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))


def check_target(path: Path) -> None:
    """Whether a file can be stored here, likewise."""
    check_writable(path.parent)
    check_replaceable(path)


def _unwritable(path: Path, error: OSError) -> OSError:
    message = f"{error.strerror or error}: not written; nothing stored before is lost"
    return OSError(error.errno or 0, message, str(path))


def canonical(value: Any) -> str:
    """One text for equal JSON values; refuses NaN and infinities."""
    return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
