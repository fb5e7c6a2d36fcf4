"""Projects in an empty folder, and the command line as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

HEAD = "specflow: 1\nname: p\n"


class Project:
    """A project folder with one pipeline, and what `specflow` does with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "specflow.yaml").write_text("specflow: 1\n")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def pipeline(self, steps: str, more: str = "") -> None:
        body = textwrap.indent(textwrap.dedent(steps).strip("\n"), "  ")
        self.write("p.yaml", f"{HEAD}{textwrap.dedent(more)}steps:\n{body}\n")

    def age(self) -> None:
        """Make every file an old one: what was written a moment ago is not trusted to be as its time stamp says."""
        old = 1_700_000_000
        for path in (self.folder, *self.folder.rglob("*")):
            os.utime(path, (old, old))

    def start(self, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "specflow", *args],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def python(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", script], cwd=self.folder, capture_output=True, text=True, check=False
        )

    def call(self, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        process = self.start(*args, env=env)
        out, err = process.communicate(timeout=600)
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def run(self, *args: str, env: dict[str, str] | None = None) -> dict[str, Any]:
        """Run the pipeline and return its last event, the exit code and stderr added."""
        done = self.call("run", "p.yaml", "--format", "json", *args, env=env)
        last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**last, "exit": done.returncode, "stderr": done.stderr, "events": done.stdout}

    def log(self, result: dict[str, Any], step: str, attempt: int = 1) -> str:
        return (self.folder / ".specflow/runs" / result["run"] / "logs" / f"{step}.{attempt}.log").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def wait_for(path: Path, limit_s: float = 30) -> None:
    """Wait until a file is there: the other side writes it when it has got so far."""
    end = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < end, f"{path} never came"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in ("Z", "X")


def send(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
