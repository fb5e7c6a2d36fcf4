"""`specflow emulate databricks` as a process: what it prints, and that Ctrl-C ends its tasks."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.emulators.databricks.conftest import HOME, task


def start(root: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "specflow", "emulate", "databricks", "--root", str(root), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def exported(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    host, token = process.stdout.readline(), process.stdout.readline()
    url = host.removeprefix("export DATABRICKS_HOST=").strip()
    found = subprocess.run(["sh", "-c", f'{token}\nprintf %s "$DATABRICKS_TOKEN"'], capture_output=True, text=True)
    return url, found.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end_and_ends_its_tasks(
    root: Path, tmp_path: Path, number: signal.Signals
) -> None:
    from databricks.sdk import WorkspaceClient

    process = start(root, "-o", "tasks=2")
    try:
        url, token = exported(process)
        sdk: Any = WorkspaceClient(host=url, token=token)
        text = f"import os, time\nopen('{tmp_path}/pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
        sdk.workspace.mkdirs(HOME)
        sdk.api_client.do("POST", f"/api/2.0/workspace-files/import-file{HOME}/a.py", data=text.encode())
        body = {"environments": [{"environment_key": "e", "spec": {"environment_version": "4"}}]}
        body["tasks"] = [task("a", spark_python_task={"python_file": f"{HOME}/a.py"}, environment_key="e")]
        sdk.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()):
            time.sleep(0.01)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
    finally:
        process.kill()
        process.communicate()

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    assert 0 == process.returncode
    assert f"the emulator listens on {url}" in stderr
    assert token not in stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("task=2", 'the Databricks emulator has no option "task"'),
        ("tasks=two", '"two" is not a number of tasks'),
        ("flip=nothing", 'there is no assumption "nothing"'),
        ("faults=/nowhere", "the faults can't be read"),
    ],
)
def test_a_wrong_option_is_told(root: Path, option: str, expected: str) -> None:
    process = start(root, "-o", option)
    _, stderr = process.communicate(timeout=20)

    assert 2 == process.returncode
    assert expected in stderr
