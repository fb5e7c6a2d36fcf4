"""The target's client: jobs submitted, followed, cancelled and repaired, their outputs brought here, jobs deployed."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.base import Deployment, Status, Submission
from specflow.targets.databricks import states
from specflow.targets.databricks.artifact import read_artifact
from specflow.targets.databricks.client import Api, MaybeDoneError
from specflow.targets.databricks.deploys import RUN, Deploys
from specflow.targets.databricks.inputs import parameters_of, put_arrivals
from specflow.targets.databricks.login import login_for
from specflow.targets.databricks.names import MAX_PARAMETER_BYTES, ROOT_PARAMETER, RUN_PARAMETER, parameter_bytes
from specflow.targets.databricks.transfer import get_tree

__all__ = ["DatabricksClient", "open_client"]

_JOBS = "/api/2.2/jobs"
_MAX_TOKEN = 64


def open_client(settings: Mapping[str, Any]) -> DatabricksClient:
    """Return a client of the workspace that a profile's `targets.databricks` names; nothing is sent yet."""
    api = Api(login_for(settings, os.environ))
    if "patience_s" in settings:
        api.patience_s = float(settings["patience_s"])
    return DatabricksClient(api, Deploys(api, str(settings.get("root", "")), settings.get("provide")))


@dataclass(slots=True)
class DatabricksClient:
    """One workspace."""

    api: Api
    deploys: Deploys
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _errors: dict[int, str] = field(default_factory=dict)
    """What the platform says of task runs that failed: their state says no more than that they did."""

    def submit(self, job: Submission) -> str:
        """Return the id of the run of an island; one key gives one run."""
        settings = self.deploys.prepare(read_artifact(job.folder), RUN)
        root = f"{_default(settings, ROOT_PARAMETER)}/{job.run}"
        given = {RUN_PARAMETER: job.run, **parameters_of(self.api, job.inputs, job.native, root)}
        size = parameter_bytes(given)
        if size > MAX_PARAMETER_BYTES:
            raise SpecflowError(
                f"the inputs given take {size} bytes as job parameters, and Databricks allows {MAX_PARAMETER_BYTES}",
                "pass a file instead of many values",
            )
        with tempfile.TemporaryDirectory(prefix="specflow-") as scratch:
            put_arrivals(self.api, job.arrivals, root, FilePath(scratch))
        with self._lock:
            now = {"idempotency_token": token_of(job.key), "job_parameters": given}
            body = {"job_id": self.deploys.install(settings), **now}
            run_id = str(self.api.call("POST", f"{_JOBS}/run-now", body)["run_id"])
        self._refuse_code_of_others(run_id, settings)
        return run_id

    def _refuse_code_of_others(self, run_id: str, settings: Mapping[str, Any]) -> None:
        """End a run that began with the settings that somebody put there between our reset and its start."""
        ours = {task["task_key"]: states.code_of(task) for task in settings["tasks"]}
        for task in self._run(run_id)["tasks"]:
            if states.code_of(task) != ours.get(task["task_key"]):
                self.cancel(run_id)
                raise SpecflowError(
                    "another run of this pipeline was started at the same moment, and this one began with its code",
                    "run it again",
                )

    def find(self, key: str, name: str) -> str | None:
        """Return None: to submit again finds the run of a key, and runs can't be asked for by their token."""
        del key, name
        return None

    def status(self, job: str) -> Status:
        """Return how a run stands, and each of its steps."""
        run = self._run(job)
        for task in states.failed_tasks(run):
            if task["run_id"] not in self._errors:
                self._errors[task["run_id"]] = states.error_of(self._output(task["run_id"]))
        return states.status_of(run, self._errors)

    def log(self, job: str, step: str) -> str:
        """Return what the attempts at a step have written; of a step that the platform runs itself, our tasks' too."""
        attempts = states.attempts_at(self._run(job), step)
        return "".join(states.text_of_output(self._output(attempt["run_id"])) for attempt in attempts)

    def cancel(self, job: str) -> None:
        """Ask for the end of a run."""
        self.api.call("POST", f"{_JOBS}/runs/cancel", {"run_id": int(job)})

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Repair a run: the tasks of these steps run again, and all that hung on them."""
        run = self._run(job, with_history=True)
        if not states.is_over(run):
            return True
        keys = states.to_repair(run, steps)
        body: dict[str, Any] = {"run_id": int(job), "rerun_tasks": keys}
        repairs = [one["id"] for one in run.get("repair_history", ()) if one.get("type") == "REPAIR"]
        if repairs:
            body["latest_repair_id"] = repairs[-1]
        while True:
            try:
                self.api.once("POST", f"{_JOBS}/runs/repair", body)
            except MaybeDoneError:
                now = self._run(job, with_history=True)
                done = [one["id"] for one in now.get("repair_history", ()) if one.get("type") == "REPAIR"]
                if len(done) == len(repairs):
                    continue
            return True

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where an output lies on its volume."""
        path = str(record["outputs"][port]["path"])
        return path if path.startswith("/") else f"{self._root(job)}/{step}/{path}"

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: FilePath) -> FilePath:
        """Return an output in `folder`, under the name that the step gave it."""
        left = record["outputs"][port]
        place = self.address(job, step, port, record)
        target = folder / str(left["name"])
        folder.mkdir(parents=True, exist_ok=True)
        if _is_folder(self.api, place):
            get_tree(self.api, place, target)
        else:
            self.api.get_volume_file(place, target)
        return target

    def deploy(self, name: str, folder: FilePath, native: Mapping[str, Any], digest: str) -> Deployment:
        """Install the job of a bundle with its schedule, in place of an earlier one of the name."""
        del native
        return self.deploys.deploy(name, read_artifact(folder), digest)

    def undeploy(self, name: str) -> bool:
        """Remove a deployed job."""
        return self.deploys.undeploy(name)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return the jobs that `deploy` has installed."""
        return self.deploys.deployments()

    def close(self) -> None:
        """Do nothing: connections end with the process."""

    def _output(self, run_id: int) -> dict[str, Any]:
        return self.api.call("GET", f"{_JOBS}/runs/get-output", None, run_id=run_id)

    def _run(self, job: str, *, with_history: bool = False) -> dict[str, Any]:
        """Return a run with all of its tasks, which come in pages."""
        more = {"include_history": "true"} if with_history else {}
        run = self.api.call("GET", f"{_JOBS}/runs/get", None, run_id=job, **more)
        tasks, token = list(run.get("tasks", ())), run.get("next_page_token")
        while token:
            page = self.api.call("GET", f"{_JOBS}/runs/get", None, run_id=job, page_token=token)
            tasks += page.get("tasks", ())
            token = page.get("next_page_token")
        return {**run, "tasks": tasks}

    def _root(self, job: str) -> str:
        """Return the folder of a run, which its parameters name."""
        run = self.api.call("GET", f"{_JOBS}/runs/get", None, run_id=job)
        given = {one["name"]: one.get("value", one.get("default", "")) for one in run.get("job_parameters", ())}
        name = given.get(RUN_PARAMETER, "")
        return f"{given[ROOT_PARAMETER]}/{run['run_id'] if '{{' in name else name}"


def token_of(key: str) -> str:
    """Return an idempotency token for a key: the key itself, or of a long one its digest."""
    return key if len(key) <= _MAX_TOKEN else hashlib.sha256(key.encode()).hexdigest()


def _default(settings: Mapping[str, Any], name: str) -> str:
    return next(str(one["default"]) for one in settings["parameters"] if one["name"] == name)


def _is_folder(api: Api, place: str) -> bool:
    """Return whether something on a volume is a folder; its parent knows."""
    parent, _, name = place.rpartition("/")
    for entry in api.volume_folder(parent):
        if entry["name"] == name:
            return bool(entry.get("is_directory"))
    raise SpecflowError(f'there is nothing at "{place}"', "its run may be too old, or the volume was cleaned up")
