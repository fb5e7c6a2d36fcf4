"""Inputs are for reading: their sizes and times before a step, to notice one that writes to what it was given."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from specflow.attempt.values import PATH_TYPES

__all__ = ["as_they_are", "wrote_to"]

Held = dict[str, tuple[int, int]]


def as_they_are(step: Mapping[str, Any], values: Mapping[str, Any]) -> Held:
    """Return size and time of each input path that a step sees, private copies and addresses aside."""
    held: Held = {}
    for port, facts in step["inputs"].items():
        if facts["type"] not in PATH_TYPES or facts.get("access") == "download":
            continue
        value = values[port]
        for path in value if isinstance(value, list) else [value]:
            if path is not None and "://" not in path:
                _add(path, held)
    return held


def wrote_to(held: Held) -> str | None:
    """Return why a step's success does not count: it changed an input; None if it left them all alone."""
    for path, before in held.items():
        if _stat(path) != before:
            return f'the step wrote to its input "{path}"; inputs are read-only'
    return None


def _stat(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _add(path: str, held: Held) -> None:
    """Add size and time of a file, or of a folder and all below it."""
    found = os.stat(path)
    held[path] = (found.st_size, found.st_mtime_ns)
    if stat.S_ISDIR(found.st_mode):
        for entry in os.scandir(path):
            _add(entry.path, held)
