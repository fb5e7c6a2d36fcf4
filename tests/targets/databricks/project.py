"""A folder with specs, what they compile to, and what comes of it on an emulator."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from specflow.attempt.records import from_line
from specflow.diagnostics import Diagnostic
from specflow.graph.islands import whole
from specflow.spec.load import Loader
from specflow.stages import validate
from specflow.targets.base import Compiled, Status, Submission
from specflow.targets.databricks.runs import DatabricksClient
from specflow.targets.databricks.target import TARGET

RUN = "20260101-120000-1a2b3c"
ENDED = ("succeeded", "failed", "cancelled")


class Project:
    """A folder with specs, in which they are compiled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".git").mkdir(parents=True)

    def write(self, text: str, name: str = "pipeline.yaml") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def compile(self, text: str, profile: str | None = None) -> Compiled:
        """Return what a pipeline becomes; its first two lines are added."""
        return compiled(self.write(f"specflow: 1\nname: demo\n{text}"), profile)

    def job(self, text: str, profile: str | None = None) -> dict[str, Any]:
        """Return the job that a pipeline becomes, nothing being found wrong with it."""
        made = self.compile(text, profile)
        assert [] == told(made.findings)
        return job_of(made)

    def told(self, text: str, profile: str | None = None) -> list[str]:
        """Return what the target tells of a pipeline, before and while compiling it."""
        spec = self.write(f"specflow: 1\nname: demo\n{text}")
        checked = validate(spec, Loader(spec.parent, profile))
        assert checked.graph is not None, told(checked.diagnostics)
        return told((*TARGET.check(checked.graph, checked.graph.nodes), *compiled(spec, profile).findings))


def compiled(spec: Path, profile: str | None = None) -> Compiled:
    checked = validate(spec, Loader(spec.parent, profile))
    assert checked.graph is not None, told(checked.diagnostics)
    assert checked.workspace is not None
    return TARGET.compile(whole(checked.graph, "databricks"), checked.workspace)


def told(findings: Iterable[Diagnostic]) -> list[str]:
    """Return findings as lines: where, how bad, what, which, and the way out."""
    return [
        f"{Path(one.span.file).name}:{one.span.line}:{one.span.column}: {one.severity}: {one.message} [{one.code}]"
        + (f"; {one.help}" if one.help else "")
        for one in findings
    ]


def bundle_of(made: Compiled) -> dict[str, Any]:
    return yaml.safe_load(bytes_of(made, "databricks.yml"))


def job_of(made: Compiled) -> dict[str, Any]:
    (name,) = (path for path in made.files if path.startswith("resources/"))
    (job,) = yaml.safe_load(bytes_of(made, name))["resources"]["jobs"].values()
    return job


def tasks_of(job: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["task_key"]: task for task in job["tasks"]}


def files_of(made: Compiled) -> dict[str, bytes]:
    """Return the content of every file of a bundle by its path."""
    found = {}
    for name, content in made.files.items():
        if isinstance(content, bytes):
            found[name] = content
        elif content.is_dir():
            inner = (path for path in content.rglob("*") if path.is_file())
            found |= {f"{name}/{path.relative_to(content).as_posix()}": path.read_bytes() for path in inner}
        else:
            found[name] = content.read_bytes()
    return found


def bytes_of(made: Compiled, path: str) -> bytes:
    return files_of(made)[path]


def write_bundle(made: Compiled, folder: Path) -> Path:
    """Write a bundle as a plan's folder holds it."""
    for name, content in files_of(made).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def submission(made: Compiled, folder: Path, run: str = RUN, inputs: Mapping[str, Any] | None = None) -> Submission:
    return Submission(run, "demo", run, write_bundle(made, folder), made.native, inputs or {})


def wait(client: DatabricksClient, job: str, limit_s: float = 120) -> Status:
    """Return how a job ended."""
    end = time.monotonic() + limit_s
    while (status := client.status(job)).state not in ENDED:
        assert time.monotonic() < end, status
        time.sleep(0.05)
    return status


def states_of(status: Status) -> dict[str, str]:
    return {step: found.state for step, found in status.steps.items()}


def record(client: DatabricksClient, job: str, step: str) -> dict[str, Any]:
    """Return the last record in a step's log."""
    lines = client.log(job, step).splitlines()
    return [one for one in map(from_line, lines) if one is not None][-1]
