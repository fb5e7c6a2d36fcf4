"""The secret that a client has to know: random, in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path as FilePath

from specflow.errors import UsageError

__all__ = ["kept_token"]


def kept_token(file: FilePath) -> str:
    """Return the token of a file with mode 0600, made if it is not there; refuse a file that others can read."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        found = file.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise UsageError(
                f'others can read or change the token file "{file}"', "delete it: a new one is made at the next start"
            ) from None
        return file.read_text("ascii").strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(token + "\n")
    return token
