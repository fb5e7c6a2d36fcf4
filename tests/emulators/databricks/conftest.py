"""An emulator for each test, and the vendor's own client on it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.databricks.emulator.server import Emulator
from specflow.targets.databricks.tasks import ONLY_OUR_RETRIES

OVER = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
HOME = "/Workspace/Users/emulator@example.com"
VOLUME = "/Volumes/main/default/specflow"


@pytest.fixture(autouse=True)
def _no_login_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith("DATABRICKS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path_factory.getbasetemp() / "no.databrickscfg"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "databricks"


@pytest.fixture
def emulator(root: Path) -> Iterator[Emulator]:
    with Emulator(root, limit=8) as running:
        yield running


def client(emulator: Emulator, **more: Any) -> Any:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    settings = {"retry_timeout_seconds": 20, "http_timeout_seconds": 20, **more}
    config = Config(host=emulator.url, token=emulator.token, product="specflow", product_version="0.1.0", **settings)
    config.files_ext_multipart_upload_min_stream_size = 1 << 40
    return WorkspaceClient(config=config)


class Jobs:
    """The Jobs API with nothing in between: what is posted is what arrives."""

    def __init__(self, emulator: Emulator, sdk: Any) -> None:
        self.emulator, self.sdk, self.names = emulator, sdk, 0

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        return self.sdk.api_client.do(method, f"/api/2.2/jobs/{path}", body=body, query=query)

    def code(self, text: str, name: str = "") -> str:
        """Put a file into the workspace and return its path."""
        self.names += 1
        path = f"{HOME}/{name or f'code{self.names}.py'}"
        self.emulator.workspace.objects.put(path, text.encode(), overwrite=True)
        return path

    def script(self, key: str, text: str = "", *after: Any, parameters: Any = (), **more: Any) -> dict[str, Any]:
        body = {"python_file": self.code(text), "parameters": list(parameters)}
        return task(key, *after, spark_python_task=body, environment_key="default", **{**ONLY_OUR_RETRIES, **more})

    def notebook(self, key: str, text: str = "", *after: Any, parameters: Any = None, **more: Any) -> dict[str, Any]:
        self.names += 1
        source = f"# Databricks notebook source\n{text}"
        path = self.code(source, f"notebook{self.names}.py").removesuffix(".py")
        body = {"notebook_path": path, "base_parameters": parameters or {}}
        return task(key, *after, notebook_task=body, **{**ONLY_OUR_RETRIES, **more})

    def create(self, *tasks: dict[str, Any], **more: Any) -> int:
        environments = [{"environment_key": "default", "spec": {"environment_version": "4"}}]
        settings = {"name": "demo", "environments": environments, "tasks": list(tasks), **more}
        return self.call("POST", "create", settings)["job_id"]

    def start(self, *tasks: dict[str, Any], now: Any = None, **more: Any) -> int:
        return self.call("POST", "run-now", {"job_id": self.create(*tasks, **more), **(now or {})})["run_id"]

    def run(self, *tasks: dict[str, Any], now: Any = None, **more: Any) -> dict[str, Any]:
        return self.wait(self.start(*tasks, now=now, **more))

    def get(self, run_id: int, **query: Any) -> dict[str, Any]:
        return self.call("GET", "runs/get", run_id=run_id, **query)

    def wait(self, run_id: int, until: Callable[[dict[str, Any]], bool] | None = None, limit_s: float = 30) -> Any:
        """Return a run once it is over, or once something holds for it."""
        is_due = until or (lambda run: run["state"]["life_cycle_state"] in OVER)
        end = time.monotonic() + limit_s
        while not is_due(run := self.get(run_id)):
            assert time.monotonic() < end, run["state"]
            time.sleep(0.02)
        return run

    def output(self, run: dict[str, Any], key: str) -> dict[str, Any]:
        return self.call("GET", "runs/get-output", run_id=last(run, key)["run_id"])

    def log(self, run: dict[str, Any], key: str) -> str:
        return self.output(run, key).get("logs", "")


def task(key: str, *after: Any, **more: Any) -> dict[str, Any]:
    """Return a task; a dependency is a key, or a key and the outcome of its condition."""
    found = {"task_key": key, **more}
    if after:
        pairs = [one if isinstance(one, tuple) else (one,) for one in after]
        found["depends_on"] = [dict(zip(("task_key", "outcome"), pair, strict=False)) for pair in pairs]
    return found


def last(run: dict[str, Any], key: str) -> dict[str, Any]:
    found = [one for one in run["tasks"] if one["task_key"] == key]
    return max(found, key=lambda one: one["attempt_number"])


def results(run: dict[str, Any]) -> dict[str, str]:
    """Return how the last attempt at each task ended."""
    return {one["task_key"]: last(run, one["task_key"])["state"].get("result_state", "") for one in run["tasks"]}


@pytest.fixture
def sdk(emulator: Emulator) -> Any:
    return client(emulator)


@pytest.fixture
def jobs(emulator: Emulator, sdk: Any) -> Jobs:
    return Jobs(emulator, sdk)
