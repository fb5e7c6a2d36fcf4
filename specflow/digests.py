"""Digests of files and folders: the same for the same content, whatever the time stamps."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path as FilePath

from specflow.attempt.digests import files_below

__all__ = ["digest_of_file", "digest_of_path", "files_below"]

_FIRST_READ, _READ = 1 << 14, 1 << 20


def digest_of_file(path: FilePath | str) -> str:
    """Return the SHA-256 of a file's content; large files are streamed. OSError for a device, or a pipe with a name."""
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a named pipe would wait for its writer
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Neither a file nor a folder", os.fspath(path))
        size = _FIRST_READ  # most files are small, and a large buffer costs more than such a file
        while chunk := os.read(descriptor, size):
            digest.update(chunk)
            size = _READ
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def digest_of_path(path: FilePath) -> str:
    """Return the SHA-256 of a file; of a folder, that of its sorted lines `<sha256>  <path>`, one per file."""
    if path.is_file():
        return digest_of_file(path)
    digest = hashlib.sha256()
    for name in sorted(files_below(str(path))):
        digest.update(f"{digest_of_file(path / name)}  {name}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
