"""Azure ML's own SDK behind the questions of `specflow.targets.base.Client`: the only module that names it.

What is read off the SDK's source rather than its documentation is marked so; azure-ai-ml 1.35.2, nothing tried live.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any, TypeVar

import yaml

from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.azureml.given import with_given
from specflow.targets.azureml.states import child_status, job_state
from specflow.targets.base import Deployment, Status, StepStatus, Submission

__all__ = ["AzureClient"]

T = TypeVar("T")

PATIENCE = 8
"""How often a request is repeated that was throttled, lost, or met a fault of the service; the SDK's own tries beside."""
_WORKSPACE = ("subscription_id", "resource_group", "workspace")
_DEFAULT_STORE = "workspaceblobstore"
_lock = threading.Lock()


class AzureClient:
    """A client for one workspace."""

    def __init__(self, settings: Mapping[str, Any], sleep: Callable[[float], None] = time.sleep) -> None:
        """Connect to the workspace that the settings name, or to the emulator that they lead to."""
        missing = [name for name in _WORKSPACE if not settings.get(name)]
        if missing:
            help_ = "add to specflow.yaml: targets: {azureml: {subscription_id: …, resource_group: …, workspace: …}}"
            raise UnreachableError(
                f"the profile does not say which workspace of Azure ML: no {', '.join(missing)}", help_
            )
        self.settings, self.sleep = settings, sleep
        self.ml = _ml_client(settings)
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
        if job.tags:
            given["tags"] = {**(given.get("tags") or {}), **job.tags}
        self._provide(given)
        self._patiently(lambda: self._put(given, job))
        return job.key

    def _put(self, document: Mapping[str, Any], job: Submission) -> None:
        from azure.core.exceptions import ResourceExistsError

        try:
            self.ml.jobs.create_or_update(self._loaded(document, job.folder, job.key))
        except ResourceExistsError:
            if self.find(job.key, job.name) is None:
                raise

    def _loaded(self, document: Mapping[str, Any], folder: FilePath, name: str) -> Any:
        """Return a fresh job; one that was sent before must not be sent again (facts: a "hotfix" of the SDK)."""
        from azure.ai.ml import load_job

        text = io.StringIO(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True))
        job = load_job(text, relative_origin=str(folder / "pipeline.yml"))
        job.name = name
        return job

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
        return found

    def _provide(self, document: Mapping[str, Any]) -> None:
        """Raise where the workspace lacks a compute that is named; an emulator is told to have all that is."""
        loopback = self.settings.get("loopback")
        if loopback:
            loopback["provide"](document)
            return
        from azure.core.exceptions import ResourceNotFoundError

        named = {str(node.get("compute") or "") for node in document["jobs"].values()}
        named.add(str(document.get("settings", {}).get("default_compute") or ""))
        for name in sorted(name.removeprefix("azureml:") for name in named if name and name != "serverless"):
            try:
                self._patiently(lambda name=name: self.ml.compute.get(name))  # type: ignore[misc]
            except ResourceNotFoundError as failure:
                message = f'the workspace "{self.settings["workspace"]}" has no compute "{name}"'
                raise UnreachableError(message, "bind another one in the profile, under `computes`") from failure

    def find(self, key: str, name: str) -> str | None:
        """Return the name of the job with this key, None if there is none."""
        from azure.core.exceptions import ResourceNotFoundError

        del name
        try:
            self._patiently(lambda: self.ml.jobs._get_job(key))
        except ResourceNotFoundError:
            return None
        return key

    def status(self, job: str) -> Status:
        """Return how a job stands, with the states of its nodes."""
        rest = self._patiently(lambda: self.ml.jobs._get_job(job)).properties
        self._nodes[job] = dict(rest.jobs or {})
        names = {str(node.get("display_name") or name): name for name, node in self._nodes[job].items()}
        children = self._patiently(lambda: list(self.ml.jobs._runs_operations.get_run_children(job)))
        self._children[job] = {names[child.display_name]: child for child in children if child.display_name in names}
        state = job_state(_word(rest.status))
        url = str(rest.services["Studio"].endpoint) if rest.services and "Studio" in rest.services else ""
        steps = {name: self._step(job, child, state, url) for name, child in self._children[job].items()}
        message = self._message(job) if state == "failed" else ""
        return Status(state, url, steps, message, self._registered(rest) if state == "succeeded" else {})

    def _step(self, job: str, child: Any, job_ends: str, url: str) -> StepStatus:
        status = _word(child.status)
        details = self._details(child.name) if status in ("Canceled", "Failed") else None
        has_begun = details is None or details.start_time_utc is not None
        state = child_status(status, job_ends, has_begun=has_begun)
        message = _error_text(details) if status == "Failed" else ""
        return StepStatus(state, 1, url.replace(job, child.name), message)

    def _details(self, run: str) -> Any:
        return self._patiently(lambda: self.ml.jobs._runs_operations.get_run_details(run))

    def _message(self, job: str) -> str:
        return _error_text(self._details(job))

    def _registered(self, rest: Any) -> dict[str, str]:
        """Return the assets of a job that succeeded; a version that Azure chose is the newest of its name."""
        found = {}
        for name, output in (rest.outputs or {}).items():
            asset = getattr(output, "asset_name", None)
            if asset:
                version = getattr(output, "asset_version", None) or self._newest(asset, _word(output.job_output_type))
                found[name] = f"{asset}:{version}"
        return found

    def _newest(self, asset: str, kind: str) -> str:
        """Return the newest version of a registered output. A job tells no version that it was not told: unverified."""
        holder = self.ml.models if kind.endswith("_model") else self.ml.data
        versions = self._patiently(lambda: [str(each.version) for each in holder.list(name=asset)])
        return max(versions, key=lambda version: (version.isdecimal(), int(version) if version.isdecimal() else 0))

    def log(self, job: str, step: str) -> str:
        """Return what a node has written so far; of several processes, one after the other."""
        child = self._child(job, step)
        if child is None:
            return ""
        logs = self._details(child.name).log_files or {}
        names = sorted(name for name in logs if name.startswith("user_logs/std_log"))
        return "".join(self._text(logs[name]) for name in names)

    def _text(self, url: str) -> str:
        """Return a log by its signed address; empty where it is not there yet."""

        def read() -> str:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - given by the workspace
                return str(answer.read().decode("utf-8", "replace"))

        try:
            return self._patiently(read)
        except urllib.error.HTTPError:
            return ""

    def _child(self, job: str, step: str) -> Any:
        if step not in self._children.get(job, {}):
            self.status(job)
        return self._children[job].get(step)

    def cancel(self, job: str) -> None:
        """Ask Azure ML to end a job; one that has ended stays as it is."""
        if self.status(job).state in ("waiting", "running"):
            self._patiently(lambda: self.ml.jobs.begin_cancel(job))

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Return False: a job of Azure ML that has ended stays so. A new one reuses the nodes that succeeded."""
        del job, steps
        return False

    def fetch(self, job: str, step: str, port: str, record: Mapping[str, Any], folder: FilePath) -> FilePath:
        """Return a step's output on this machine, under the name that its record says."""
        child = self._child(job, step)
        owner = (child.properties or {}).get("azureml.reusedrunid") or child.name
        place = folder / str(record["outputs"][port]["name"])
        arriving = FilePath(tempfile.mkdtemp(dir=self._temporary))
        for uri in self._uris(job, step, port, owner):
            if self._download(uri, arriving):
                _settle(arriving, place, is_file=not uri.endswith("/"))
                return place
        raise UnreachableError(f'the output "{port}" of "{step}" is nowhere in the workspace', "run the pipeline anew")

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where an output lies: `azureml://datastores/<name>/paths/…`."""
        del record
        child = self._child(job, step)
        owner = (child.properties or {}).get("azureml.reusedrunid") or child.name
        return _short(next(self._uris(job, step, port, owner)).rstrip("/"))

    def _uris(self, job: str, step: str, port: str, owner: str) -> Iterator[str]:
        """Yield where an output may lie: where the run history says, else where Azure's documentation says.

        The SDK can't ask for the address of a model (facts: `BatchGetResolvedUrisDto`), so that one is a guess.
        """
        given = str(self._nodes[job][step].get("outputs", {}).get(port, {}).get("uri") or "")
        if given:
            yield given.replace("${{name}}", owner)
            return
        metadata = self._patiently(lambda: self.ml.jobs._runs_operations.get_run_data(owner)).run_metadata
        kind = str(metadata.outputs[port].type) if port in (metadata.outputs or {}) else ""
        if "model" not in kind.lower():
            yield from self._patiently(lambda: self.ml.jobs._get_named_output_uri(owner, port)).values()
            return
        output = self._nodes[job][step].get("outputs", {}).get(port, {})
        store = f"azureml://datastores/{_DEFAULT_STORE}/paths/azureml"
        bound = str(output.get("value", "")).removeprefix("${{parent.outputs.").removesuffix("}}")
        if bound:
            yield f"{store}/{metadata.root_run_id}/{bound}/"
        yield f"{store}/{owner}/{port}/"

    def _download(self, uri: str, place: FilePath) -> bool:
        """Return whether there was anything at an address."""
        from azure.ai.ml._artifacts._artifact_utilities import download_artifact_from_aml_uri

        self._patiently(
            lambda: download_artifact_from_aml_uri(
                uri=uri, destination=str(place), datastore_operation=self.ml.datastores
            )
        )
        return any(place.iterdir())

    def address(self, job: str, step: str, port: str, record: Mapping[str, Any]) -> str:
        """Return where a step's output lies, as Azure ML writes it within a workspace."""
        del record
        child = self._child(job, step)
        owner = (child.properties or {}).get("azureml.reusedrunid") or child.name
        uri = next(self._uris(job, step, port, owner), "")
        _, within, rest = uri.partition("/datastores/")
        return f"azureml://datastores/{rest.rstrip('/')}" if within else uri

    # What stays

    def deploy(self, name: str, folder: FilePath, native: Mapping[str, Any], digest: str) -> Deployment:
        """Install the pipeline as a component, and its schedule."""
        from specflow.targets.azureml.deploy import deploy

        return deploy(self, name, folder, native, digest)

    def undeploy(self, name: str) -> bool:
        """Remove what `deploy` installed; return whether there was anything."""
        from specflow.targets.azureml.deploy import undeploy

        return undeploy(self, name)

    def deployments(self) -> tuple[Deployment, ...]:
        """Return what `deploy` has installed in the workspace."""
        from specflow.targets.azureml.deploy import deployments

        return deployments(self)

    # Patience

    def _patiently(self, call: Callable[[], T]) -> T:
        """Return what a call returns, repeated while it meets what passes; what does not pass is told in our words."""
        for number in range(PATIENCE):
            try:
                with _in_our_words(self.settings):
                    return call()
            except _Passing as failure:
                if number == PATIENCE - 1:
                    raise UnreachableError(failure.message, failure.help) from failure
                self.sleep(failure.after_s or min(0.2 * 2**number, 20.0))
        raise AssertionError


