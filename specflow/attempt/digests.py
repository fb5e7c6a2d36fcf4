"""Digests of files and folders: the same for the same content, whatever the time stamps."""

from __future__ import annotations

import hashlib
import os

__all__ = ["digest_and_size", "digest_of_file", "files_below"]


def digest_of_file(path: str) -> str:
    """Return the SHA-256 of a file's content; large files are streamed."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def digest_and_size(path: str) -> tuple[str, int]:
    """Return the SHA-256 and the bytes of a file; of a folder, the digest of its sorted lines `<sha256>  <path>`."""
    if os.path.isfile(path):
        return digest_of_file(path), os.path.getsize(path)
    digest, size = hashlib.sha256(), 0
    for name in sorted(files_below(path)):
        file = os.path.join(path, name)
        digest.update(f"{digest_of_file(file)}  {name}\n".encode("utf-8", "surrogateescape"))
        size += os.path.getsize(file)
    return digest.hexdigest(), size


def files_below(folder: str) -> list[str]:
    """Return the files below a folder, with forward slashes, in no order."""
    found = []
    pending = [(folder, "")]
    while pending:
        here, prefix = pending.pop()
        for entry in os.scandir(here):
            if entry.is_dir():
                pending.append((entry.path, f"{prefix}{entry.name}/"))
            else:
                found.append(prefix + entry.name)
    return found
