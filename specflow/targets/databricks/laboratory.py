"""A place on a workspace for small jobs that measure something: files of its own, jobs that are gone afterwards."""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.databricks.client import Api, MissingError
from specflow.targets.databricks.tasks import ONLY_OUR_RETRIES

__all__ = ["Laboratory", "TooSlowError"]

_JOBS = "/api/2.2/jobs"
_ENDED = ("TERMINATED", "INTERNAL_ERROR", "SKIPPED")
_LONGEST_S = 1800.0


class TooSlowError(SpecflowError):
    """A job that did not get where it should within half an hour."""


@dataclass(slots=True)
class Laboratory:
    """`compute` is what the profile binds to `default` here: serverless, or a cluster that exists."""

    api: Api
    compute: Any
    volume: str
    sleep: Callable[[float], None] = time.sleep
    root: str = ""
    jobs: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Choose a folder that nobody has."""
        self.root = f"/Workspace/Users/{self.api.user()}/.specflow/probe-{secrets.token_hex(6)}"

    def script(self, key: str, text: str, *after: str, **more: Any) -> dict[str, Any]:
        """Return a task that runs a Python script, behind others; `parameters` are the script's."""
        path = f"{self.root}/{secrets.token_hex(4)}/{key}.py"
        self.write(path, text)
        body = {"python_file": path, "parameters": more.pop("parameters", [])}
        return {**self.task(key, *after), **self._machine(), "spark_python_task": body, **more}

    def notebook(self, key: str, text: str, *after: str) -> dict[str, Any]:
        """Return a task that runs a notebook, behind others; a serverless one brings its environment itself."""
        path = f"{self.root}/{secrets.token_hex(4)}/{key}"
        self.write(f"{path}.py", f"# Databricks notebook source\n{text}")
        machine = {name: value for name, value in self._machine().items() if name != "environment_key"}
        return {**self.task(key, *after), **machine, "notebook_task": {"notebook_path": path}}

    def write(self, path: str, text: str) -> None:
        """Write a workspace file."""
        self.api.call("POST", "/api/2.0/workspace/mkdirs", {"path": str(PurePosixPath(path).parent)})
        self.api.put_workspace_file(path, text.encode())

    @staticmethod
    def task(key: str, *after: str, **more: Any) -> dict[str, Any]:
        """Return a task behind others; `gate:true` is the true branch of a condition."""
        needs = [dict(zip(("task_key", "outcome"), one.split(":"), strict=False)) for one in after]
        return {"task_key": key, **({"depends_on": needs} if needs else {}), **more}

    def gate(self, key: str, *after: str) -> dict[str, Any]:
        """Return a condition that is true."""
        return self.task(key, *after, condition_task={"op": "EQUAL_TO", "left": "1", "right": "1"})

    def _machine(self) -> dict[str, Any]:
        cluster = self.compute.get("existing_cluster_id") if isinstance(self.compute, Mapping) else None
        return {"existing_cluster_id": cluster} if cluster else {"environment_key": "default", **ONLY_OUR_RETRIES}

    def environments(self) -> dict[str, Any]:
        """Return what a job says of environments, where its tasks are serverless."""
        if "environment_key" not in self._machine():
            return {}
        return {"environments": [{"environment_key": "default", "spec": {"environment_version": "4"}}]}

    def create(self, *tasks: Mapping[str, Any], **more: Any) -> int:
        """Return a new job, with more settings."""
        body = {"name": "specflow probe", "tasks": list(tasks), **self.environments(), "tags": {"specflow_by": "probe"}}
        body |= more
        job = int(self.api.call("POST", f"{_JOBS}/create", body)["job_id"])
        with self.lock:
            self.jobs.append(job)
        return job

    def start(self, *tasks: Mapping[str, Any], **now: Any) -> int:
        """Return the run of a new job."""
        return int(self.api.call("POST", f"{_JOBS}/run-now", {"job_id": self.create(*tasks), **now})["run_id"])

    def run(self, *tasks: Mapping[str, Any], **now: Any) -> dict[str, Any]:
        """Return the run of a new job, ended."""
        return self.wait(self.start(*tasks, **now))

    def trigger(self, job: int, **now: Any) -> dict[str, Any]:
        """Return a run of a job, ended."""
        return self.wait(int(self.api.call("POST", f"{_JOBS}/run-now", {"job_id": job, **now})["run_id"]))

    def wait(self, run: int, until: Callable[[dict[str, Any]], bool] | None = None) -> dict[str, Any]:
        """Return a run as soon as it has ended, or is as it should be."""
        end, pause = time.monotonic() + _LONGEST_S, 0.2
        while time.monotonic() < end:
            found = self.api.call("GET", f"{_JOBS}/runs/get", None, run_id=run, include_history="true")
            if found["state"]["life_cycle_state"] in _ENDED or (until is not None and until(found)):
                return found
            self.sleep(pause)
            pause = min(pause * 1.5, 10.0)
        raise TooSlowError("too slow")

    def log(self, run: Mapping[str, Any], key: str) -> str:
        """Return what the last attempt at a task has written."""
        answer = self.api.call("GET", f"{_JOBS}/runs/get-output", None, run_id=last(run, key)["run_id"])
        return str(answer.get("logs") or "")

    def close(self) -> None:
        """Remove what was made."""
        for job in self.jobs:
            with contextlib.suppress(SpecflowError):
                self.api.call("POST", f"{_JOBS}/delete", {"job_id": job})
        with contextlib.suppress(MissingError):
            self.api.call("POST", "/api/2.0/workspace/delete", {"path": self.root, "recursive": True})


def last(run: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the last attempt at a task."""
    tried = [one for one in run["tasks"] if one["task_key"] == key]
    return max(tried, key=lambda one: (one.get("attempt_number", 0), one["run_id"]))


def result(run: Mapping[str, Any], key: str) -> str:
    """Return how a task ended."""
    state = last(run, key)["state"]
    return str(state.get("result_state") or state["life_cycle_state"])
