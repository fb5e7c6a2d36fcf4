"""One emulator per root: who holds it, and where one answers that was started to stay, for other commands to find."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path as FilePath

from specflow.claims import claim, is_claimed
from specflow.errors import UsageError

__all__ = ["HeldError", "Hold", "address", "announce", "is_held"]

_LOCK = "lock"
_ADDRESS = "address"


_ASKERS_S, _TRIES = 0.02, 10
"""Who asks whether a root is held has its lock for an instant."""


class HeldError(UsageError):
    """Another emulator is at work in a root."""


class Hold:
    """The claim of one emulator on its root."""

    def __init__(self, root: FilePath) -> None:
        """Take hold of a root; raise HeldError where another emulator has it."""
        lock = claim(root / _LOCK, waits=False)
        for _ in range(_TRIES):
            if lock is None:
                time.sleep(_ASKERS_S)
                lock = claim(root / _LOCK, waits=False)
        if lock is None:
            raise HeldError(f'an emulator is at work in "{root}" already', "end it, or name another folder with --root")
        self._lock = lock
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
    return is_claimed(root / _LOCK)


def address(root: FilePath) -> str | None:
    """Return where the emulator answers that was started to stay in a root; None if there is none."""
    if not is_held(root):
        return None
    try:
        return (root / _ADDRESS).read_text("ascii").strip()
    except OSError:
        return None