class _Passing(UnreachableError):
    """What may be gone at the next try: throttling, a lost connection, a fault of the service."""

    def __init__(self, message: str, help: str = "", after_s: float = 0.0) -> None:  # noqa: A002
        super().__init__(message, help)
        self.after_s = after_s


@contextmanager
def _in_our_words(settings: Mapping[str, Any]) -> Iterator[None]:
    """Raise UnreachableError and SpecflowError for the SDK's exceptions, told apart by type and status."""
    from azure.ai.ml.exceptions import MlException
    from azure.core import exceptions as core

    try:
        yield
    except core.ResourceNotFoundError:
        raise
    except core.ResourceExistsError:
        raise
    except core.ClientAuthenticationError as failure:
        message = f"Azure does not take us for anybody: {_first_line(failure)}"
        raise UnreachableError(message, "log in with `az login`, or set AZURE_CLIENT_ID and its like") from failure
    except core.HttpResponseError as failure:
        raise _of_status(failure, settings) from failure
    except (core.ServiceRequestError, core.ServiceResponseError) as failure:
        raise _Passing(f"Azure ML did not answer: {_first_line(failure)}", "is there a network?") from failure
    except urllib.error.HTTPError as failure:
        if failure.code not in (429, 500, 502, 503):
            raise
        raise _Passing("the storage of Azure ML is busy", "try again later") from failure
    except (ConnectionError, TimeoutError, urllib.error.URLError) as failure:
        raise _Passing(f"Azure ML did not answer: {_first_line(failure)}", "is there a network?") from failure
    except MlException as failure:
        raise SpecflowError(f"Azure ML's SDK refuses the job: {_first_line(failure)}") from failure


