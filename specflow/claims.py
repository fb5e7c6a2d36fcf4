"""Files that a process claims for as long as it lives: the kernel ties a claim to the open file, and so to its end."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from specflow.errors import WorkspaceError

if TYPE_CHECKING:
    from pathlib import Path as FilePath

__all__ = ["claim", "is_claimed"]


def claim(file: FilePath | str, *, is_shared: bool = False, waits: bool = True) -> int | None:
    """Return a descriptor that claims a file until it is closed; None where another has it and we don't wait.

    Shared claims go together, and none goes with one that isn't. Raises WorkspaceError on a file system without locks.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    how = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how if waits else how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError as failure:
        os.close(descriptor)
        message = f'"{file}" can\'t be locked: {(failure.strerror or str(failure)).lower()}'
        raise WorkspaceError(
            message, "have the project on a file system that knows locks, such as a local disk"
        ) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_claimed(file: FilePath | str) -> bool:
    """Return whether somebody has a file for himself. Who asks is in the way of a claim for an instant."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
