"""The time, as an emulator sees it: real, with timers, and movable by whoever tests."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

__all__ = ["Clock", "Timer"]


class Timer:
    """Something to do later, unless cancelled."""

    __slots__ = ("action", "at")

    def __init__(self, at: float, action: Callable[[], None]) -> None:
        """Keep what to do and when."""
        self.at = at
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Make sure that it does not happen, if it has not happened yet."""
        self.action = None


class Clock:
    """The time in seconds since 1970, and timers by it. `advance` moves it on; frozen, it moves in no other way."""

    def __init__(self, *, frozen_at: float | None = None) -> None:
        """Follow the system's clock, or stand still at `frozen_at` until advanced."""
        self._is_frozen = frozen_at is not None
        self._start = time.monotonic()
        self._base = time.time() if frozen_at is None else frozen_at
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._base if self._is_frozen else self._base + (time.monotonic() - self._start)

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Return a timer that calls `action` once so many seconds have passed, on a thread that is not the caller's."""
        with self._changed:
            timer = Timer(self.now() + max(0.0, seconds), action)
            heapq.heappush(self._timers, (timer.at, next(self._numbers), timer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="emulator-clock", daemon=True)
                self._thread.start()
            self._changed.notify()
        return timer

    def advance(self, seconds: float) -> None:
        """Move the time on at once; timers that are due by then are called, in order, on the clock's own thread."""
        with self._changed:
            self._base += seconds
            self._changed.notify()

    def close(self) -> None:
        """End the thread; timers that have not fired never will."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._is_closed and not (self._timers and self._timers[0][0] <= self.now()):
                    left = self._timers[0][0] - self.now() if self._timers and not self._is_frozen else None
                    self._changed.wait(left)
                if self._is_closed:
                    return
                timer = heapq.heappop(self._timers)[2]
                action, timer.action = timer.action, None
            if action is not None:
                action()
