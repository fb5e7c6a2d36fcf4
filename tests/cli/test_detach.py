"""run --detach: the job is left to its platform, and the next run takes it up."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Here

SPEC = """\
    specflow: 1
    name: slow
    steps:
      wait:
        target: databricks
        run: [python, -c, "import pathlib, sys, time\\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.05)", "${{ inputs.sign }}"]
      after: {run: [python, -c, ""], after: [wait]}
    inputs: {sign: {type: string}}
"""  # noqa: E501 - a command in one line


def wait_until_over(workspace: Any, job: str) -> None:
    end = time.monotonic() + 30
    while workspace.runs.get(int(job)).state != "TERMINATED":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_run_that_is_left_is_taken_up_by_the_next(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("slow.yaml", SPEC)
    workspace = emulate("databricks").emulator.workspace
    sign = here.folder / "sign"
    args = ("run", "slow.yaml", "--emulate", "-i", f"sign={sign}")

    left = here.call(*args, "--detach")
    (run,) = json.loads(here.call("runs", "--format", "json").out)["runs"]
    sign.touch()
    taken = here.call(*args, "--format", "json")

    assert left.code == 0, left.err
    assert run["state"] == "detached"
    assert {name: (step["state"], step["reason"]) for name, step in run["steps"].items()} == {
        "wait": ("cancelled", "left behind on its platform"),
        "after": ("cancelled", "not reached: what comes before it was left behind"),
    }
    assert taken.code == 0, taken.err
    assert json.loads(taken.out.splitlines()[-1])["state"] == "succeeded"
    assert len(workspace.state.all("runs")) == 1


def test_nothing_is_left_to_what_ends_with_the_command(here: Here) -> None:
    here.write("slow.yaml", SPEC)
    here.write("here.yaml", "specflow: 1\nname: here\nsteps: {a: {run: [python, -c, '']}}\n")

    alone = here.call("run", "slow.yaml", "--emulate", "--detach", "-i", "sign=x")
    local = here.call("run", "here.yaml", "--detach")

    assert (2, 2) == (alone.code, local.code)
    assert alone.err == (
        'error: the emulator of "databricks" would end with this command\n'
        "  = help: serve it in another terminal: specflow emulate databricks\n"
    )
    assert local.err == 'error: all steps of "here" run on this machine\n  = help: leave out --detach\n'


def test_a_job_that_was_left_is_cancelled(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("slow.yaml", SPEC)
    workspace = emulate("databricks").emulator.workspace
    here.call("run", "slow.yaml", "--emulate", "--detach", "-i", f"sign={here.folder / 'sign'}")

    cancelled = here.call("runs", "cancel", "--emulate")
    shown = json.loads(here.call("runs", "show", "--format", "json").out)
    again = here.call("runs", "cancel", "--emulate")

    (job,) = workspace.state.all("runs")
    assert (cancelled.code, cancelled.out) == (0, f"job {job} on databricks is ending\n"), cancelled.err
    assert (shown["state"], shown["jobs"][0]["state"]) == ("cancelled", "cancelled")
    assert again.code == 1
    assert again.err.endswith("is cancelled; there is nothing to cancel\n")
    wait_until_over(workspace, job)


def test_a_job_that_has_ended_is_not_cancelled_and_is_taken_up(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("slow.yaml", SPEC)
    workspace = emulate("databricks").emulator.workspace
    sign = here.folder / "sign"
    here.call("run", "slow.yaml", "--emulate", "--detach", "-i", f"sign={sign}")
    sign.touch()
    (job,) = workspace.state.all("runs")
    wait_until_over(workspace, job)

    cancelled = here.call("runs", "cancel", "--emulate")

    assert cancelled.code == 1
    assert f"job {job} on databricks is succeeded; a run of the same takes it up\n" in cancelled.err
    assert here.call("run", "slow.yaml", "--emulate", "-i", f"sign={sign}", "-q").code == 0
    assert len(workspace.state.all("runs")) == 1


def test_a_job_whose_id_was_never_told_is_told_of(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("slow.yaml", SPEC)
    workspace = emulate("databricks").emulator.workspace
    here.call("run", "slow.yaml", "--emulate", "--detach", "-i", f"sign={here.folder / 'sign'}")
    with sqlite3.connect(here.folder / ".specflow/state.db") as db:
        db.execute("UPDATE foreign_jobs SET job=''")
    db.close()

    cancelled = here.call("runs", "cancel", "--emulate")

    assert cancelled.code == 1
    assert "is perhaps there, its id was never told; a run of the same takes it up\n" in cancelled.err
    taken = here.call("run", "slow.yaml", "--emulate", "--detach", "-i", f"sign={here.folder / 'sign'}")
    assert taken.code == 0
    assert len(workspace.state.all("runs")) == 1
    assert here.call("runs", "cancel", "--emulate").code == 0
