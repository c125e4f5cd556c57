"""Locks between processes; the operating system opens them when their holder dies."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Some network file systems have no locks, or none on a file of another user (EBADF). Files are
# whole there all the same; two commands at once may do the same work twice.
WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)


class Busy(Exception):
    """Another thread or process holds the lock."""


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the one lock named ``path``, for threads and for processes; the file goes with it.

    Raises Busy instead of waiting if not ``wait``, OSError where the file cannot be made.
    """
    handle = _acquire(path, wait)
    try:
        yield
    finally:
        # In a folder with the sticky bit another user's file has to stay; it can be locked again.
        with suppress(PermissionError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path, wait: bool) -> int:
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(handle)
            raise Busy from None
        except OSError as error:
            if error.errno in WITHOUT_LOCKS:
                return handle
            os.close(handle)
            raise
        # Whoever held it before removed the file: a lock on a removed file excludes nobody.
        if _is_at(handle, path):
            return handle
        os.close(handle)


def _open(path: Path) -> int:
    """For writing too, which some file systems ask of a lock; not where it is another user's."""
    flags = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags | os.O_RDWR, 0o666)
    except PermissionError:
        return os.open(path, flags | os.O_RDONLY, 0o666)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
