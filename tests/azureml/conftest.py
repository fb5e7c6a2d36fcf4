"""Specs compiled for Azure ML, and the client on an emulator of its own."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from specflow.attempt.records import from_line
from specflow.diagnostics import Diagnostic
from specflow.graph.islands import whole
from specflow.spec.load import Loader
from specflow.stages import validate
from specflow.targets.azureml.target import TARGET
from specflow.targets.base import Compiled, Submission, capability_findings
from tests.emulators.azureml.conftest import NOISE

RUN = "20260101-120000-1a2b3c"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in NOISE:
                item.add_marker(pytest.mark.filterwarnings(line))


class Artifact:
    """What a spec was compiled to."""

    def __init__(self, compiled: Compiled, found: tuple[Diagnostic, ...]) -> None:
        self.compiled, self.findings = compiled, (*found, *compiled.findings)

    @property
    def told(self) -> list[str]:
        return [f"{found.severity} {found.code} {found.span.line}: {found.message}" for found in self.findings]

    @property
    def pipeline(self) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(self.text("pipeline.yml"))
        return loaded

    def text(self, name: str) -> str:
        found = self.compiled.files[name]
        return found.decode() if isinstance(found, bytes) else found.read_text()

    def note(self, folder: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.text(f"code/{folder}/step.json"))
        return loaded

    def write(self, folder: Path) -> Path:
        for name, content in self.compiled.files.items():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                place.write_bytes(content)
            elif content.is_dir():
                shutil.copytree(content, place)
            else:
                shutil.copyfile(content, place)
        return folder


def compile_spec(spec: Path, profile: str | None = None) -> Artifact:
    checked = validate(spec, Loader(spec.parent, profile))
    assert checked.graph is not None, checked.diagnostics
    assert checked.workspace is not None
    found = (
        *capability_findings(TARGET, checked.graph, checked.graph.nodes),
        *TARGET.check(checked.graph, checked.graph.nodes),
    )
    return Artifact(TARGET.compile(whole(checked.graph, "azureml"), checked.workspace), found)


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Artifact]:
    """Compile a pipeline given as text, beside other files."""

    def make(text: str, files: Mapping[str, str] | None = None) -> Artifact:
        root = tmp_path / "it's a project"
        shutil.rmtree(root, ignore_errors=True)
        for name, content in {"pipeline.yaml": f"specflow: 1\nname: demo\n{text}", **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        (root / ".git").mkdir()
        return compile_spec(root / "pipeline.yaml")

    return make


class Workspace:
    """An emulated workspace, and the client that `run` uses."""

    def __init__(self, root: Path, settings: Mapping[str, Any], **options: Any) -> None:
        from specflow.targets.azureml.emulated import Emulated

        self.root = root
        self.emulated = Emulated(root / "cloud", settings, **options)
        self.emulated.start()
        self.client = TARGET.client(self.emulated.settings)

    def submit(self, artifact: Artifact, key: str = RUN, afresh: Collection[str] = (), **inputs: Any) -> str:
        native = json.loads(json.dumps(artifact.compiled.native))
        folder = artifact.write(self.root / f"artifact-{key}")
        return self.client.submit(Submission(key, native["name"], RUN, folder, native, inputs, afresh=afresh))

    def wait(self, job: str, limit_s: float = 120) -> Any:
        pause = threading.Event()
        for _ in range(int(limit_s / 0.05)):
            status = self.client.status(job)
            if status.state in ("succeeded", "failed", "cancelled"):
                return status
            pause.wait(0.05)
        raise AssertionError(f"{job} is still {status.state}")

    def record(self, job: str, step: str) -> dict[str, Any]:
        log = self.client.log(job, step)
        found = [record for line in log.splitlines() if (record := from_line(line)) is not None]
        assert found, log
        return found[-1]

    def close(self) -> None:
        self.client.close()
        self.emulated.stop()


@pytest.fixture
def make_workspace(tmp_path: Path) -> Iterator[Callable[..., Workspace]]:
    made: list[Workspace] = []

    def make(settings: Mapping[str, Any] | None = None, **options: Any) -> Workspace:
        made.append(Workspace(tmp_path / f"workspace{len(made)}", settings or {}, **options))
        return made[-1]

    yield make
    for workspace in made:
        workspace.close()


@pytest.fixture
def workspace(make_workspace: Callable[..., Workspace]) -> Workspace:
    return make_workspace()
