"""Processes by themselves: the same, whether there are other threads, which must not be moved to another folder."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from specflow.targets.local.processes import Processes

PATH = {"PATH": os.environ["PATH"]}


@pytest.fixture(params=["alone", "beside another thread"])
def processes(request: pytest.FixtureRequest) -> Iterator[Processes]:
    started = Processes()
    leave = threading.Event()
    other = threading.Thread(target=leave.wait)
    if request.param != "alone":
        other.start()
    yield started
    started.close()
    leave.set()
    if request.param != "alone":
        other.join()


def test_a_process_starts_in_its_folder_with_its_variables_and_its_log(processes: Processes, tmp_path: Path) -> None:
    here = Path.cwd()
    (tmp_path / "work").mkdir()
    script = 'pwd; echo "$A" >&2; cat; exit 3'

    processes.start(["sh", "-c", script], {**PATH, "A": "b c"}, str(tmp_path / "work"), tmp_path / "log", "tag")
    (child,) = processes.wait(30)

    assert (3, "tag") == (child.returncode, child.tag)
    assert f"{tmp_path}/work\nb c\n" == (tmp_path / "log").read_text()
    assert here == Path.cwd()


def test_a_program_that_is_not_there_is_told_at_once(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        processes.start(["surely-not-there"], PATH, str(tmp_path), tmp_path / "log", None)

    assert not processes.children


def test_no_file_that_was_open_around_is_open_in_a_process(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    processes = Processes()

    processes.start(["sh", "-c", f"test ! -e /dev/fd/{write}"], PATH, str(tmp_path), tmp_path / "log", None)
    (child,) = processes.wait(30)
    processes.close()
    os.close(read)
    os.close(write)

    assert 0 == child.returncode


def test_a_process_that_can_not_be_watched_is_ended_and_told(
    processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pid: int) -> int:
        refused.append(pid)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    refused: list[int] = []
    monkeypatch.setattr(os, "pidfd_open", refuse)

    with pytest.raises(OSError, match="Too many open files"):
        processes.start(["sleep", "60"], PATH, str(tmp_path), tmp_path / "log", None)

    assert not processes.children
    with pytest.raises(ProcessLookupError):
        os.kill(refused[0], 0)
