"""What the launcher writes to its own stdout: what a step writes, as it is, and lines of its own between."""

from __future__ import annotations

import os
import sys

__all__ = ["say", "tell"]

_told = bytearray(b"\n")
"""The last byte that was written to stdout."""


def tell(text: bytes) -> None:
    """Write to this process's own stdout, whatever stands in for it; one that nobody reads any more is no failure."""
    raw = getattr(sys.stdout, "buffer", None)
    try:
        if raw is not None:
            raw.write(text)
        else:
            sys.stdout.write(text.decode("utf-8", "replace"))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the exit code tells of it
    _told[:] = text[-1:] or _told


def say(line: str, *, is_sure: bool = True) -> None:
    """Write a line of the launcher's own, at the beginning of one; not `is_sure` where the step may have begun it."""
    text = line.encode("utf-8", "replace") + b"\n"
    tell(text if is_sure and _told == b"\n" else b"\n" + text)
