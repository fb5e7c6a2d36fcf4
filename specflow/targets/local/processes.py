"""Child processes, each the leader of its own session: started, waited for all at once, ended with all they forked."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import shutil
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from specflow.targets.local.guardian import Guardian

if TYPE_CHECKING:
    import subprocess

__all__ = ["GRACE_S", "Child", "Processes"]

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores them; a step must not."""


class Child:
    """One running process. `returncode` is set once it has ended: below zero, the signal that ended it."""

    __slots__ = ("_watch", "kill_at", "pid", "popen", "returncode", "tag")

    def __init__(self, pid: int, tag: Any, popen: subprocess.Popen[bytes] | None = None) -> None:
        """Keep the process; `tag` is the caller's."""
        self.pid, self.tag, self.popen = pid, tag, popen
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
        self.here = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        self.programs: dict[tuple[str, str], str] = {}
        _keep_to_ourselves()

    def now(self) -> float:
        """Return the time by the clock that waiting goes by, in seconds."""
        return time.monotonic()

    def start(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, log: FilePath | str, tag: Any) -> Child:
        """Start a process that writes stdout and stderr to one log; raise OSError if it can't be started."""
        self.guardian.belongs_to(env.get("SPECFLOW_RUN_ID", ""))
        to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        popen = None
        try:
            if threading.active_count() == 1:
                pid = self._spawn(argv, env, cwd, to)
            else:
                popen = _popen(argv, env, cwd, to)
                pid = popen.pid
        finally:
            os.close(to)
        self.guardian.began(pid)
        child = Child(pid, tag, popen)
        self.children.add(child)
        try:
            self._watch(child)
        except BaseException:  # nobody would see it end
            self._finish(child)
            raise
        return child

    def _watch(self, child: Child) -> None:
        """Have `wait` see a process end; raise OSError where the system has no means left for it."""
        if not hasattr(os, "pidfd_open"):
            threading.Thread(target=self._reap, args=(child,), daemon=True).start()
            return
        descriptor = os.pidfd_open(child.pid)
        try:
            self.selector.register(descriptor, selectors.EVENT_READ, child)
        except BaseException:
            os.close(descriptor)
            raise
        child._watch = descriptor

    def _spawn(self, argv: Sequence[str], env: Mapping[str, str], cwd: str, to: int) -> int:
        """Return the id of a new process in a session of its own.

        posix_spawn knows no folder to start in: so we go there and come back. Only as long as there is no other thread:
        it would go with us.
        """
        out = ((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *((os.POSIX_SPAWN_DUP2, to, n) for n in (1, 2)))
        os.chdir(cwd)
        try:
            program = self._program(argv[0], env.get("PATH", os.defpath))
            return os.posix_spawn(program, list(argv), env, file_actions=out, setsid=True, setsigdef=_DEFAULT_SIGNALS)
        finally:
            os.fchdir(self.here)

    def _program(self, name: str, path: str) -> str:
        """Return the path of a program as a shell finds it; raise FileNotFoundError where there is none."""
        if "/" in name:
            return name
        found = self.programs.get((name, path)) or shutil.which(name, path=path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        if found.startswith("/"):
            self.programs[name, path] = found
        return found

    def _reap(self, child: Child) -> None:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
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
        child.kill()  # what it forked and left behind; it is not reaped yet, so its number is nobody else's
        self.guardian.ended(child.pid)
        child.returncode = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        if child.popen is not None:
            child.popen.returncode = child.returncode
        if child._watch is not None:
            self.selector.unregister(child._watch)
            os.close(child._watch)
        self.children.discard(child)

    def close(self) -> None:
        """End every child at once and free what waiting needed."""
        for child in list(self.children):
            child.kill()
        while self.children:
            self.wait(None)
        self.selector.close()
        os.close(self.wake_read)
        os.close(self.wake_write)
        os.close(self.here)
        self.guardian.close()


def _popen(argv: Sequence[str], env: Mapping[str, str], cwd: str, to: int) -> subprocess.Popen[bytes]:
    """Return a new process like that of `_spawn`, whatever other threads there are; it takes longer to start."""
    import subprocess  # seldom needed, and long to import

    return subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=to, stderr=to, cwd=cwd, env=dict(env), start_new_session=True
    )


def _keep_to_ourselves() -> None:
    """See to it that no step inherits a file that whoever started us had open: a pipe might never end then.

    Where stdin, stdout or stderr is closed, something stands in: else a log would get its number.
    """
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(spare)
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers, not paths
        with contextlib.suppress(OSError):  # the descriptor of this very listing
            if int(name) > 2:
                os.set_inheritable(int(name), False)
