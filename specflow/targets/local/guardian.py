"""A process beside the runner that outlives it, however it ends, by just long enough to end what it had started.

The runner tells it each process group that begins and ends. When the runner is gone, its end of the pipe closes, and
the guardian kills every group that had not ended: no orphan survives a `kill -9`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

__all__ = ["Guardian"]


class Guardian:
    """The runner's side. Made before the runner has threads: it forks."""

    def __init__(self) -> None:
        """Start the guardian."""
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(write)
            _watch(read)
        os.close(read)
        self.write = write

    def began(self, group: int) -> None:
        """Tell it of a process group that runs from now on."""
        self._tell(f"+{group}\n")

    def ended(self, group: int) -> None:
        """Tell it that a process group is gone, before its number can be used again."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # it was killed; nothing depends on it but an orphan's end
            os.write(self.write, line.encode())

    def close(self) -> None:
        """Let it go, and wait until it has."""
        os.close(self.write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


def _watch(read: int) -> None:
    """Follow the runner's words until it is gone, end what is left, and end. Never returns."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.closerange(0, read)
        os.closerange(read + 1, 1024)
        for group in _left(read):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        code = 0
    finally:
        os._exit(code)


def _left(read: int) -> set[int]:
    """Return the groups that run when the runner's words end."""
    running: set[int] = set()
    rest = b""
    while chunk := os.read(read, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            group = int(line[1:])
            if line.startswith(b"+"):
                running.add(group)
            else:
                running.discard(group)
    return running
