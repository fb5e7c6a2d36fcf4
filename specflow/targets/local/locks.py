"""Who is at work on which key: one step at a time, over all runs of a project, and nothing left behind by the dead."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path as FilePath
from typing import Literal

from specflow.targets.local.steps import Step

__all__ = ["Claims"]


class Claims:
    """The keys that this run's steps are at work on, and the steps that wait for one of them.

    Between runs a key is a byte of one file, held by a POSIX record lock: it ends with the process, however that ends.
    Such locks end, too, when the process closes any descriptor of the file: so there is one, kept open.
    """

    def __init__(self, file: FilePath) -> None:
        """Open the file of locks."""
        self.descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.holders: dict[str, Step] = {}
        self.waiting: dict[str, list[Step]] = {}
        self.unwritten: list[str] = []

    def claim(self, key: str, step: Step) -> Literal["us", "another step", "another run"]:
        """Return who has a key now; a step that another step of this run is in front of is kept waiting for it."""
        if key in self.holders:
            self.waiting.setdefault(key, []).append(step)
            return "another step"
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(key))
        except BlockingIOError:
            return "another run"
        self.holders[key] = step
        return "us"

    def let_go(self, key: str) -> list[Step]:
        """Return the steps of this run that waited for a key; other runs get it once the result is written."""
        del self.holders[key]
        self.unwritten.append(key)
        return self.waiting.pop(key, [])

    def written(self) -> None:
        """Let other runs have the keys whose results are written now."""
        for key in self.unwritten:
            if key not in self.holders:
                fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, _offset(key))
        self.unwritten.clear()

    def close(self) -> None:
        """Let every key go."""
        os.close(self.descriptor)


def _offset(key: str) -> int:
    return int(key[:15], 16)
