"""Processes started for a platform's tasks: each in a session of its own, so that it ends with all that it forked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath

__all__ = ["GRACE_S", "Child", "Children", "Ended"]

GRACE_S = 12.0
"""Seconds between SIGTERM and SIGKILL: a launcher gives its step ten, which no signal to its own group reaches."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: its exit code (below zero, the signal), None if it never started; `fault` says why not."""

    code: int | None
    was_ended: bool = False
    """`Child.end` was called before the child ended by itself."""
    fault: str = ""


class Child:
    """A process that waits for its turn, runs, or has ended."""

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], cwd: FilePath, log: FilePath, error_log: FilePath | None
    ):
        """Keep what to start; stdout goes to the end of `log`, stderr too if it has no log of its own."""
        self.argv, self.env, self.cwd, self.log, self.error_log = list(argv), dict(env), cwd, log, error_log
        self.pid = 0
        self._lock = threading.Lock()
        self._is_ended = False
        self._was_ended = False

    def end(self, grace_s: float = GRACE_S) -> None:
        """Send SIGTERM to the child and all it forked, SIGKILL after the grace; one that has not started never will."""
        with self._lock:
            if self._is_ended or self._was_ended:
                return
            self._was_ended = True
            self._signal(signal.SIGTERM if grace_s > 0 else signal.SIGKILL)
        if grace_s > 0 and self.pid:
            killer = threading.Timer(grace_s, self._kill)
            killer.daemon = True
            killer.start()

    def _kill(self) -> None:
        with self._lock:
            if not self._is_ended:
                self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _run(self, on_start: Callable[[], None]) -> Ended:
        with contextlib.ExitStack() as stack:
            out = stack.enter_context(self.log.open("ab"))
            err = stack.enter_context(self.error_log.open("ab")) if self.error_log else out
            with self._lock:
                if self._was_ended:
                    return Ended(None, True)
                try:
                    popen = subprocess.Popen(
                        self.argv,
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=err,
                        cwd=self.cwd,
                        env=self.env,
                        start_new_session=True,
                    )
                except (OSError, ValueError) as fault:
                    return Ended(None, fault=str(fault))
                self.pid = popen.pid
        on_start()
        code = popen.wait()
        with self._lock:
            self._is_ended = True
            self._signal(signal.SIGKILL)  # what it forked and left behind
        return Ended(code, self._was_ended)


class Children:
    """Starts children, at most `limit` at once and the rest in order; each is waited for on a thread of its own."""

    def __init__(self, limit: int | None = None) -> None:
        """Start with none; the default limit is four for each processor."""
        self.limit = limit or 4 * (os.cpu_count() or 1)
        self._lock = threading.Condition()
        self._waiting: deque[tuple[Child, Callable[[], None], Callable[[Ended], None]]] = deque()
        self._running: set[Child] = set()
        self._is_closed = False

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: FilePath,
        log: FilePath,
        error_log: FilePath | None = None,
        on_start: Callable[[], None] = lambda: None,
        on_end: Callable[[Ended], None] = lambda _: None,
    ) -> Child:
        """Return a child that runs once there is room; callbacks come from its own thread, `on_end` exactly once."""
        child = Child(argv, env, cwd, log, error_log)
        with self._lock:
            if self._is_closed:
                child.end()
            self._waiting.append((child, on_start, on_end))
        self._fill()
        return child

    def close(self) -> None:
        """Ask every child to end, start none any more, and wait until all have ended and `on_end` has been called."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
            waiting = [child for child, _, _ in self._waiting]
        for child in [*waiting, *running]:
            child.end()
        self._fill()
        with self._lock:
            self._lock.wait_for(lambda: not self._running and not self._waiting)

    def _fill(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or (len(self._running) >= self.limit and not self._is_closed):
                    return
                child, on_start, on_end = self._waiting.popleft()
                self._running.add(child)
            threading.Thread(target=self._watch, args=(child, on_start, on_end), daemon=True).start()

    def _watch(self, child: Child, on_start: Callable[[], None], on_end: Callable[[Ended], None]) -> None:
        ended = child._run(on_start)
        try:
            on_end(ended)
        finally:
            with self._lock:
                self._running.discard(child)
                self._lock.notify_all()
            self._fill()
