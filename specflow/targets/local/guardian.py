"""A process beside the runner that outlives it, however it ends, by just long enough to end what it had started.

The runner notes each process group that begins and ends in memory that both share. When the runner is gone, its end of
a pipe closes, and the guardian kills every group that is noted: no orphan survives a `kill -9`. Noting wakes nobody: a
message for each would cost as much as a third of a process.

A process is there for a moment before it is noted, and a runner may be killed in it. So what has the run's own
variables is looked for as well, where there is a /proc.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import struct
import sys
from collections.abc import Iterator

__all__ = ["Guardian"]

PLACES = 65536
"""Process groups at once: more than a machine can run for one user."""
_PLACE = struct.Struct("i")
_RUN_BYTES = 64


class Guardian:
    """The runner's side. Made before the runner has threads: it forks."""

    def __init__(self) -> None:
        """Start the guardian."""
        self.notes = mmap.mmap(-1, PLACES * _PLACE.size)
        self.run, self.noted = mmap.mmap(-1, _RUN_BYTES), ""
        self.free = list(range(PLACES - 1, -1, -1))
        self.places: dict[int, int] = {}
        read, write = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(write)
            _watch(read, self.notes, self.run)
        os.close(read)
        self.write = write

    def belongs_to(self, run: str) -> None:
        """Note the run that the next process is started for; nothing for one that belongs to none."""
        if run and run != self.noted:
            self.run[:] = run.encode().ljust(_RUN_BYTES, b"\0")
            self.noted = run

    def began(self, group: int) -> None:
        """Note a process group that runs from now on."""
        place = self.free.pop()
        self.places[group] = place
        _PLACE.pack_into(self.notes, place * _PLACE.size, group)

    def ended(self, group: int) -> None:
        """Strike out a process group that is gone, before its number can be used again."""
        place = self.places.pop(group)
        _PLACE.pack_into(self.notes, place * _PLACE.size, 0)
        self.free.append(place)

    def close(self) -> None:
        """Let it go, and wait until it has; what has left its step's session by its own will may go on."""
        self.run[:] = bytes(_RUN_BYTES)
        os.close(self.write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.notes.close()
        self.run.close()


def _watch(read: int, notes: mmap.mmap, run: mmap.mmap) -> None:
    """Wait until the runner is gone, end what is left, and end. Never returns."""
    code = 1
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.closerange(0, read)
        os.closerange(read + 1, 1024)
        os.read(read, 1)
        for (group,) in _PLACE.iter_unpack(notes[:]):
            if group:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(group, signal.SIGKILL)
        for group in _groups_of(run[:].rstrip(b"\0")):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        code = 0
    finally:
        os._exit(code)


def _groups_of(run: bytes) -> Iterator[int]:
    """Yield the groups of processes that have the variables of a step which this machine runs for a run."""
    wanted = (b"SPECFLOW_RUN_ID=" + run + b"\0", b"SPECFLOW_TARGET=local\0")
    for name in os.listdir("/proc") if run and os.path.isdir("/proc/self") else ():  # noqa: PTH112, PTH208 - quick
        with contextlib.suppress(OSError, ValueError):
            pid = int(name)
            with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123
                variables = stream.read()
            if all(one in variables for one in wanted):
                yield os.getpgid(pid)
