"""One process of a step, run to its end: its output passed on as it comes, a time limit, SIGTERM handed down."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from specflow.attempt.addresses import cancel_jobs
from specflow.attempt.prepare import Prepared

__all__ = ["End", "Stopped", "Stops", "run_child", "run_inside"]

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""
HEED_S = 2.0
"""Seconds in which a step may end by itself once its Spark jobs are cancelled."""


class Stopped(BaseException):
    """The platform asked this process to end; so has the step's."""


class End(NamedTuple):
    """How a process ended: well if the reason is empty."""

    reason: str = ""


class Stops:
    """SIGTERM and SIGINT while a step is launched: handed down to the process that runs, else raised as Stopped.

    A context, on the main thread; on another one (a notebook's, say) there are no handlers, and nothing is heeded.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.is_busy = False
        self.child: subprocess.Popen[bytes] | None = None
        self.killer: threading.Timer | None = None
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        if threading.current_thread() is threading.main_thread():
            self.before = {number: signal.signal(number, self._heed) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _heed(self, _number: int, _frame: object) -> None:
        is_first, self.is_asked = not self.is_asked, True
        if self.child is not None:
            self._hand_down(self.child)
        elif is_first and not self.is_busy:
            raise Stopped

    def _hand_down(self, child: subprocess.Popen[bytes]) -> None:
        _signal(child, signal.SIGTERM)
        if self.killer is None:
            self.killer = threading.Timer(GRACE_S, _signal, (child, signal.SIGKILL))
            self.killer.daemon = True
            self.killer.start()

    @contextmanager
    def over(self, start: Callable[[], subprocess.Popen[bytes]]) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process and watch over it: what is asked before it is there reaches it all the same."""
        self.is_busy = True
        try:
            self.child = start()
            if self.is_asked:
                self._hand_down(self.child)
            yield self.child
        finally:
            self.child, self.is_busy = None, False
            if self.killer is not None:
                self.killer.cancel()
                self.killer = None
        if self.is_asked:
            raise Stopped


def run_child(
    prepared: Prepared, timeout_s: float | None, tell: Callable[[bytes], None], stops: Stops | None = None
) -> End:
    """Return how a step's process ended; raise OSError if it can't be started, Stopped if the platform ended us.

    What it writes goes to `tell` as it comes: not every platform keeps what children write by themselves.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            prepared.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=prepared.cwd,
            env=prepared.env,
            start_new_session=True,
        )

    with (stops or Stops()).over(start) as child:
        reader = threading.Thread(target=_pass_on, args=(child, tell), daemon=True)
        reader.start()
        is_late = not _ended_in_time(child, timeout_s)
        if is_late:
            _end(child)
        code = child.wait()
        _signal(child, signal.SIGKILL)  # what it forked and left behind
        reader.join(GRACE_S)
    if is_late:
        return End(f"timeout after {timeout_s} s")
    if code:
        return End(f"exit code {code}" if code > 0 else f"killed by signal {-code}")
    return End()


def _ended_in_time(child: subprocess.Popen[bytes], timeout_s: float | None) -> bool:
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    _signal(child, signal.SIGTERM)
    if not _ended_in_time(child, GRACE_S):
        _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _pass_on(child: subprocess.Popen[bytes], tell: Callable[[bytes], None]) -> None:
    """Pass on what a process writes as it comes, lines or not; one that nobody listens to any more is still read."""
    assert child.stdout is not None
    with child.stdout as stream:
        last = b"\n"
        while chunk := os.read(stream.fileno(), 65536):
            last = chunk[-1:]
            with suppress(OSError, ValueError):
                tell(chunk)
        if last != b"\n":
            with suppress(OSError, ValueError):
                tell(b"\n")  # what comes next is another's: a record begins a line


class Late(BaseException):
    """The time of a step that runs in this very process is over."""


def run_inside(
    prepared: Prepared, variables: Mapping[str, str], timeout_s: float | None, last_word: Callable[[End], int]
) -> End:
    """Return how a Python file ended that was run in this very interpreter: a Spark driver is not another process's.

    `prepared.argv` is the interpreter, the file, its arguments. Modules of the step's own are forgotten afterwards: the
    next attempt reads its own copies. A step that does not heed the end of its time takes the process with it, which
    ends with what `last_word` returns.
    """
    script = os.path.join(prepared.cwd, prepared.argv[1])
    kept, known = (os.getcwd(), list(sys.argv), list(sys.path)), set(sys.modules)
    os.chdir(prepared.cwd)
    os.environ.update(variables)
    sys.argv[:] = prepared.argv[1:]
    sys.path.insert(0, os.path.dirname(script))
    late = End(f"timeout after {timeout_s} s")

    def give_up() -> int:
        os.chdir(kept[0])  # it goes by paths that start there
        return last_word(late)

    deadline, end = _Deadline(timeout_s, give_up), End()
    try:
        with deadline:
            end = _end_of_script(script)
    except Late:
        deadline.done.set()
    finally:
        os.chdir(kept[0])
        sys.argv[:], sys.path[:] = kept[1], kept[2]
        _forget(known, prepared.cwd)
        sys.stdout.flush()
    return late if deadline.is_over else end


def _end_of_script(script: str) -> End:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return _as_of_a_process(end.code)
    except Exception:
        import traceback

        traceback.print_exc()
        return End("exit code 1")
    return End()


class _Deadline:
    """A limit on what runs on the main thread of this process: Spark's jobs are cancelled first, which may be enough.

    After that it is raised as Late, and where that is caught, or not heeded, the process ends with what `give_up`
    returns, which has some seconds for it.
    """

    def __init__(self, timeout_s: float | None, give_up: Callable[[], int]) -> None:
        self.timeout_s, self.give_up, self.is_over = timeout_s, give_up, False
        self.done = threading.Event()
        self.watch: threading.Thread | None = None
        self.before: Any = None

    def __enter__(self) -> _Deadline:
        if self.timeout_s is not None and threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGALRM, self._raise)
            self.watch = threading.Thread(target=self._wait, args=(self.timeout_s,), daemon=True)
            self.watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        if self.watch is not None:
            self.watch.join()  # for good, where it has given up meanwhile
            signal.signal(signal.SIGALRM, self.before)

    def _raise(self, _number: int, _frame: object) -> None:
        if not self.done.is_set():
            raise Late

    def _wait(self, timeout_s: float) -> None:
        if self.done.wait(timeout_s):
            return
        self.is_over = True
        with suppress(Exception):
            cancel_jobs()
        if self.done.wait(HEED_S):
            return
        os.kill(os.getpid(), signal.SIGALRM)
        if not self.done.wait(GRACE_S):
            sys.stderr.write("specflow: the step goes on though its time is over, so its process is ended\n")
            sys.stderr.flush()
            code = [1]
            last = threading.Thread(target=lambda: code.append(self.give_up()), daemon=True)
            last.start()
            last.join(GRACE_S)
            sys.stdout.flush()
            os._exit(code[-1])


def _forget(known: set[str], folder: str) -> None:
    """Forget the modules that were imported from a folder since then."""
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and os.path.abspath(file).startswith(f"{folder}{os.sep}"):
            del sys.modules[name]


def _as_of_a_process(code: object) -> End:
    """Return how a process would have ended by this argument of `sys.exit`."""
    if code is None:
        return End()
    if not isinstance(code, int):
        sys.stderr.write(f"{code}\n")
        code = 1
    return End(f"exit code {code & 255}" if code & 255 else "")
