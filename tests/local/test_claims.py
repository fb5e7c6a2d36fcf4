"""A run is under way as long as its process holds its claim: what a number of a process, or a time, can't tell."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from specflow.claims import claim
from specflow.errors import PlanError, WorkspaceError
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.local.processes import Processes
from specflow.targets.local.session import run_plan
from specflow.targets.local.steps import Options
from specflow.targets.local.workspace import Workspace
from tests.local.conftest import Project

WAITS = """
    wait:
      shell: bash
      run: |
        echo begun; touch begun
        until test -e {folder}/go; do sleep 0.02; done
        echo made > $O
      env: {{O: "${{{{ outputs.o }}}}"}}
      outputs: {{o: {{type: file}}}}
    """


def wait_until_there(folder: Path, pattern: str) -> None:
    """Wait until a run has made something in its folder."""
    end = time.monotonic() + 30
    while not list(folder.glob(f".specflow/runs/*/{pattern}")):
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(project: Project) -> subprocess.Popen[str]:
    project.pipeline(WAITS.format(folder=project.folder))
    process = project.start("run", "p.yaml")
    wait_until_there(project.folder, "attempts/*/*/begun")
    return process


def killed(project: Project) -> None:
    process = begun(project)
    process.kill()
    process.communicate()


def test_nothing_is_cleaned_under_a_run_that_is_under_way(project: Project) -> None:
    process = begun(project)

    refused = [project.call("cache", *words) for words in (["clean", "--keep-runs", "0"], ["verify"])]
    (project.folder / "go").touch()
    process.communicate()

    assert [1, 1] == [each.returncode for each in refused]
    assert all("error: a run is under way here" in each.stderr for each in refused)
    assert 0 == process.returncode
    assert "1 run, 1 result" in project.call("cache", "clean", "--keep-runs", "0").stdout


def test_a_run_that_was_killed_is_forgotten_like_any_other(project: Project) -> None:
    killed(project)

    assert "interrupted" in project.call("runs").stdout
    assert project.call("cache", "clean", "--keep-runs", "0").stdout.startswith("1 run, ")
    assert "" == project.call("runs").stdout


def test_a_process_that_has_the_number_of_a_killed_run_is_not_taken_for_it(project: Project) -> None:
    killed(project)
    with sqlite3.connect(project.folder / ".specflow/state.db") as db:
        db.execute("UPDATE runs SET pid=?", (os.getpid(),))
    db.close()

    said = project.call("runs", "cancel")

    assert 1 == said.returncode
    assert "is interrupted; there is nothing to cancel" in said.stderr


def test_following_the_log_of_a_run_that_was_killed_ends(project: Project) -> None:
    killed(project)

    said = project.call("logs", "wait", "-f")

    assert (0, "begun\n") == (said.returncode, said.stdout)


def test_following_a_log_goes_on_with_the_attempts_after_it(project: Project, tmp_path: Path) -> None:
    project.pipeline(f"""
        wait:
          shell: bash
          run: |
            echo once more
            until test -e {tmp_path}/go; do sleep 0.02; done
            mkdir {tmp_path}/second 2>/dev/null && exit 1
            echo at last
          retry: {{attempts: 2, delay: 1s}}
        """)
    process = project.start("run", "p.yaml")
    wait_until_there(project.folder, "logs/wait.1.log")
    follower = project.start("logs", "wait", "-f")
    assert follower.stdout is not None
    first = follower.stdout.readline()
    (tmp_path / "go").touch()
    rest, _ = follower.communicate(timeout=60)
    process.communicate()

    assert "once more\nonce more\nat last\n" == first + rest


def test_a_log_does_not_steer_the_terminal_that_it_is_shown_on(project: Project) -> None:
    project.pipeline(r"""say: {shell: bash, run: "printf 'a\\tb \\033]0;owned\\007\\r\\nend\\n'"}""")
    project.run()
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "specflow", "logs", "say"]
    process = subprocess.Popen(command, cwd=project.folder, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    process.wait()

    assert b"a\tb \\x1b]0;owned\\x07\r\nend\r\n" == shown
    assert b"a\tb \x1b]0;owned\x07\r\nend\n" == subprocess.check_output(command, cwd=project.folder)


@pytest.mark.parametrize("command", [["runs"], ["runs", "show"], ["cache", "show"], ["cache", "verify"], ["why", "s1"]])
def test_a_damaged_history_is_told_as_such(project: Project, command: list[str]) -> None:
    project.pipeline("\n".join(f"        s{n}: {{run: [echo, '{n}']}}" for n in range(40)))
    project.run()
    file = project.folder / ".specflow/state.db"
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)

    said = project.call(*command)

    assert (1, "") == (said.returncode, said.stdout)
    assert "error: can't use the history" in said.stderr
    assert "is damaged, move" in said.stderr


def test_a_run_that_was_started_by_nohup_outlives_the_terminal(project: Project) -> None:
    project.pipeline(WAITS.format(folder=project.folder))
    process = subprocess.Popen(
        ["sh", "-c", f"trap '' HUP; exec {sys.executable} -m specflow run p.yaml -q"], cwd=project.folder
    )
    wait_until_there(project.folder, "attempts/*/*/begun")

    process.send_signal(signal.SIGHUP)
    (project.folder / "go").touch()

    assert 0 == process.wait(60)


@pytest.mark.parametrize("words", ["run p.yaml --format json", "run p.yaml 2>&1", "runs -n 500", "--help", "explain"])
def test_a_reader_that_leaves_ends_nothing(project: Project, words: str) -> None:
    steps = "".join(f"  s{n}: {{run: [echo, '{n}']}}\n" for n in range(60))
    project.write("p.yaml", f"specflow: 1\nname: p\nsteps:\n{steps}")
    reader = "read -r"
    if not words.startswith("run "):
        project.run()
        reader = "true"  # gone before anything is said
    script = f"{sys.executable} -m specflow {words} | {reader}; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", script], cwd=project.folder, capture_output=True, text=True, check=False)

    assert 0 == done.returncode
    assert "succeeded" in project.call("runs").stdout.splitlines()[0]


@pytest.mark.parametrize("words", ["validate p.yaml 2>&1", "validate p.yaml --format json"])
def test_a_reader_that_leaves_changes_no_verdict(project: Project, words: str) -> None:
    steps = "".join(f"  s{n}: {{runs: [echo, '{n}']}}\n" for n in range(60))
    project.write("p.yaml", f"specflow: 1\nname: p\nsteps:\n{steps}")
    script = f"{sys.executable} -m specflow {words} | true; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", script], cwd=project.folder, capture_output=True, text=True, check=False)

    assert (1, "") == (done.returncode, done.stderr)


def test_code_that_is_edited_while_a_run_begins_is_not_taken_for_what_was_read(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    step = tmp_path / "tool"
    step.mkdir()
    (step / "step.yaml").write_text("specflow: 1\nname: tool\nrun: [python, main.py]\n")
    (step / "main.py").write_text("print('A')\n")
    (tmp_path / "p.yaml").write_text("specflow: 1\nname: p\nsteps:\n  a: {uses: tool}\n")
    plan, found = make_plan(validate(tmp_path / "p.yaml", Loader(tmp_path)), None)
    assert plan is not None, found
    (step / "main.py").write_text("print('B')\n")
    workspace, options = Workspace(tmp_path), Options(1, dict(os.environ))

    with pytest.raises(PlanError, match="has changed since the plan was made"):
        run_plan(plan, {}, workspace, options, lambda event: None, Processes(), lambda: 0)

    (step / "main.py").write_text("print('A')\n")
    finished = run_plan(plan, {}, workspace, options, lambda event: None, Processes(), lambda: 0)
    assert "succeeded" == finished.result.state


def test_kept_code_that_was_damaged_is_kept_anew(project: Project) -> None:
    project.write("tool/step.yaml", "specflow: 1\nname: tool\nrun: [python, main.py]\ncache: false\n")
    project.write("tool/main.py", "print('whole')\n")
    project.pipeline("a: {uses: tool}")
    project.run()
    (kept,) = project.folder.glob(".specflow/code/*/main.py")
    kept.chmod(0o644)
    kept.write_text("")

    result = project.run()

    assert "whole\n" == project.log(result, "a")


def test_a_place_that_can_not_be_written_fails_the_run_in_words(project: Project) -> None:
    project.pipeline(
        'a: {shell: bash, run: echo 1 > $O, env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}',
        'outputs: {o: {from: "${{ steps.a.outputs.o }}", location: blocked/x.txt}}\n',
    )
    project.write("blocked", "")

    said = project.call("run", "p.yaml", "-q")

    assert 1 == said.returncode
    assert 'error: can\'t publish the output "o": ' in said.stderr
    assert "blocked" in said.stderr
    assert "failed" in project.call("runs").stdout
    (project.folder / "blocked").unlink()
    assert 0 == project.call("run", "p.yaml", "-q").returncode
    assert "1\n" == (project.folder / "blocked/x.txt").read_text()


def test_a_version_that_holds_the_same_is_as_good_as_registered_and_another_is_refused(project: Project) -> None:
    writes = 'a: {{shell: bash, run: echo {} > $O, env: {{O: "${{{{ outputs.o }}}}"}}, outputs: {{o: {{type: file}}}}}}'
    more = 'outputs: {o: {from: "${{ steps.a.outputs.o }}", register: {name: thing, version: v1}}}\n'
    project.pipeline(writes.format(1), more)
    registry = project.folder / ".specflow/registry/thing"
    (registry / ".new-of-a-run-that-was-killed").mkdir(parents=True)
    codes = [project.call("run", "p.yaml", "-q", *force).returncode for force in ([], ["--force", "a"])]
    project.pipeline(writes.format(2), more)

    said = project.call("run", "p.yaml", "-q")

    assert [0, 0] == codes
    assert 1 == said.returncode
    assert "thing:v1 is registered already; versions are not overwritten" in said.stderr
    assert "1\n" == (registry / "v1/o").read_text()


def test_a_file_system_without_locks_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(list(Path("/dev/fd").iterdir()))

    with pytest.raises(WorkspaceError, match="can't be locked: no locks available") as told:
        claim(tmp_path / "claim")

    assert told.value.help.startswith("have the project on a file system that knows locks")
    assert before == len(list(Path("/dev/fd").iterdir()))


def test_a_log_is_that_of_the_step_whatever_its_number_was(project: Project) -> None:
    steps = "train: {{matrix: {{model: [{}]}}, run: [echo, 'training ${{{{ matrix.model }}}}']}}"
    project.pipeline(steps.format("ridge, forest"))
    project.run()
    project.pipeline(steps.format("boost, ridge, forest"))
    project.run()

    for model in ("boost", "ridge", "forest"):
        assert f"training {model}\n" == project.call("logs", f"train[model={model}]").stdout
    said = project.call("logs", "train[model=boost]", "--attempt", "9").stderr
    assert "it took 1 attempt\n" in said


def test_following_a_step_that_has_not_begun_waits_for_it(project: Project) -> None:
    project.pipeline(f"{WAITS.format(folder=project.folder)}\n    after: {{run: [echo, at last], after: [wait]}}")
    process = project.start("run", "p.yaml")
    wait_until_there(project.folder, "attempts/*/*/begun")

    follower = project.start("logs", "after", "-f")
    asked = project.call("why", "after")
    (project.folder / "go").touch()
    shown, _ = follower.communicate(timeout=60)
    process.communicate()

    assert "at last\n" == shown
    assert 'error: "after" has not ended in run' in asked.stderr