def _of_status(failure: Any, settings: Mapping[str, Any]) -> SpecflowError:
    status = failure.status_code or 0
    if status == 429 or status >= 500:
        what = "throttles us" if status == 429 else f"has a fault ({status})"
        return _Passing(f"Azure ML {what}", "try again later", _retry_after(failure))
    if status == 403:
        message = f'you may not do this in the workspace "{settings["workspace"]}"'
        return UnreachableError(message, "ask for the role AzureML Data Scientist")
    codes = {str(detail.code) for detail in (getattr(failure.error, "details", None) or ())}
    codes.add(str(getattr(failure.error, "code", "")))
    if any("Quota" in code for code in codes):
        return UnreachableError(f"a quota of the subscription is used up: {_first_line(failure)}", "ask for more")
    return SpecflowError(f"Azure ML refuses the job: {_told(failure)}")


def _told(failure: Any) -> str:
    """Return what the service said, each detail with its place."""
    details = getattr(failure.error, "details", None) or ()
    said = [f"{detail.target}: {detail.message}" if detail.target else str(detail.message) for detail in details]
    return "; ".join(said) if said else _first_line(failure)


def _retry_after(failure: Any) -> float:
    text = failure.response.headers.get("Retry-After", "") if failure.response is not None else ""
    try:
        return min(float(text), 60.0)
    except ValueError:
        return 0.0


