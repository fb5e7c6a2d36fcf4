"""The real MLClient of azure-ai-ml, set up for loopback, and one emulator for each test."""

from __future__ import annotations

import json
import os
import textwrap
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from specflow.emulation import Fault
from specflow.targets.azureml.emulator import Assumptions
from specflow.targets.azureml.emulator.server import Emulator

ENDED = ("Completed", "Failed", "Canceled")
NOISE = (
    "ignore::DeprecationWarning:azure.*",  # azure-ai-ml 1.35.2 calls what azure-core and marshmallow have renamed
    "ignore::DeprecationWarning:marshmallow.*",
    "ignore::marshmallow.warnings.ChangedInMarshmallow4Warning",
    "ignore:datetime.datetime.utcnow:DeprecationWarning",
    "ignore:pkg_resources:UserWarning",
    "ignore:unclosed:ResourceWarning",  # the SDK keeps its sessions open until the process ends
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for line in NOISE:
                item.add_marker(pytest.mark.filterwarnings(line))


@pytest.fixture(scope="session")
def sdk() -> Any:
    """azure.ai.ml, imported once, silent, polling as fast as it can."""
    os.environ.setdefault("AZUREML_RUN_POLLING_INTERVAL_MIN", "1")  # read at import
    os.environ.setdefault("AZUREML_RUN_POLLING_INTERVAL_MAX", "1")
    import logging

    logging.getLogger("azure").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import azure.ai.ml
        import azure.ai.ml.entities
        from azure.ai.ml.entities import _load_functions  # noqa: F401 - loads what is loaded late otherwise
    for name in logging.root.manager.loggerDict:
        if name.startswith("azure"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
    return azure.ai.ml


def client_of(emulator: Emulator) -> Any:
    """Return the client that the emulator's own instructions make."""
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS

    before = dict(STORAGE_ACCOUNT_URLS)
    names: dict[str, Any] = {}
    exec(emulator.instructions, names)
    STORAGE_ACCOUNT_URLS.update(before)  # the tests that need it say so
    return names["client"]


class Cloud:
    """An emulator with a client, and a folder whose YAML files are submitted."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.emulator = Emulator(folder / "cloud", **{"computes": ["cpu"], "datastores": ["main"], **options})
        self.emulator.start()
        self.client = client_of(self.emulator)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def load(self, pipeline: dict[str, Any]) -> Any:
        from azure.ai.ml import load_job

        path = self.write("pipeline.yml", yaml.safe_dump({"type": "pipeline", **pipeline}, sort_keys=False))
        return load_job(path)

    def environment(self) -> None:
        from azure.ai.ml.entities import Environment

        self.client.environments.create_or_update(Environment(name="env", version="1", image="img:1"))

    def submit(self, pipeline: dict[str, Any]) -> str:
        """Submit a pipeline and return its name."""
        self.environment()
        return str(self.client.jobs.create_or_update(self.load(pipeline)).name)

    def wait(
        self, name: str, until: Callable[[str], bool] = lambda status: status in ENDED, limit_s: float = 30
    ) -> str:
        """Return the job's state, once it is what is waited for."""
        end = time.monotonic() + limit_s
        while not until(status := self.status(name)):
            assert time.monotonic() < end, f"{name} is still {status}"
            time.sleep(0.02)
        return status

    def run(self, pipeline: dict[str, Any]) -> str:
        """Submit a pipeline, wait for its end and return its name; `status` tells how it ended."""
        name = self.submit(pipeline)
        self.wait(name)
        return name

    def status(self, name: str) -> str:
        return _word(self.client.jobs.get(name).status)

    def children(self, name: str) -> dict[str, Any]:
        return {each.display_name: each for each in self.client.jobs.list(parent_job_name=name)}

    def states(self, name: str) -> dict[str, str]:
        return {node: _word(each.status) for node, each in self.children(name).items()}

    def store(self, path: str, datastore: str = "workspaceblobstore") -> Path:
        return self.emulator.service.root / "datastores" / datastore / path

    def output(self, name: str, port: str) -> Path:
        return self.store(f"azureml/{name}/{port}")

    def log(self, name: str, node: str) -> str:
        run = self.children(name)[node].name
        return (self.emulator.service.storage.artifacts(run) / "user_logs/std_log.txt").read_text()

    def http(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, version: bool = True
    ) -> tuple[int, Any]:
        """Send a request without the SDK: below the workspace, unless the path is absolute; return status and JSON."""
        url = self.emulator.url + (path if path.startswith("/") else f"{self.emulator.workspace.id}/{path}")
        url += ("&" if "?" in url else "?") + "api-version=2024-01-01-preview" if version else ""
        data = json.dumps(body).encode() if body is not None else None
        sent = {"Authorization": f"Bearer {self.emulator.token}", **(headers or {})}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, sent, method=method)) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, _json(refusal.read())


def _word(status: Any) -> str:
    return str(getattr(status, "value", status))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


@pytest.fixture
def make_cloud(sdk: Any, tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    made: list[Cloud] = []

    def make(assumed: Assumptions | None = None, faults: tuple[Fault, ...] = (), **options: Any) -> Cloud:
        folder = tmp_path / f"cloud{len(made)}"
        folder.mkdir()
        made.append(Cloud(folder, assumed=assumed, faults=faults, **options))
        return made[-1]

    yield make
    for cloud in made:
        cloud.emulator.stop()


@pytest.fixture
def cloud(make_cloud: Callable[..., Cloud]) -> Cloud:
    return make_cloud()


def command(line: str, **more: Any) -> dict[str, Any]:
    """Return a command node."""
    return {"type": "command", "command": line, "environment": "azureml:env:1", "compute": "azureml:cpu", **more}


def reads(node: str, port: str = "out") -> str:
    """Return the binding to another node's output."""
    return f"${{{{parent.jobs.{node}.outputs.{port}}}}}"


FOLDER = {"type": "uri_folder"}
