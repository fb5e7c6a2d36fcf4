"""Small pipeline jobs in a workspace that measure something. They stay in its list of jobs, under one experiment."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.errors import SpecflowError
from specflow.targets.azureml import client
from specflow.targets.azureml.client import TakenError, patiently, word
from specflow.targets.azureml.site import Site

__all__ = ["FOLDER", "Ended", "Laboratory", "RefusedError"]

FOLDER = {"type": "uri_folder"}
_STORE = "workspaceblobstore"
_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
_ENDED = ("Completed", "Failed", "Canceled", "NotResponding")
_LONGEST_S = 3600.0
_REUSED = "azureml.reusedrunid"


class RefusedError(SpecflowError):
    """A job that did not get so far that it would say anything; told in words that name nothing of the workspace."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that has ended; the states of its nodes by the names that they are shown under."""

    name: str
    states: Mapping[str, str]
    children: tuple[Any, ...]
    read_log: Callable[[str], str]

    def names(self) -> tuple[str, ...]:
        """Return the names that nodes are shown under."""
        return tuple(str(child.display_name) for child in self.children)

    def child(self, name: str) -> str | None:
        """Return the run of a node, by the name that it is shown under; of the only one, whatever that is."""
        found = [child for child in self.children if child.display_name == name]
        return str(found[0].name) if found else str(self.children[0].name) if len(self.children) == 1 else None

    def log(self, name: str) -> str:
        """Return what a node has written."""
        child = self.child(name)
        return self.read_log(child) if child is not None else ""

    def is_reused(self) -> bool:
        """Return whether its one node was not run, but taken from an earlier job."""
        return any(_REUSED in (child.properties or {}) for child in self.children)


class Laboratory:
    """Jobs in one workspace, on `compute` as the profile binds `default`."""

    def __init__(self, settings: Mapping[str, Any], compute: Any, sleep: Callable[[float], None] = time.sleep) -> None:
        """Connect, and choose a name that nobody has."""
        self.ml = client.connect(settings)
        self.site = Site(self.ml)
        self.loopback = settings.get("loopback")
        self.compute = str(compute.get("compute", "serverless") if isinstance(compute, Mapping) else compute)
        self.sleep = sleep
        self.start_s = 2 if self.loopback else 120
        """How long a node is given to be started after another one of its job."""
        self.mark = f"specflow-probe-{secrets.token_hex(6)}"

    def command(
        self,
        text: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        given: Mapping[str, Any] | None = None,
        to: Mapping[str, str] | None = None,
        environment: Any = None,
    ) -> dict[str, Any]:
        """Return a node that runs lines of bash; `given` are its inputs' values, `to` where its outputs are bound."""
        component: dict[str, Any] = {
            "type": "command",
            "command": text,
            "environment": environment or {"image": _IMAGE},
            "inputs": dict(inputs or {}),
            "outputs": dict(outputs or {}),
        }
        node: dict[str, Any] = {"type": "command", "component": component}
        if given:
            node["inputs"] = dict(given)
        if to:
            node["outputs"] = dict(to)
        return node

    def put(self, name: str, content: bytes) -> str:
        """Return the address of a small file in the workspace's own datastore."""
        self.site.write(_STORE, f"{self.mark}/{name}", content)
        return f"azureml://datastores/{_STORE}/paths/{self.mark}/{name}"

    def has(self, path: str) -> bool:
        """Return whether there is a file in the workspace's own datastore."""
        return self.site.read(_STORE, path) is not None

    def run(self, pipeline: Mapping[str, Any]) -> Ended:
        """Return a new job of a pipeline, ended; raise RefusedError if it can't be."""
        name = f"{self.mark}-{secrets.token_hex(4)}"
        try:
            self.submit(pipeline, name)
        except SpecflowError as failure:
            if failure.exit_code == 4:
                raise
            raise RefusedError("the workspace refused the job") from failure
        self._wait(name)
        children = tuple(patiently(lambda: list(self.ml.jobs._runs_operations.get_run_children(name))))
        states = {str(child.display_name): word(child.status) for child in children}
        return Ended(name, states, children, self._log)

    def submit(self, pipeline: Mapping[str, Any], name: str) -> bool:
        """Return whether a job was taken under a name: False if that name has one."""
        document = {"type": "pipeline", "experiment_name": "specflow_probe", **pipeline}
        compute = self.compute if self.compute == "serverless" else f"azureml:{self.compute.removeprefix('azureml:')}"
        document["settings"] = {"default_compute": compute, **pipeline.get("settings", {})}
        text = yaml.safe_dump(document, sort_keys=False)
        if self.loopback:
            self.loopback["provide"](document)

        def put() -> None:
            with tempfile.TemporaryDirectory(prefix="specflow-") as folder:
                job = client.loaded("job", text, FilePath(folder))
                job.name = name
                self.ml.jobs.create_or_update(job)

        try:
            patiently(put)
        except TakenError:
            return False
        return True

    def is_taken(self, pipeline: Mapping[str, Any]) -> bool:
        """Return whether a job is taken, which is ended at once; False if it is refused."""
        name = f"{self.mark}-{secrets.token_hex(4)}"
        try:
            self.submit(pipeline, name)
        except SpecflowError as failure:
            if failure.exit_code == 4:
                raise
            return False
        patiently(lambda: self.ml.jobs.begin_cancel(name))
        return True

    def _wait(self, name: str) -> None:
        end, pause = time.monotonic() + _LONGEST_S, 0.2
        while time.monotonic() < end:
            if word(patiently(lambda: self.ml.jobs._get_job(name)).properties.status) in _ENDED:
                return
            self.sleep(pause)
            pause = min(pause * 1.5, 15.0)
        raise RefusedError("the job did not end within an hour")

    def _log(self, child: str) -> str:
        details = patiently(lambda: self.ml.jobs._runs_operations.get_run_details(child))
        logs = details.log_files or {}
        names = sorted(name for name in logs if name.startswith("user_logs/std_log"))
        return "".join(patiently(partial(client.read_url, logs[name])) for name in names)
