"""A process beside the runner that starts the steps, waits for them, and ends what is left once the runner is gone.

It is the parent of every step, so whatever becomes of the runner, no orphan survives a `kill -9`: its end of a pipe
closes then, and the guardian kills every process group that it has started. And starting a process, which keeps a
parent waiting until the child has begun, keeps the guardian waiting and not the runner.

    runner → guardian   a length, then (START, number, argv, environment, folder, log) or (SIGNAL, number, signal)
    guardian → runner   three integers: BEGAN, number, process id · ENDED, number, exit code · NO_LOG or NO_START,
                        number, errno
"""

from __future__ import annotations

import contextlib
import errno
import gc
import marshal
import os
import select
import shutil
import signal
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["BEGAN", "ENDED", "NO_LOG", "NO_START", "Guardian"]

START, SIGNAL = 0, 1
BEGAN, ENDED, NO_LOG, NO_START = 0, 1, 2, 3
_LENGTH = struct.Struct("I")
_WORD = struct.Struct("iii")
_CHUNK = 1 << 16
LAZY_S = 0.05
"""How long the news that a process has begun may wait for other news: the runner wants it only if we are killed."""
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores them; a step must not."""


class Guardian:
    """The runner's side. Made before the runner has threads: it forks."""

    def __init__(self) -> None:
        """Start the guardian."""
        theirs, self.requests = os.pipe()
        self.answers, back = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _Warden(theirs, back).live()
        os.close(theirs)
        os.close(back)
        self._rest = b""

    def start(self, number: int, argv: Sequence[str], env: Mapping[str, str], cwd: str, log: str) -> None:
        """Have a process started, in a session of its own, that writes stdout and stderr to one log."""
        self._ask((START, number, list(argv), dict(env), cwd, log))

    def signal(self, number: int, which: int) -> None:
        """Have a signal sent to all that a process has started, itself included; it may be gone by now."""
        self._ask((SIGNAL, number, int(which)))

    def _ask(self, request: tuple[Any, ...]) -> None:
        body = marshal.dumps(request)
        left = memoryview(_LENGTH.pack(len(body)) + body)
        with contextlib.suppress(BrokenPipeError):  # `read` tells that it is gone
            while left:
                left = left[os.write(self.requests, left) :]

    def read(self) -> list[tuple[int, int, int]]:
        """Return what it says, at least one word of it; raise EOFError if it is gone."""
        chunk = os.read(self.answers, _CHUNK)
        if not chunk:
            raise EOFError
        self._rest += chunk
        whole = len(self._rest) - len(self._rest) % _WORD.size
        words, self._rest = self._rest[:whole], self._rest[whole:]
        return list(_WORD.iter_unpack(words))

    def close(self) -> None:
        """Let it go, and wait until it has."""
        os.close(self.requests)
        os.close(self.answers)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


class _Warden:
    """The guardian's own side: a loop over requests, ends of children, and answers that wait for their reader."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = requests, answers
        self.groups: dict[int, int] = {}
        self.numbers: dict[int, int] = {}
        self.programs: dict[tuple[str, str], str] = {}
        self.unread = self.unsent = b""
        self.is_urgent = False

    def live(self) -> None:
        """Serve until the runner is gone, end what is left, and end. Never returns."""
        code = 1
        try:
            gc.disable()
            self._settle_in()
            self._serve()
            for group in self.numbers:
                _kill(group, signal.SIGKILL)
            code = 0
        finally:
            os._exit(code)

    def _settle_in(self) -> None:
        """Leave the terminal, and every file that the runner has open."""
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            if descriptor not in (self.requests, self.answers):
                os.dup2(nothing, descriptor)
        kept = sorted((self.requests, self.answers))
        for first, last in zip((3, *(k + 1 for k in kept)), (*kept, 4096), strict=True):
            os.closerange(max(first, 3), last)
        self.bell, ring = os.pipe()
        os.set_blocking(ring, False)
        os.set_blocking(self.answers, False)
        signal.set_wakeup_fd(ring, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _serve(self) -> None:
        while True:
            to = [self.answers] if self.is_urgent else []
            patience = LAZY_S if self.unsent and not self.is_urgent else None
            ready, _, _ = select.select([self.requests, self.bell], to, [], patience)
            if self.bell in ready:
                os.read(self.bell, _CHUNK)
                self._reap()
            if self.requests in ready:
                chunk = os.read(self.requests, _CHUNK)
                if not chunk:
                    return
                self._heed(chunk)
            if self.unsent and (self.is_urgent or not ready):
                self._send()

    def _heed(self, chunk: bytes) -> None:
        self.unread += chunk
        while len(self.unread) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self.unread)[0]
            if len(self.unread) < end:
                return
            request = marshal.loads(self.unread[_LENGTH.size : end])  # noqa: S302 - the runner's own words
            self.unread = self.unread[end:]
            if request[0] == START:
                self._start(*request[1:])
            elif request[1] in self.groups:
                _kill(self.groups[request[1]], request[2])

    def _start(self, number: int, argv: list[str], env: dict[str, str], cwd: str, log: str) -> None:
        try:
            to = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as failure:
            self._say(NO_LOG, number, failure.errno or errno.EIO)
            return
        out = ((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), *((os.POSIX_SPAWN_DUP2, to, n) for n in (1, 2)))
        try:
            os.chdir(cwd)
            program = self._program(argv[0], env.get("PATH", os.defpath))
            group = os.posix_spawn(program, argv, env, file_actions=out, setsid=True, setsigdef=_DEFAULT_SIGNALS)
        except (OSError, ValueError) as failure:
            self._say(NO_START, number, getattr(failure, "errno", None) or errno.EINVAL)
            return
        finally:
            os.close(to)
        self.groups[number], self.numbers[group] = group, number
        self._say(BEGAN, number, group)

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

    def _reap(self) -> None:
        while self.numbers:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            group = found.si_pid
            _kill(group, signal.SIGKILL)  # what it left behind; it is not reaped yet, so its number is nobody else's
            number = self.numbers.pop(group)
            del self.groups[number]
            self._say(ENDED, number, os.waitstatus_to_exitcode(os.waitpid(group, 0)[1]))

    def _say(self, word: int, number: int, value: int) -> None:
        self.unsent += _WORD.pack(word, number, value)
        self.is_urgent = self.is_urgent or word != BEGAN

    def _send(self) -> None:
        """Send what there is to say, as far as there is room: the runner may be busy, and must not wait for us then."""
        with contextlib.suppress(BlockingIOError):
            self.unsent = self.unsent[os.write(self.answers, self.unsent) :]
        self.is_urgent = bool(self.unsent)


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
