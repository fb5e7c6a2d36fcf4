"""A run that has nothing to do is not worked out again; whatever could make a difference, is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.local.conftest import Project

TWO = """
first:
  code: code
  run: "python work.py ${{ data.d }} ${{ outputs.o }}"
  outputs: {o: {type: file}}
many:
  shell: bash
  run: "cp $F $O/a; mkdir $O/sub; cp $F $O/sub/b"
  env: {F: "${{ steps.first.outputs.o }}", O: "${{ outputs.o }}"}
  outputs: {o: {type: folder}}
"""
MORE = """
data: {d: {type: file, location: in.txt}}
outputs: {all: {from: "${{ steps.many.outputs.o }}"}}
"""


@pytest.fixture
def standing(project: Project) -> Project:
    """A project whose run still stands: its files are old enough, its results are there."""
    project.write("in.txt", "one")
    project.write("code/work.py", "import shutil, sys\nshutil.copy(*sys.argv[1:])\n")
    project.pipeline(TWO, MORE)
    project.age()
    assert "succeeded" == project.run()["state"]
    return project


def is_replayed(project: Project, *args: str) -> bool:
    """Return whether a run was told without the engine."""
    script = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('@engine' if 'specflow.targets.local.engine' in sys.modules else '@none'))\n"
        f"sys.argv = ['specflow', 'run', 'p.yaml', *{list(args)!r}]\n"
        "from specflow.cli import main\n"
        "main()\n"
    )
    return project.python(script).stdout.endswith("@none\n")


def test_nothing_changed_is_told_and_entered_like_any_other_run(standing: Project) -> None:
    before = standing.run()

    assert is_replayed(standing)
    after = standing.run()
    assert {"first": "cached", "many": "cached"} == {name: step["state"] for name, step in after["steps"].items()}
    assert before["outputs"] == after["outputs"]
    db = sqlite3.connect(standing.folder / ".specflow/state.db")
    rows = db.execute(
        "SELECT label, state, result IS NOT NULL FROM steps WHERE run=? ORDER BY position", (after["run"],)
    )
    assert [("first", "cached", 1), ("many", "cached", 1)] == rows.fetchall()
    states = db.execute("SELECT state, ended IS NOT NULL FROM runs WHERE id=?", (after["run"],)).fetchall()
    assert [("succeeded", 1)] == states
    db.close()
    assert "did not run" in standing.call("why", "first").stdout
    assert 0 == standing.call("runs", "show", after["run"]).returncode


def changed_input(project: Project) -> None:
    project.write("in.txt", "two")


def changed_code(project: Project) -> None:
    project.write("code/work.py", "import shutil, sys\nshutil.copy(*sys.argv[1:])  # again\n")


def more_code(project: Project) -> None:
    project.write("code/more.py", "")


def changed_spec(project: Project) -> None:
    (project.folder / "p.yaml").write_text((project.folder / "p.yaml").read_text() + "# end\n")


def damaged_file(project: Project) -> None:
    (output,) = project.folder.glob(".specflow/results/*/*/outputs/o/sub/b")
    output.chmod(0o644)
    output.write_text("no")


def more_in_a_result(project: Project) -> None:
    (folder,) = project.folder.glob(".specflow/results/*/*/outputs/o/sub")
    folder.chmod(0o755)
    (folder / "more").touch()


def lost_result(project: Project) -> None:
    (output,) = [path for path in project.folder.glob(".specflow/results/*/*/outputs/o") if path.is_file()]
    output.unlink()


def no_history(project: Project) -> None:
    (project.folder / ".specflow/state.db").unlink()


@pytest.mark.parametrize(
    "change",
    [
        changed_input,
        changed_code,
        more_code,
        changed_spec,
        damaged_file,
        more_in_a_result,
        lost_result,
        no_history,
    ],
)
def test_whatever_may_make_a_difference_is_looked_into(standing: Project, change: Callable[[Project], None]) -> None:
    assert is_replayed(standing)

    change(standing)

    assert not is_replayed(standing)
    assert "succeeded" == standing.run()["state"]
    last = standing.folder / ".specflow/results"
    assert all(
        (path.parent / "sub/b").read_text() != "no" for path in last.glob("??/" + "[0-9a-f]" * 32 + "/outputs/o/a")
    )


@pytest.mark.parametrize("args", [("--no-cache",), ("--force", "first"), ("-o", "out"), ("--only", "many")])
def test_an_option_that_asks_for_more_gets_the_engine(standing: Project, args: tuple[str, ...]) -> None:
    assert not is_replayed(standing, *args)


@pytest.mark.parametrize(
    "step",
    [
        'again: {run: "true", cache: false}',
        'again: {run: "echo ${{ run.id }}"}',
        'again: {run: "true", when: "${{ run.date != \'1999-01-01\' }}"}',
    ],
)
def test_what_may_differ_every_time_is_worked_out_every_time(project: Project, step: str) -> None:
    project.pipeline(step)
    project.age()
    for _ in range(2):
        assert "succeeded" == project.run()["state"]

    assert not is_replayed(project)


def test_a_file_too_fresh_to_tell_a_change_by_its_mark_is_not_relied_on(project: Project) -> None:
    """The input is written again within the grain of its time stamp, with the same size: only its content tells."""
    project.write("in.txt", "one")
    project.pipeline(
        'read: {run: "cp ${{ data.d }} ${{ outputs.o }}", outputs: {o: {type: file}}}', MORE.splitlines()[1] + "\n"
    )
    now = Path(project.folder / "in.txt").stat().st_mtime_ns
    future = now + 60_000_000_000
    os.utime(project.folder / "in.txt", ns=(future, future))
    project.run()
    (project.folder / "in.txt").write_text("two")
    os.utime(project.folder / "in.txt", ns=(future, future))

    assert "succeeded" == project.run()["steps"]["read"]["state"]
