"""A stop order that reaches everything below it: a job's nodes, a nested pipeline's, their processes."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Halt"]


class Halt:
    """Set once, for good; what is attached is then called, at once if it was set before."""

    def __init__(self, outer: Halt | None = None) -> None:
        """Begin unset, and be set whenever `outer` is."""
        self._lock = threading.Lock()
        self._actions: dict[int, Callable[[], None]] = {}
        self._next = 0
        self.is_set = False
        if outer is not None:
            outer.attach(self.set)

    def set(self) -> None:
        """Stop everything below."""
        with self._lock:
            if self.is_set:
                return
            self.is_set = True
            actions = list(self._actions.values())
        for action in actions:
            action()

    def attach(self, action: Callable[[], None]) -> Callable[[], None]:
        """Call `action` when set; return what detaches it again."""
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._actions[number] = action
            is_late = self.is_set
        if is_late:
            action()

        def detach() -> None:
            with self._lock:
                self._actions.pop(number, None)

        return detach
