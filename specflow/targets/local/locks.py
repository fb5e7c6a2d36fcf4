"""Locks on keys between the runs of one project, which a dead process can't leave behind: byte ranges of one file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path as FilePath

__all__ = ["KeyLocks"]


class KeyLocks:
    """Holds a key while its step runs, so that two runs do not do the same work at once.

    POSIX record locks belong to the process and end with it, however it ends. They end, too, when the process closes
    any descriptor of the file: so there is one, kept open.
    """

    def __init__(self, file: FilePath) -> None:
        """Open the file of locks."""
        self.descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def take(self, key: str) -> bool:
        """Return whether the key is ours now; False while another run holds it."""
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(key))
        except BlockingIOError:
            return False
        return True

    def release(self, key: str) -> None:
        """Let a key go."""
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, _offset(key))

    def close(self) -> None:
        """Let every key go."""
        os.close(self.descriptor)


def _offset(key: str) -> int:
    return int(key[:15], 16)
