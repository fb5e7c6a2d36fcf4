"""What is secret reaches the steps that ask for it on every side, and nothing that is kept of the run has it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.local.conftest import Project
from tests.mixed.conftest import STORE

SECRET = "Tr0ub4dor&3-pass'phrase"
STEP = """\
import os, pathlib, sys
word = os.environ["MAGIC_WORD"]
print("as it is:", word)
pathlib.Path(sys.argv[1]).write_text(str(len(word)))
if len(sys.argv) > 2:
    print("before:", pathlib.Path(sys.argv[2]).read_text())
"""
PIPELINE = """\
specflow: 1
name: p
steps:
  far:
    target: databricks
    secrets: [MAGIC_WORD]
    code: code
    run: python step.py ${{ outputs.o }}
    outputs: {o: {type: file}}
  further:
    target: azureml
    secrets: [MAGIC_WORD]
    code: code
    run: python step.py ${{ outputs.o }} ${{ steps.far.outputs.o }}
    outputs: {o: {type: file}}
  near:
    secrets: [MAGIC_WORD]
    code: code
    run: python step.py ${{ outputs.o }} ${{ steps.further.outputs.o }}
    outputs: {o: {type: file}}
outputs:
  o: {from: "${{ steps.near.outputs.o }}"}
"""


@pytest.mark.parametrize("host", ["local", "azureml", "databricks"])
def test_nothing_that_is_kept_of_a_run_has_a_secret(project: Project, host: str) -> None:
    project.write("specflow.yaml", STORE)
    project.write("code/step.py", STEP)
    project.write("p.yaml", PIPELINE)
    words = ("run", "p.yaml", "--host", host, "--allow-secret", "MAGIC_WORD", "--format", "json", "-o", "out")
    process = project.start(*words, env={"MAGIC_WORD": SECRET})
    out, err = process.communicate(timeout=240)
    report = project.start("report", json.loads(out.splitlines()[-1])["run"], "-o", "run.html")
    report.communicate(timeout=60)

    assert 0 == process.returncode, err
    assert 0 == report.returncode
    logs = [path.read_text() for path in project.folder.glob(".specflow/runs/*/logs/*.log")]
    assert 3 == sum("as it is: ***\n" in text for text in logs)
    assert str(len(SECRET)) == (project.folder / "out" / "o").read_text()
    assert not [form for form in forms(SECRET) if form in (out + err).encode()]
    assert [] == holding(SECRET, project.folder)


def forms(secret: str) -> list[bytes]:
    """Return a secret as it may be written: as it is, in JSON, in HTML, in base64."""
    plain = secret.encode()
    return [plain, plain.replace(b"&", b"&amp;"), plain.replace(b"'", b"&#x27;"), base64.b64encode(plain)]


def holding(secret: str, folder: Path) -> list[str]:
    """Return the files below a folder that hold a secret; of a database what its tables hold is in its pages."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms(secret))]
