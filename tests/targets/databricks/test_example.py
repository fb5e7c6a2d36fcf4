"""The example and the command line: what comes of a pipeline here and on the emulator, to the last digit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FAILS = """\
specflow: 1
name: demo
steps:
  a:
    run: [sh, -c, 'echo attempt $SPECFLOW_ATTEMPT; test "$SPECFLOW_ATTEMPT" = 2']
    retry: {attempts: 2, delay: 1s}
  b:
    run: [sh, -c, 'test -e MENDED || { echo nothing there; exit 3; }']
  c:
    after: [b]
    run: [echo, c]
"""


def specflow(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    call = [sys.executable, "-m", "specflow", *words]
    return subprocess.run(call, cwd=folder, env=environment, capture_output=True, text=True, timeout=900)


@pytest.mark.long
def test_the_example_ends_with_the_same_scores_as_here(tmp_path: Path) -> None:
    for part in ("specs", "steps"):
        shutil.copytree(ROOT / part, tmp_path / part)
    (tmp_path / ".git").mkdir()
    spec = "specs/concrete_strength.yaml"
    runs = [
        specflow(tmp_path, "run", spec, "--format", "json", "-o", words[1], *words)
        for words in (("--target", "local"), ("--target", "databricks", "--emulate"))
    ]
    assert [0, 0] == [run.returncode for run in runs], runs[1].stderr
    here, there = (events_of(run.stdout)[-1]["outputs"] for run in runs)

    assert (here["winner"], here["rmse"]) == (there["winner"], there["rmse"])
    assert (tmp_path / here["leaderboard"]).read_bytes() == (tmp_path / there["leaderboard"]).read_bytes()


def test_a_failed_run_says_so_keeps_its_logs_and_goes_on_where_it_failed(tmp_path: Path) -> None:
    """A fails at its first attempt, b for good until it is mended; c hangs on b."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "pipeline.yaml").write_text(FAILS.replace("MENDED", str(tmp_path / "mended")))
    ended = specflow(tmp_path, "run", "pipeline.yaml", "--target", "databricks", "--emulate", "--format", "json")
    log = specflow(tmp_path, "logs", "b")

    assert 1 == ended.returncode, ended.stderr
    assert {"a": ("succeeded", 2), "b": ("failed", 1), "c": ("skipped", 0)} == ends_of(ended.stdout)
    assert '"reason": "exit code 3"' in ended.stdout
    assert "nothing there" in log.stdout

    (tmp_path / "mended").touch()
    resumed = specflow(tmp_path, "runs", "resume", "latest", "--emulate", "--format", "json")
    logs = [file.read_text() for file in (tmp_path / ".specflow/emulators/databricks/attempts").glob("*/logs")]

    assert 0 == resumed.returncode, resumed.stderr
    assert ("succeeded", "succeeded") == tuple(ends_of(resumed.stdout)[step][0] for step in "bc")
    # Of a two attempts in the first run, of b one in each, of c one in the second: each left a record in its log.
    assert {"a": 2, "b": 2, "c": 1} == {step: sum(f'"step":"{step}"' in log for log in logs) for step in "abc"}


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def ends_of(text: str) -> dict[str, tuple[str, int]]:
    ends = (event for event in events_of(text) if event["event"] == "step_finished")
    return {event["step"]: (event["state"], event["attempts"]) for event in ends}
