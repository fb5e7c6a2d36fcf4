"""Jobs in a workspace: submitted once, looked at, read, ended, and their outputs brought here."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any

import yaml

from specflow.attempt.outcomes import Outcome
from specflow.attempt.publish import ABSENT_FILE
from specflow.attempt.records import line_of, new_record
from specflow.errors import UnreachableError
from specflow.targets.azureml import client
from specflow.targets.azureml.client import MissingError, TakenError, error_text, patiently, word
from specflow.targets.azureml.given import run_afresh, with_given
from specflow.targets.azureml.ports import RECORD
from specflow.targets.azureml.states import child_status, job_state
from specflow.targets.azureml.uploads import sent_whole
from specflow.targets.azureml.yaml_text import yaml_text
from specflow.targets.base import Deployment, ForeignState, Status, StepStatus, Submission

__all__ = ["AzureClient"]

_LOGS = ("user_logs/std_log", "logs/azureml/driver/stdout")
"""How logs begin that hold what a step has written; the second is a Spark driver's: unverified."""
_DEFAULT_STORE = "workspaceblobstore"


class AzureClient:
    """A client for one workspace."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Connect to the workspace that the settings name, or to the emulator that they lead to."""
        self.settings = settings
        self.ml = client.connect(settings)
        self._nodes: dict[str, Mapping[str, Any]] = {}
        self._children: dict[str, dict[str, Any]] = {}
        self._temporary = FilePath(tempfile.mkdtemp(prefix="specflow-azureml-"))

    def close(self) -> None:
        """Let go of connections."""
        shutil.rmtree(self._temporary, ignore_errors=True)

    # Jobs

    def submit(self, job: Submission) -> str:
        """Return the name of the job, which is the submission's key: submitted twice it is one job."""
        document = yaml.safe_load((job.folder / "pipeline.yml").read_text(encoding="utf-8"))
        given = with_given(
            document, job.native, job.inputs, self._arrived(job), {"id": job.run, "date": _date(job.run)}
        )
        given = dict(run_afresh(given, job.native, job.afresh, job.key))
        if job.tags:
            given["tags"] = {**(given.get("tags") or {}), **job.tags}
        given = sent_whole(given, job.folder, self._temporary)
        self._provide(given)
        self._put(given, job)
        return job.key

    def _put(self, document: Mapping[str, Any], job: Submission) -> None:
        text = yaml_text(document)  # PyYAML may write a raw U+0085, which the SDK's reader takes for something else

        def put() -> None:
            made = client.loaded("job", text, job.folder)  # afresh each time: what was sent once has changed
            made.name = job.key
            self.ml.jobs.create_or_update(made)

        try:
            patiently(put)
        except TakenError:
            if self.find(job.key, job.name) is None:
                raise

    def _arrived(self, job: Submission) -> dict[str, str]:
        """Return where what steps elsewhere left lies: their records written here, to be sent along."""
        found = {}
        for step, record in job.arrivals.get("records", {}).items():
            folder = self._temporary / "records" / step
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
            found[f"record__{step}"] = str(folder)
        for place, address in job.arrivals.get("paths", {}).items():
            step, _, port = place.rpartition(".")
            found[f"{step}__{port}"] = str(address)
        for name, kind in job.native["arrivals"].items():
            if name not in found:
                found[name] = self._nothing(name, kind)
        return found

    def _nothing(self, name: str, kind: str) -> str:
        """Return something to mount in place of an output that is absent: launchers go by its step's record."""
        place = self._temporary / "absent" / name
        place.mkdir(parents=True, exist_ok=True)
        (place / ABSENT_FILE).touch()
        return str(place / ABSENT_FILE if kind == "uri_file" else place)

    def _provide(self, document: Mapping[str, Any]) -> None:
        """Raise where the workspace lacks a compute that is named; an emulator is told to have all that is."""
        loopback = self.settings.get("loopback")
        if loopback:
            loopback["provide"](document)
            return
        named = {str(node.get("compute") or "") for node in document["jobs"].values()}
        named.add(str(document.get("settings", {}).get("default_compute") or ""))
        for name in sorted(name.removeprefix("azureml:") for name in named if name and name != "serverless"):
            try:
                patiently(partial(self.ml.compute.get, name))
            except MissingError as failure:
                message = f'the workspace "{self.settings["workspace"]}" has no compute "{name}"'
                raise UnreachableError(message, "bind another one in the profile, under `computes`") from failure

    def find(self, key: str, name: str) -> str | None:
        """Return the name of the job with this key, None if there is none."""
        del name
        try:
            patiently(lambda: self.ml.jobs._get_job(key))
        except MissingError:
            return None
        return key

    def status(self, job: str) -> Status:
        """Return how a job stands, with the states of its nodes."""
        rest = patiently(lambda: self.ml.jobs._get_job(job)).properties
        self._nodes[job] = dict(rest.jobs or {})
        names = {str(node.get("display_name") or name): name for name, node in self._nodes[job].items()}
        children = patiently(lambda: list(self.ml.jobs._runs_operations.get_run_children(job)))
        self._children[job] = {names[child.display_name]: child for child in children if child.display_name in names}
        state = job_state(word(rest.status))
        url = str(rest.services["Studio"].endpoint) if rest.services and "Studio" in rest.services else ""
        steps = {name: self._step(job, child, state, url) for name, child in self._children[job].items()}
        steps = {name: self._with_record(job, name, steps) for name in steps}
        message = self._message(job) if state == "failed" else ""
        return Status(state, url, steps, message, self._registered(rest) if state == "succeeded" else {})

    def _step(self, job: str, child: Any, job_ends: ForeignState, url: str) -> StepStatus:
        status = word(child.status)
        details = self._details(child.name) if status in ("Canceled", "Failed") else None
        has_begun = details is None or details.start_time_utc is not None
        state = child_status(status, job_ends, has_begun=has_begun)
        message = error_text(details) if status == "Failed" else ""
        return StepStatus(state, 1, url.replace(job, child.name), message)

    def _with_record(self, job: str, name: str, steps: Mapping[str, StepStatus]) -> StepStatus:
        """Return how a step stands: a native one that ended well has ended once what it left is taken down."""
        own = steps[name]
        if own.state != "succeeded" or f"{name}{RECORD}" not in self._nodes[job]:
            return own
        behind = steps.get(f"{name}{RECORD}")
        if behind is None or behind.state in ("waiting", "running"):
            return replace(own, state="running")
        return replace(own, state=behind.state, message=behind.message)

    def _details(self, run: str) -> Any:
        return patiently(lambda: self.ml.jobs._runs_operations.get_run_details(run))

    def _message(self, job: str) -> str:
        return error_text(self._details(job))

    def _registered(self, rest: Any) -> dict[str, str]:
        """Return the assets of a job that succeeded; a version that Azure chose is the newest of its name."""
        found = {}
        for name, output in (rest.outputs or {}).items():
            asset = getattr(output, "asset_name", None)
            if asset:
                version = getattr(output, "asset_version", None) or self._newest(asset, word(output.job_output_type))
                found[name] = f"{asset}:{version}"
        return found

    def _newest(self, asset: str, kind: str) -> str:
        """Return the newest version of a registered output. A job tells no version that it was not told: unverified."""
        holder = self.ml.models if kind.endswith("_model") else self.ml.data
        versions = patiently(lambda: [str(each.version) for each in holder.list(name=asset)])
        return max(versions, key=lambda version: (version.isdecimal(), int(version) if version.isdecimal() else 0))

    def log(self, job: str, step: str) -> str:
        """Return what a node has written so far; of several processes, one after the other.

        A native step's record is in the log behind it. One without outputs has none, and is told of here.
        """
        child = self._child(job, step)
        text = self._log(job, step)
        if f"{step}{RECORD}" in self._nodes[job]:
            return text + self._log(job, f"{step}{RECORD}")
        if self._nodes[job].get(step, {}).get("outputs") or child is None or word(child.status) != "Completed":
            return text
        record = new_record(step, str(child.display_name), Outcome("succeeded"), {})
        return f"{text}\n{line_of({**record, 'attempts': 1})}\n"

    def _log(self, job: str, step: str) -> str:
        child = self._child(job, step)
        if child is None:
            return ""
        logs = self._details(child.name).log_files or {}
        names = sorted(name for name in logs if name.startswith(_LOGS))
        return "".join(patiently(partial(client.read_url, logs[name])) for name in names)

    def _child(self, job: str, step: str) -> Any:
        if step not in self._children.get(job, {}):
            self.status(job)
        return self._children[job].get(step)

    def cancel(self, job: str) -> None:
        """Ask Azure ML to end a job; one that has ended stays as it is."""
        if self.status(job).state in ("waiting", "running"):
            patiently(lambda: self.ml.jobs.begin_cancel(job))

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Return False: a job of Azure ML that has ended stays so. A new one reuses the nodes that succeeded."""
        del job, steps
        return False

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: FilePath) -> FilePath:
        """Return a step's output on this machine, under the name that its record says."""
        place = folder / str(record["outputs"][port]["name"])
        arriving = FilePath(tempfile.mkdtemp(dir=self._temporary))
        for uri in self._places(job, step, port, record):
            if self._download(uri, arriving):
                _settle(arriving, place, is_file=not uri.endswith("/"))
                return place
        raise UnreachableError(f'the output "{port}" of "{step}" is nowhere in the workspace', "run the pipeline anew")

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where an output lies: `azureml://datastores/<name>/paths/…`."""
        return _short(next(self._places(job, step, port, record)).rstrip("/"))

    def _places(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> Iterator[str]:
        """Yield where an output may lie; of a step elsewhere its record knows."""
        path = str(record["outputs"][port]["path"])
        if path.startswith("azureml://"):
            yield path
            return
        child = self._child(job, step)
        owner = (child.properties or {}).get("azureml.reusedrunid") or child.name
        yield from self._uris(job, step, port, owner)

    def _uris(self, job: str, step: str, port: str, owner: str) -> Iterator[str]:
        """Yield where an output may lie: where the run history says, else where Azure's documentation says.

        The SDK can't ask for the address of a model (facts: `BatchGetResolvedUrisDto`), so that one is a guess.
        """
        given = str(self._nodes[job][step].get("outputs", {}).get(port, {}).get("uri") or "")
        if given:
            yield given.replace("${{name}}", owner)
            return
        metadata = patiently(lambda: self.ml.jobs._runs_operations.get_run_data(owner)).run_metadata
        kind = str(metadata.outputs[port].type) if port in (metadata.outputs or {}) else ""
        if "model" not in kind.lower():
            yield from patiently(lambda: self.ml.jobs._get_named_output_uri(owner, port)).values()
            return
        output = self._nodes[job][step].get("outputs", {}).get(port, {})
        store = f"azureml://datastores/{_DEFAULT_STORE}/paths/azureml"
        bound = str(output.get("value", "")).removeprefix("${{parent.outputs.").removesuffix("}}")
        if bound:
            yield f"{store}/{metadata.root_run_id}/{bound}/"
        yield f"{store}/{owner}/{port}/"

    def _download(self, uri: str, place: FilePath) -> bool:
        """Return whether there was anything at an address."""
        patiently(lambda: client.download(self.ml, uri, place))
        return any(place.iterdir())

    # What stays

    def deploy(self, name: str, folder: FilePath, native: Mapping[str, Any], digest: str) -> Deployment:
        """Install the pipeline as a component, with its schedule, or bring both up to date."""
        from specflow.targets.azureml.deploys import deploy

        return deploy(self.ml, self._provide, name, folder, native, digest)

    def publish(self, folder: FilePath, native: Mapping[str, Any], digest: str) -> str:
        """Make a pipeline callable over REST, and return the call to make."""
        from specflow.targets.azureml.publish import call_of, publish

        return call_of(publish(self.ml, self._provide, folder, native, digest), native)

    def undeploy(self, name: str) -> bool:
        """Remove what `deploy` installed; return whether there was anything."""
        from specflow.targets.azureml.deploys import undeploy

        return undeploy(self.ml, name)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return what `deploy` has installed in the workspace."""
        from specflow.targets.azureml.deploys import deployments

        return deployments(self.ml)


def _date(run: str) -> str:
    return f"{run[:4]}-{run[4:6]}-{run[6:8]}" if run[:8].isdecimal() else ""


def _short(uri: str) -> str:
    """Return an address without the workspace in it."""
    head, found, rest = uri.partition("/datastores/")
    return f"azureml://datastores/{rest}" if found and head.startswith("azureml:") else uri


def _settle(arriving: FilePath, place: FilePath, *, is_file: bool) -> None:
    """Put what was downloaded into its place: the one file, or the folder."""
    if place.is_dir():
        shutil.rmtree(place)
    files = [path for path in arriving.rglob("*") if path.is_file()]
    if is_file and len(files) == 1:
        shutil.move(files[0], place)
    else:
        shutil.move(arriving, place)
