"""The secret that a client has to know: random, in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import tempfile
from pathlib import Path as FilePath

from specflow.errors import UsageError

__all__ = ["kept_token"]


def kept_token(file: FilePath) -> str:
    """Return the token of a file with mode 0600, made if it is not there; refuse a file that others can read."""
    if not os.path.lexists(file):
        _make(file)
    found = file.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f'others can read or change the token file "{file}"', "delete it: a new one is made at the next start"
        )
    return file.read_text("ascii").strip()


def _make(file: FilePath) -> None:
    """Make a token file, whole or not at all; leave one that somebody else has made meanwhile."""
    descriptor, fresh = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
    finally:
        FilePath(fresh).unlink()
