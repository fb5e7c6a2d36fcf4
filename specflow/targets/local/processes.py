"""Child processes, each the leader of its own session: started, waited for all at once, ended with all they forked."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.targets.local.guardian import Guardian

__all__ = ["GRACE_S", "Child", "Processes"]

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""


class Child:
    """One running process. `returncode` is set once it has ended: below zero, the signal that ended it."""

    __slots__ = ("_watch", "kill_at", "pid", "popen", "returncode", "tag")

    def __init__(self, popen: subprocess.Popen[bytes], tag: Any) -> None:
        """Keep the process; `tag` is the caller's."""
        self.popen, self.pid, self.tag = popen, popen.pid, tag
        self.returncode: int | None = None
        self.kill_at: float | None = None
        self._watch: int | None = None

    def terminate(self, now: float, grace_s: float = GRACE_S) -> None:
        """Ask the whole group to end; `Processes.wait` sees to it that it has ended after the grace."""
        self._signal(signal.SIGTERM)
        self.kill_at = now + grace_s

    def kill(self) -> None:
        """End the whole group at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


class Processes:
    """Waits for any of many children, without threads where the platform has pidfds (Linux), and can be woken."""

    def __init__(self) -> None:
        """Open what waiting needs, and start what ends the children of a runner that was killed."""
        self.guardian = Guardian()
        self.selector = selectors.DefaultSelector()
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)
        self.selector.register(self.wake_read, selectors.EVENT_READ, None)
        self.children: set[Child] = set()
        self.ended: list[Child] = []
        self.lock = threading.Lock()

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, log: FilePath, tag: Any) -> Child:
        """Start a process that writes stdout and stderr to one log; raise OSError if it can't be started."""
        with log.open("ab") as stream:
            popen = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=cwd,
                env=dict(env),
                start_new_session=True,
            )
        self.guardian.began(popen.pid)
        child = Child(popen, tag)
        self.children.add(child)
        if hasattr(os, "pidfd_open"):
            child._watch = os.pidfd_open(child.pid)
            self.selector.register(child._watch, selectors.EVENT_READ, child)
        else:
            threading.Thread(target=self._reap, args=(child,), daemon=True).start()
        return child

    def _reap(self, child: Child) -> None:
        child.popen.wait()
        with self.lock:
            self.ended.append(child)
        self.wake()

    def wake(self) -> None:
        """Make a `wait` that is under way return; safe in a signal handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.wake_write, b"\0")

    def wait(self, timeout: float | None) -> list[Child]:
        """Return the children that have ended, waiting up to `timeout` seconds for the first of them."""
        now = time.monotonic()
        due = [child.kill_at for child in self.children if child.kill_at is not None]
        if due:
            left = max(0.0, min(due) - now)
            timeout = left if timeout is None else min(timeout, left)
        done = []
        for key, _ in self.selector.select(timeout):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self.wake_read, 4096)
            else:
                done.append(key.data)
        with self.lock:
            done += self.ended
            self.ended = []
        for child in done:
            self._finish(child)
        now = time.monotonic()
        for child in self.children:
            if child.kill_at is not None and now >= child.kill_at:
                child.kill()
                child.kill_at = None
        return done

    def _finish(self, child: Child) -> None:
        child.returncode = child.popen.wait()
        if child._watch is not None:
            self.selector.unregister(child._watch)
            os.close(child._watch)
        self.children.discard(child)
        child.kill()  # what it forked and left behind
        self.guardian.ended(child.pid)

    def close(self) -> None:
        """End every child at once and free what waiting needed."""
        for child in list(self.children):
            child.kill()
        while self.children:
            self.wait(None)
        self.selector.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
        self.guardian.close()
