"""What the system refuses is told in one line, with a way out and the right exit code; only bugs are called bugs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from specflow.cli.failures import tell_outside
from tests.cli.conftest import Here

SPEC = "specflow: 1\nname: one\nsteps: {a: {run: [echo, hi]}}\n"


@pytest.fixture
def project(here: Here) -> Here:
    here.write("p.yaml", SPEC)
    here.write("file", "")
    return here


@pytest.mark.parametrize(
    "words",
    [
        "compile p.yaml -o file/x",
        "compile p.yaml --output=file/x",
        "plan p.yaml -o file/x",
        "graph p.yaml -o file/x.svg",
        "graph p.yaml -o missing/x.svg",
        "init file/x",
        "publish p.yaml --target azureml -o file/x",
        "emulate databricks --root file/x",
        "conformance . --junit file/x.xml",
    ],
)
def test_a_path_that_cant_be_used_is_the_callers(project: Here, words: str) -> None:
    said = project.call(*words.split())

    error, help_ = said.err.splitlines()[-2:]
    path = words.split()[-1].rpartition("=")[2]
    assert (said.code, error.startswith(f"error: can't use \"{path}")) == (2, True), error
    assert help_.startswith("  = help: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, whose writes a full disk refuses, is Linux's")
@pytest.mark.parametrize("words", ["--help", "--version", "graph p.yaml", "schema pipeline", "compile p.yaml"])
def test_output_that_cant_be_written_is_no_bug(project: Here, words: str) -> None:
    command = [sys.executable, "-m", "specflow", *words.split()]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=project.folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr.splitlines()[-2]) == (1, "error: no space left on device")


def test_what_init_could_not_finish_can_be_tried_again(project: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(path: Path, text: str, **more: str) -> int:
        if path.name == "chart.py":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write(path, text, **more)

    monkeypatch.setattr(Path, "write_text", full)
    assert project.call("init", "new").code == 1
    monkeypatch.undo()
    os.chdir(project.folder)

    assert project.call("init", "new").code == 0


def test_a_missing_file_of_our_own_is_a_bug_still() -> None:
    lost = FileNotFoundError(errno.ENOENT, "No such file or directory", "/somewhere/in/specflow")

    assert tell_outside(lost, ["compile", "p.yaml", "-o", "elsewhere"]) is None


def test_of_two_paths_the_one_is_told_that_was_to_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    failure = OSError(errno.ENOSPC, "No space left on device", "from", None, "to")

    assert tell_outside(failure, []) == 1
    assert capsys.readouterr().err.startswith('error: can\'t use "to": no space left on device\n')
