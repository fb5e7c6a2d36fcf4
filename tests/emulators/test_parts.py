"""The clock, the children and the state of an emulator."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from specflow.attempt.child import GRACE_S as STEPS_GRACE_S
from specflow.bridging.platforms import Platforms
from specflow.emulation import Children, Clock, Ended, HeldError, State, is_held
from specflow.emulation.children import GRACE_S
from specflow.emulation.hold import Hold
from specflow.emulation.token import kept_token
from specflow.errors import UsageError


def test_a_frozen_clock_fires_timers_in_order_when_it_is_advanced() -> None:
    clock, fired, done = Clock(frozen_at=1000.0), [], threading.Event()
    clock.after(20, lambda: (fired.append("late"), done.set()))
    clock.after(10, lambda: fired.append("early"))
    clock.after(15, lambda: fired.append("cancelled")).cancel()
    clock.advance(5)
    before = list(fired)
    clock.advance(20)
    done.wait(5)
    clock.close()

    assert [] == before
    assert ["early", "late"] == fired
    assert 1025.0 == clock.now()


def test_a_real_clock_can_jump() -> None:
    clock, done = Clock(), threading.Event()
    clock.after(3600, done.set)
    clock.advance(3600)

    assert done.wait(5)
    clock.close()


class Run:
    def __init__(self, children: Children, code: str, folder: Path) -> None:
        self.started, self.over, self.ended = threading.Event(), threading.Event(), None
        self.log = folder / "log"
        self.child = children.start(
            [sys.executable, "-c", code],
            env=dict(os.environ),
            cwd=folder,
            log=self.log,
            on_start=self.started.set,
            on_end=self._end,
        )

    def _end(self, ended: Ended) -> None:
        self.ended = ended
        self.over.set()


def test_a_child_writes_its_log_and_tells_its_end(tmp_path: Path) -> None:
    run = Run(Children(), "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)", tmp_path)

    assert run.over.wait(10)
    assert Ended(3) == run.ended
    assert "out\nerr\n" == run.log.read_text()


def test_ending_a_child_ends_what_it_forked(tmp_path: Path) -> None:
    fork = (
        "import os, time; p = os.fork(); p and open('pid', 'w').write(str(p)); print('up', flush=True); time.sleep(60)"
    )
    run = Run(Children(), fork, tmp_path)
    while not run.log.exists() or run.log.read_text().count("up") < 2:
        run.started.wait(0.01)
    run.child.end(grace_s=0)

    assert run.over.wait(10)
    assert Ended(-9, was_ended=True) == run.ended
    assert ends(int((tmp_path / "pid").read_text()))


def ends(pid: int) -> bool:
    """Return whether a process that was sent SIGKILL is gone before long."""
    end = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not is_alive(pid)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def test_children_over_the_limit_wait_and_closing_ends_all(tmp_path: Path) -> None:
    children = Children(limit=1)
    first = Run(children, "import time; time.sleep(60)", tmp_path)
    second = Run(children, "print('never')", tmp_path)
    first.started.wait(10)
    children.close()

    assert Ended(-15, was_ended=True) == first.ended
    assert Ended(None, was_ended=True) == second.ended
    assert "" == first.log.read_text()


def test_closing_leaves_a_child_time_to_end_what_is_in_another_session(tmp_path: Path) -> None:
    launcher = """
import signal, subprocess, sys
step = subprocess.Popen(["sleep", "60"], start_new_session=True)
signal.signal(signal.SIGTERM, lambda *_: step.kill())
print(step.pid, flush=True)
step.wait()
sys.exit(143)
"""
    children = Children()
    run = Run(children, launcher, tmp_path)
    while not (run.log.exists() and run.log.read_text().endswith("\n")):
        run.started.wait(0.01)
    children.close()

    assert Ended(143, was_ended=True) == run.ended
    assert ends(int(run.log.read_text()))


def test_a_child_has_as_long_as_a_launcher_gives_its_step() -> None:
    assert GRACE_S >= STEPS_GRACE_S + 1


def test_after_closing_nothing_is_started(tmp_path: Path) -> None:
    children = Children()
    children.close()
    run = Run(children, "print('never')", tmp_path)

    assert run.over.wait(10)
    assert Ended(None, was_ended=True) == run.ended
    assert "" == run.log.read_text()


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    over: list[Ended] = []
    done = threading.Event()
    Children().start(
        ["/no/such/program"],
        env={},
        cwd=tmp_path,
        log=tmp_path / "log",
        on_end=lambda ended: (over.append(ended), done.set()),
    )
    done.wait(10)

    assert (None, False) == (over[0].code, over[0].was_ended)
    assert "No such file or directory" in over[0].fault


def test_documents_survive_a_second_opening(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    state.put("jobs", 1, {"name": "a"})
    state.put_all("jobs", [(2, {"name": "b"}), (3, {"name": "c"})])
    state.drop("jobs", 2)
    state.close()
    again = State(tmp_path / "state.db")
    found = again.all("jobs")
    absent = again.get("jobs", 2, "none")
    again.close()

    assert {"1": {"name": "a"}, "3": {"name": "c"}} == found
    assert "none" == absent
    assert 0o600 == (tmp_path / "state.db").stat().st_mode & 0o777


def test_emulators_that_begin_at_once_get_a_root_each(tmp_path: Path) -> None:
    all_there, here, urls = threading.Barrier(8), threading.Lock(), []

    def begin() -> None:
        all_there.wait()
        with Platforms(tmp_path, emulates=True, may_start_another=True) as platforms:
            url = platforms.settings("databricks", {})["host"]
            with here:
                urls.append(url)
            all_there.wait()

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 8 == len(set(urls))
    assert 8 == len(list(tmp_path.glob("databricks*/token")))


def test_a_root_has_one_emulator_and_none_once_it_lets_go(tmp_path: Path) -> None:
    first = Hold(tmp_path)

    with pytest.raises(HeldError, match="at work in"):
        Hold(tmp_path)
    assert is_held(tmp_path)
    first.let_go()
    assert not is_held(tmp_path)
    Hold(tmp_path).let_go()


def test_a_token_is_made_once_however_many_ask_for_it_at_once(tmp_path: Path) -> None:
    all_there, tokens = threading.Barrier(8), set()

    def ask() -> None:
        all_there.wait()
        tokens.add(kept_token(tmp_path / "token"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (token,) = tokens
    assert len(token) > 40
    assert ["token"] == [each.name for each in tmp_path.iterdir()]
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(UsageError, match="others can read"):
        kept_token(tmp_path / "token")
