"""One process of a step, run to its end: its output passed on line by line, a time limit, SIGTERM handed down."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from specflow.attempt.prepare import Prepared

__all__ = ["End", "Stopped", "run_child", "run_inside"]

GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL."""


class Stopped(BaseException):
    """The platform asked this process to end; so has the step's."""


class End(NamedTuple):
    """How a process ended: well if the reason is empty."""

    reason: str = ""


def run_child(prepared: Prepared, timeout_s: float | None, tell: Callable[[bytes], None]) -> End:
    """Return how a step's process ended; raise OSError if it can't be started, Stopped if the platform ended us.

    What it writes goes to `tell` as it comes: not every platform keeps what children write by themselves.
    """
    child = subprocess.Popen(
        prepared.argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=prepared.cwd,
        env=prepared.env,
        start_new_session=True,
    )
    reader = threading.Thread(target=_pass_on, args=(child, tell), daemon=True)
    reader.start()
    with _handing_down(child) as asked:
        is_late = not _ended_in_time(child, timeout_s)
        if is_late:
            _end(child)
        code = child.wait()
        _signal(child, signal.SIGKILL)  # what it forked and left behind
        reader.join(GRACE_S)
        if asked:
            raise Stopped
    if is_late:
        return End(f"timeout after {timeout_s:g} s")
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
    assert child.stdout is not None
    with child.stdout as stream:
        line = b"\n"
        for line in stream:
            tell(line)
        if not line.endswith(b"\n"):
            tell(b"\n")  # what comes next is another's: a record begins a line


@contextmanager
def _handing_down(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Hand SIGTERM and SIGINT down to the child's group while it runs; yields what was asked of us."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # no handlers elsewhere: a notebook's thread, say
        yield asked
        return

    def hand_down(number: int, _frame: object) -> None:
        asked.append(number)
        _signal(child, signal.SIGTERM)
        threading.Timer(GRACE_S, _signal, (child, signal.SIGKILL)).start()

    before = {number: signal.signal(number, hand_down) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_inside(prepared: Prepared, variables: Mapping[str, str]) -> End:
    """Return how a Python file ended that was run in this very interpreter: a Spark driver is not another process's.

    `prepared.argv` is the interpreter, the file, its arguments. There is no limit on its time here.
    """
    script = os.path.join(prepared.cwd, prepared.argv[1])
    kept = (os.getcwd(), list(sys.argv), list(sys.path))
    os.chdir(prepared.cwd)
    os.environ.update(variables)
    sys.argv[:] = prepared.argv[1:]
    sys.path.insert(0, os.path.dirname(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        if end.code not in (None, 0):
            return End(f"exit code {end.code}" if isinstance(end.code, int) else str(end.code))
    except Exception as failure:
        import traceback

        traceback.print_exc()
        return End(f"{type(failure).__name__}: {failure}")
    finally:
        os.chdir(kept[0])
        sys.argv[:], sys.path[:] = kept[1], kept[2]
        sys.stdout.flush()
    return End()
