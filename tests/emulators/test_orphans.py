"""What an emulator leaves behind when it is ended while a step runs: no process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.emulators.test_parts import ends

SLEEPS = """\
specflow: 1
name: sleeps
steps:
  s: {run: [sh, -c, 'echo $$ > "$1.part"; mv "$1.part" "$1"; exec sleep 60', sh, "${{ inputs.mark }}"]}
inputs:
  mark: {type: string}
"""


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "specflow", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("target", "number"),
    [
        ("azureml", signal.SIGTERM),
        ("databricks", signal.SIGINT),
        ("databricks", signal.SIGTERM),
        ("databricks", signal.SIGKILL),
    ],
)
def test_a_step_ends_with_the_emulator_that_runs_it(target: str, number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "pipeline.yaml").write_text(SLEEPS)
    mark = tmp_path / "pid"
    emulator = start(tmp_path, "emulate", target)
    assert emulator.stdout is not None
    told = emulator.stdout.readline()  # it listens
    run = start(tmp_path, "run", "pipeline.yaml", "--target", target, "--emulate", "-i", f"mark={mark}")
    try:
        end = time.monotonic() + 60
        while not mark.exists() and run.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        emulator.send_signal(number)
        told += emulator.communicate(timeout=60)[0]
    finally:
        for one in (run, emulator):
            one.kill()
            told += one.communicate()[0]

    assert mark.exists(), told
    assert ends(int(mark.read_text())), told