def _first_line(failure: BaseException) -> str:
    lines = str(getattr(failure, "message", None) or failure).strip().splitlines()
    return lines[0] if lines else type(failure).__name__


def _word(value: Any) -> str:
    """Return an enumeration's member as it is on the wire."""
    return str(getattr(value, "value", value))


def _error_text(details: Any) -> str:
    error = getattr(details, "error", None)
    inner = getattr(error, "error", None)
    return str(getattr(inner, "message", "") or "")


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


def _ml_client(settings: Mapping[str, Any]) -> Any:
    """Return an MLClient, silent and without telemetry."""
    try:
        _silence()
        from azure.ai.ml import MLClient
    except ImportError as failure:
        raise UnreachableError("Azure ML needs its SDK", 'pip install "specflow[azureml]"') from failure
    where = [settings[name] for name in _WORKSPACE]
    quiet = {"enable_telemetry": False, "show_progress": False}
    loopback = settings.get("loopback")
    if loopback:
        return _loopback_client(loopback["url"], loopback["token"], where, quiet)
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), *where, **quiet)


def _silence() -> None:
    """Keep the SDK's notes of experimental classes, its progress lines and its warnings off the terminal."""
    import logging
    import warnings

    logging.getLogger("azure").setLevel(logging.CRITICAL)
    logging.getLogger("azure.ai.ml._utils._experimental").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from azure.ai.ml import _artifacts  # noqa: F401
        from azure.ai.ml._artifacts import _blob_storage_helper, _gen2_storage_helper
    for module in (_blob_storage_helper, _gen2_storage_helper):
        module.print = _say_nothing
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("azure"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _say_nothing(*_: object, **__: object) -> None:
    """Stand in for `print` in modules of the SDK that print whatever `show_progress` says."""


def _loopback_client(url: str, token: str, where: list[str], quiet: Mapping[str, bool]) -> Any:
    """Return an MLClient for an emulator: a policy of its own in place of the bearer policy, which insists on https."""
    import jwt
    from azure.ai.ml import MLClient
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Bearer(SansIOHTTPPolicy):  # type: ignore[misc]
        def on_request(self, request: Any) -> None:
            request.context.options.pop("enforce_https", None)
            request.http_request.headers["Authorization"] = f"Bearer {token}"

    class Credential:
        def get_token(self, *scopes: str, **_: Any) -> Any:
            expires = int(time.time()) + 3600
            claims = {"aud": scopes[0].rsplit("/.default", 1)[0], "exp": expires, "tid": "t", "oid": "o"}
            return AccessToken(jwt.encode(claims, token, algorithm="HS256"), expires)

    with _lock:
        before = os.environ.get("AZUREML_DEV_URL_MFE")
        os.environ["AZUREML_DEV_URL_MFE"] = url  # read when the client is made
        try:
            client = MLClient(Credential(), *where, authentication_policy=Bearer(), **quiet)
        finally:
            if before is None:
                del os.environ["AZUREML_DEV_URL_MFE"]
            else:
                os.environ["AZUREML_DEV_URL_MFE"] = before
        STORAGE_ACCOUNT_URLS["AzureBlob"] = f"{url}/blobs"
    return client
