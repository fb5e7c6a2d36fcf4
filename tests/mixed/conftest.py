"""Two emulated clouds that outlive every `specflow run`, and a project whose steps lie on them and here."""

from __future__ import annotations

import json
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import Fault
from specflow.emulation.standing import serve
from specflow.targets.azureml.emulated import Emulated as AzureMl
from specflow.targets.databricks.emulated import Emulated as Databricks
from tests.emulators.azureml.conftest import NOISE
from tests.local.conftest import Project, wait_for

CLOUDS = ("databricks", "azureml")
STORE = """\
specflow: 1
profile: emulated
profiles:
  emulated:
    store:
      local: .specflow/exchange
      azureml: azureml://datastores/exchange/paths/specflow
      databricks: /Volumes/main/ml/exchange
    targets: {azureml: {emulate: true}, databricks: {emulate: true}}
"""
STEP = """\
import os, pathlib, sys, time
name, marks = sys.argv[1], pathlib.Path(sys.argv[2])
with (marks / "ran").open("a") as stream:
    stream.write(name + "\\n")
(marks / f"{name}.pid").write_text(str(os.getpid()))
while (marks / f"{name}.held").exists():
    time.sleep(0.02)
if (marks / f"{name}.fails").exists():
    sys.exit(3)
pathlib.Path(sys.argv[3]).write_text(name + "".join(pathlib.Path(path).read_text() for path in sys.argv[4:]))
"""
PIPELINE = """\
specflow: 1
name: p
inputs: {marks: {type: string}}
steps:
  prepare: {uses: first, target: databricks, inputs: {name: prepare, marks: "${{ inputs.marks }}"}}
  train:
    uses: next
    target: azureml
    inputs: {name: train, marks: "${{ inputs.marks }}", before: "${{ steps.prepare.outputs.o }}"}
  judge:
    uses: next
    inputs: {name: judge, marks: "${{ inputs.marks }}", before: "${{ steps.train.outputs.o }}"}
  notify:
    uses: first
    when: ${{ failure() }}
    after: [judge]
    inputs: {name: notify, marks: "${{ inputs.marks }}"}
outputs:
  all: {from: "${{ steps.judge.outputs.o }}"}
"""


def step_file(name: str, before: str, timeout: str = "") -> str:
    argument = " ${{ inputs.before }}" if before else ""
    return textwrap.dedent(f"""\
        specflow: 1
        name: {name}
        inputs: {{name: {{type: string}}, marks: {{type: string}}{before}}}
        outputs: {{o: {{type: file}}}}
        code: .
        run: python step.py ${{{{ inputs.name }}}} ${{{{ inputs.marks }}}} ${{{{ outputs.o }}}}{argument}
        {timeout}
        """)


class Clouds:
    """A project, and the platforms on which its steps lie; `marks` is where steps and the test meet."""

    def __init__(self, folder: Path) -> None:
        self.project, self.marks = Project(folder), folder / "marks"
        self.marks.mkdir()
        self.project.write("specflow.yaml", STORE)
        self.write()
        roots = {name: folder / ".specflow/emulators" / name for name in CLOUDS}
        self.databricks, self.azureml = Databricks(roots["databricks"], {}), AzureMl(roots["azureml"], {})
        for name, side in (("databricks", self.databricks), ("azureml", self.azureml)):
            side.start()  # type: ignore[attr-defined]
            serve(roots[name], side, side.emulator.server)  # type: ignore[attr-defined]

    def write(self, more: str = "") -> None:
        """Write the steps; `more` is added to each."""
        for name, before in (("first", ""), ("next", ", before: {type: file}")):
            self.project.write(f"{name}/step.yaml", step_file(name, before, more))
            self.project.write(f"{name}/step.py", STEP)
        self.project.write("p.yaml", PIPELINE)

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start `specflow run`."""
        return self.project.start("run", "p.yaml", "-i", f"marks={self.marks}", "--format", "json", *args)

    def end(self, process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
        """Return the exit code of a run that was started, and its end."""
        out, err = process.communicate(timeout=240)
        events = [json.loads(line) for line in out.splitlines()]
        ends = {
            event["step"]: (event["state"], event["reason"]) for event in events if event["event"] == "step_finished"
        }
        return process.returncode, {**ends, "": err or events[-1]["state"]}

    def mark(self, name: str) -> None:
        """Hold a step, or have it fail: `train.held`, `train.fails`."""
        (self.marks / name).touch()

    def begun(self, step: str) -> int:
        """Return the process of a step that has begun."""
        wait_for(self.marks / f"{step}.pid", 120)
        return int((self.marks / f"{step}.pid").read_text() or 0)

    def ran(self) -> list[str]:
        """Return the steps that were run, each as often as it was."""
        file = self.marks / "ran"
        return file.read_text().split() if file.exists() else []

    def strike(self, faults: list[Fault]) -> None:
        """Have requests to both platforms fail."""
        self.databricks.emulator.server.faults.set(faults)
        self.azureml.emulator.server.faults.set(faults)

    def cancel(self, cloud: str) -> None:
        """Cancel every job of a platform, as somebody in its portal might."""
        if cloud == "databricks":
            self.databricks.emulator.workspace.cancel_all(None, all_queued=False)
            for run in list(self.databricks.emulator.workspace.runs.values()):
                self.databricks.emulator.workspace.cancel(run.run_id)
        else:
            for run in self.azureml.emulator.service.runs.roots():
                self.azureml.emulator.service.cancel(run.id)

    def jobs(self) -> dict[str, list[str]]:
        """Return the jobs of each platform by how they ended, in its own words."""
        runs = self.databricks.emulator.workspace.runs.values()
        return {
            "databricks": [run.result or run.state for run in runs],
            "azureml": [run.status for run in self.azureml.emulator.service.runs.roots()],
        }

    def stop(self) -> None:
        """End both platforms."""
        self.databricks.stop()
        self.azureml.stop()


@pytest.fixture
def clouds(tmp_path: Path) -> Iterator[Clouds]:
    found = Clouds(tmp_path)
    try:
        yield found
    finally:
        found.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in (*NOISE, "ignore::marshmallow.warnings.RemovedInMarshmallow4Warning"):
                item.add_marker(pytest.mark.filterwarnings(line))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
