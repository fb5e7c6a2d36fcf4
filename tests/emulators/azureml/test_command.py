"""`specflow emulate azureml` as a process: what it prints makes a client, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [
        sys.executable,
        "-m",
        "specflow",
        "emulate",
        "azureml",
        "--root",
        str(tmp_path / "root"),
        "-o",
        "compute=cpu",
    ]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    yield process
    process.kill()
    process.communicate()


def test_what_it_prints_makes_a_client_and_ctrl_c_ends_all(sdk: Any, serving: subprocess.Popen[str]) -> None:
    from azure.ai.ml import command
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS
    from azure.ai.ml.dsl import pipeline
    from azure.ai.ml.entities import Environment

    assert serving.stderr is not None
    assert serving.stdout is not None
    url = re.search(r"http://\S+(?=;)", serving.stderr.readline())
    lines = [serving.stdout.readline()]
    while "STORAGE_ACCOUNT_URLS[" not in lines[-1]:
        lines.append(serving.stdout.readline())
    before = dict(STORAGE_ACCOUNT_URLS)
    names: dict[str, Any] = {}
    exec("".join(lines), names)
    STORAGE_ACCOUNT_URLS.update(before)
    client = names["client"]
    environment = Environment(name="env", version="1", image="img:1")
    client.environments.create_or_update(environment)
    node = command(command="echo $$ > ${{outputs.out}}; sleep 600", environment="env:1", outputs={"out": _file()})

    @pipeline(default_compute="cpu")
    def hang() -> None:
        node()

    name = client.jobs.create_or_update(hang()).name
    pid = _pid(Path(serving.args[6]))  # type: ignore[index]
    serving.send_signal(signal.SIGINT)

    assert url is not None
    assert name
    assert serving.wait(20) == 0
    assert _is_gone(pid)


def _file() -> Any:
    from azure.ai.ml import Output

    return Output(type="uri_file")


def _pid(root: Path) -> int:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for path in (root / "datastores/workspaceblobstore/azureml").glob("*/out"):
            if text := path.read_text().strip():
                return int(text)
        time.sleep(0.02)
    raise AssertionError("the command has not started")


def _is_gone(group: int) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("odd=1", 'the Azure ML emulator has no option "odd"'),
        ("odd", '"odd" is not NAME=VALUE'),
        ("flip=odd", 'there is no assumption "odd"'),
        ("tasks=many", '"many" is not a number of processes'),
        ("faults=/gone", "the faults can't be read"),
    ],
)
def test_options_are_checked(tmp_path: Path, option: str, message: str) -> None:
    argv = [sys.executable, "-m", "specflow", "emulate", "azureml", "--root", str(tmp_path / "root"), "-o", option]
    ended = subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path)

    assert ended.returncode == 2
    assert message in ended.stderr
