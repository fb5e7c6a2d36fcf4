"""Nodes that fail or hang on purpose, so that a client can be tried with them."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Mishap", "Mishaps"]


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happens to nodes whose name matches: `fail` or `hang`, to so many of them (0: all)."""

    node: str
    kind: str
    times: int = 0


class Mishaps:
    """The mishaps in force."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._mishaps: tuple[Mishap, ...] = ()
        self._struck: list[int] = []

    def set(self, mishaps: Sequence[Mishap]) -> None:
        """Put these in the place of all before."""
        with self._lock:
            self._mishaps, self._struck = tuple(mishaps), [0] * len(mishaps)

    def take(self, node: str) -> str:
        """Return what happens to a node that is about to start; empty if nothing does."""
        with self._lock:
            for number, each in enumerate(self._mishaps):
                if fnmatch.fnmatchcase(node, each.node) and not 0 < each.times <= self._struck[number]:
                    self._struck[number] += 1
                    return each.kind
        return ""
