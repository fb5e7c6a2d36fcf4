"""Child processes, each the leader of its own session: started, waited for all at once, ended with all they forked."""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.local.guardian import BEGAN, ENDED, NO_LOG, Guardian

__all__ = ["GRACE_S", "Child", "Processes"]

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""


class Child:
    """One process. `returncode` is set once it has ended: below zero, the signal that ended it.

    Where it could not be started, `failure` says why instead.
    """

    __slots__ = ("failure", "guardian", "kill_at", "number", "pid", "program", "returncode", "tag")

    def __init__(self, number: int, guardian: Guardian, program: str, tag: Any) -> None:
        """Keep the process; `tag` is the caller's."""
        self.number, self.guardian, self.program, self.tag = number, guardian, program, tag
        self.pid = 0
        self.returncode: int | None = None
        self.failure: OSError | None = None
        self.kill_at: float | None = None

    def terminate(self, now: float, grace_s: float = GRACE_S) -> None:
        """Ask the whole group to end; `Processes.wait` sees to it that it has ended after the grace."""
        self.guardian.signal(self.number, signal.SIGTERM)
        self.kill_at = now + grace_s

    def kill(self) -> None:
        """End the whole group at once."""
        self.guardian.signal(self.number, signal.SIGKILL)


class Processes:
    """Waits for any of many children, and can be woken."""

    def __init__(self) -> None:
        """Start what starts children, and ends them if we are killed."""
        self.guardian = Guardian()
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        os.set_blocking(self.wake_write, False)
        self.poll = select.poll()
        for descriptor in (self.wake_read, self.guardian.answers):
            self.poll.register(descriptor, select.POLLIN)
        self.numbers = itertools.count()
        self.children: dict[int, Child] = {}

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, log: FilePath | str, tag: Any) -> Child:
        """Return a process that is about to start, and will write stdout and stderr to one log."""
        child = Child(next(self.numbers), self.guardian, argv[0], tag)
        self.children[child.number] = child
        self.guardian.start(child.number, argv, env, os.path.abspath(cwd), os.path.abspath(log))  # noqa: PTH100 - hot
        return child

    def wake(self) -> None:
        """Make a `wait` that is under way return; safe in a signal handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.wake_write, b"\0")

    def wait(self, timeout: float | None) -> list[Child]:
        """Return the children that have ended, waiting up to `timeout` seconds for the first of them."""
        due = [child.kill_at for child in self.children.values() if child.kill_at is not None]
        end = min((*due, *(() if timeout is None else (time.monotonic() + timeout,))), default=None)
        done: list[Child] = []
        is_woken = False
        while not done and not is_woken:
            left = None if end is None else max(0.0, end - time.monotonic())
            ready = self.poll.poll(None if left is None else left * 1000)
            for descriptor, _ in ready:
                if descriptor == self.wake_read:
                    is_woken = True
                    with contextlib.suppress(BlockingIOError):
                        os.read(self.wake_read, 4096)
                else:
                    done = self._hear()
            if not ready:
                break
        if due:
            self._kill_what_is_due(time.monotonic())
        return done

    def _kill_what_is_due(self, now: float) -> None:
        for child in self.children.values():
            if child.kill_at is not None and now >= child.kill_at:
                child.kill()
                child.kill_at = None

    def _hear(self) -> list[Child]:
        """Return the children that have ended, by the guardian's word."""
        try:
            words = self.guardian.read()
        except EOFError:
            raise self._guardian_lost() from None
        done = []
        for word, number, value in words:
            if word == BEGAN:
                self.children[number].pid = value
                continue
            child = self.children.pop(number)
            if word == ENDED:
                child.returncode = value
            else:
                child.failure = OSError(value, os.strerror(value), "its log" if word == NO_LOG else child.program)
            done.append(child)
        return done

    def _guardian_lost(self) -> SpecflowError:
        """End what it had started, as far as we know; return what there is to say of it."""
        for child in self.children.values():
            if child.pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
        self.children.clear()
        return SpecflowError("the process that starts the steps was killed", "run it again: what is done stays done")

    def close(self) -> None:
        """End every child at once and free what waiting needed."""
        for child in list(self.children.values()):
            child.kill()
        while self.children:
            self.wait(None)
        os.close(self.wake_read)
        os.close(self.wake_write)
        self.guardian.close()
