"""One emulator per root: who holds it, and where one answers that was started to stay, for other commands to find."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path as FilePath

from specflow.errors import UsageError

__all__ = ["Hold", "address", "announce", "is_held"]

_LOCK = "lock"
_ADDRESS = "address"


class Hold:
    """The claim of one emulator on its root. The kernel ties it to the open file, so that it ends with the process."""

    def __init__(self, root: FilePath) -> None:
        """Take hold of a root; raise UsageError where another emulator has it."""
        self._lock = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise UsageError(
                f'an emulator is at work in "{root}" already', "end it, or name another folder with --root"
            ) from None
        (root / _ADDRESS).unlink(missing_ok=True)  # of one that was killed

    def let_go(self) -> None:
        """Let another emulator have the root."""
        with contextlib.suppress(OSError):
            os.close(self._lock)


def announce(root: FilePath, url: str) -> None:
    """Tell where the emulator of a root answers, until it lets go of it: it is there to be used by other commands."""
    fresh = root / f"{_ADDRESS}.new"
    fresh.write_text(url + "\n", "ascii")
    fresh.replace(root / _ADDRESS)


def is_held(root: FilePath) -> bool:
    """Return whether an emulator is at work in a root."""
    try:
        lock = os.open(root / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def address(root: FilePath) -> str | None:
    """Return where the emulator answers that was started to stay in a root; None if there is none."""
    if not is_held(root):
        return None
    try:
        return (root / _ADDRESS).read_text("ascii").strip()
    except OSError:
        return None
