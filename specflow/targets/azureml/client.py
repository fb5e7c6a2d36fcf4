"""Azure ML's own SDK: the only module that names it, and only inside functions.

What is read off the SDK's source rather than its documentation is marked so; azure-ai-ml 1.35.2, nothing tried live.
"""

from __future__ import annotations

import io
import json
import os
import re
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any, TypeVar

from specflow.errors import SpecflowError, UnreachableError

__all__ = [
    "MissingError",
    "TakenError",
    "connect",
    "download",
    "error_text",
    "loaded",
    "patiently",
    "read_url",
    "storage",
    "word",
]

T = TypeVar("T")

_ADDRESS = re.compile(r"/datastores/([^/]+)/paths/(.+)")
AT_ONCE = 8
"""Blobs that are brought at the same time."""
PATIENCE = 8
"""How often a request is repeated that was throttled, lost, or met a fault; the SDK has tries of its own."""
SETTINGS = ("subscription_id", "resource_group", "workspace")
MOST_OF_AN_ERROR = 300
"""Characters of what the SDK says of one place: it repeats how every kind of asset is named."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_lock = threading.Lock()


class MissingError(SpecflowError):
    """What was asked for is not in the workspace."""


class TakenError(SpecflowError):
    """A name is taken already."""


def connect(settings: Mapping[str, Any]) -> Any:
    """Return an MLClient for the workspace that the settings name, or for an emulator: silent, without telemetry."""
    missing = [name for name in SETTINGS if not settings.get(name)]
    if missing:
        help_ = "add to the profile: targets: {azureml: {subscription_id: …, resource_group: …, workspace: …}}"
        raise UnreachableError(f"the profile does not say which workspace of Azure ML: no {', '.join(missing)}", help_)
    try:
        _silence()
        from azure.ai.ml import MLClient
    except ImportError as failure:
        raise UnreachableError("Azure ML needs its SDK", 'pip install "specflow[azureml]"') from failure
    where = [settings[name] for name in SETTINGS]
    quiet = {"enable_telemetry": False, "show_progress": False}
    loopback = settings.get("loopback")
    if loopback:
        return _loopback_client(loopback["url"], loopback["token"], where, quiet)
    from azure.identity import DefaultAzureCredential

    return MLClient(DefaultAzureCredential(), *where, **quiet)


def loaded(kind: str, text: str, folder: FilePath) -> Any:
    """Return a document as the SDK's own object: of a `job`, `schedule`, `component`, `endpoint` or `deployment`.

    Paths in it start from `folder`. The loaders of schedules and of pipeline deployments are not exported (facts: the
    public one refuses the latter's settings).
    """
    from azure.ai.ml.entities import BatchEndpoint, Job, PipelineComponent, PipelineComponentBatchDeployment
    from azure.ai.ml.entities._load_functions import load_common
    from azure.ai.ml.entities._schedule.schedule import Schedule

    kinds = {"job": Job, "schedule": Schedule, "component": PipelineComponent, "endpoint": BatchEndpoint}
    kinds["deployment"] = PipelineComponentBatchDeployment
    return load_common(kinds[kind], io.StringIO(text), relative_origin=str(folder / f"{kind}.yml"))


def download(ml: Any, uri: str, place: FilePath) -> None:
    """Bring what lies at an address of a datastore into a folder; called again, it goes on where it broke off.

    The SDK's own helper holds each file in memory, one after the other; it is left to what holds no blobs.
    """
    found = _ADDRESS.search(uri)
    container: Any = None
    is_blob = False
    if found is not None:
        container, is_blob = storage(ml, found[1])
    if found is None or not is_blob:
        from azure.ai.ml._artifacts._artifact_utilities import download_artifact_from_aml_uri

        download_artifact_from_aml_uri(uri=uri, destination=str(place), datastore_operation=ml.datastores)
        return
    path = found[2].rstrip("/")
    blobs = container.list_blobs(name_starts_with=path, include=["metadata"])
    wanted = [each for each in blobs if each.name == path or each.name.startswith(f"{path}/")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda blob: _bring(container, blob, path, place), wanted):
            pass


def _bring(container: Any, blob: Any, path: str, place: FilePath) -> None:
    """Write a blob to its place below a folder, whole or not at all; what an earlier try has brought is left."""
    name = blob.name[len(path) :].lstrip("/") or path.rpartition("/")[2]
    target = (place / name).resolve()
    if not target.is_relative_to(place.resolve()):
        raise SpecflowError(f'"{blob.name}" leads out of the folder that it lies in')
    if (blob.metadata or {}).get("hdi_isfolder") == "true":
        target.mkdir(parents=True, exist_ok=True)
        return
    if target.is_file() and target.stat().st_size == blob.size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial")
    with partial.open("wb") as stream:
        container.get_blob_client(blob.name).download_blob().readinto(stream)
    partial.replace(target)


def storage(ml: Any, datastore: str) -> tuple[Any, bool]:
    """Return the SDK's client of a datastore's container, and whether that holds blobs; else it holds files."""
    from azure.ai.ml._artifacts._artifact_utilities import get_datastore_info
    from azure.ai.ml._utils._storage_utils import get_storage_client

    found = get_storage_client(**get_datastore_info(ml.datastores, datastore))
    is_blob = hasattr(found, "container_client")
    return (found.container_client if is_blob else found.file_system_client), is_blob


def read_url(url: str) -> str:
    """Return the text at a signed address that the workspace gave us; empty where there is nothing yet."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - given by the workspace
            return str(answer.read().decode("utf-8", "replace"))
    except urllib.error.HTTPError as failure:
        if failure.code == 404:
            return ""
        raise


def patiently(call: Callable[[], T], sleep: Callable[[float], None] = time.sleep, tries: int = PATIENCE) -> T:
    """Return what a call returns, repeated while it meets what passes; what does not pass is told in our words."""
    for number in range(tries):
        try:
            with _in_our_words():
                return call()
        except _PassingError as failure:
            if number == tries - 1:
                raise UnreachableError(failure.message, failure.help) from failure
            sleep(failure.after_s or min(0.2 * 2**number, 20.0))
    raise AssertionError


class _PassingError(UnreachableError):
    """What may be gone at the next try: throttling, a lost connection, a fault of the service."""

    def __init__(self, message: str, help: str = "", after_s: float = 0.0) -> None:  # noqa: A002
        super().__init__(message, help)
        self.after_s = after_s


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise UnreachableError and SpecflowError for the SDK's exceptions, told apart by type and status."""
    from azure.ai.ml.exceptions import MlException
    from azure.core import exceptions as core
    from marshmallow import ValidationError

    try:
        yield
    except core.ResourceNotFoundError as failure:
        raise MissingError(f"Azure ML does not have it: {_told(failure)}") from failure
    except core.ResourceExistsError as failure:
        raise TakenError(f"Azure ML has it already: {_told(failure)}") from failure
    except core.ClientAuthenticationError as failure:
        message = f"Azure does not take us for anybody: {_first_line(failure)}"
        raise UnreachableError(message, "log in with `az login`, or set AZURE_CLIENT_ID and its like") from failure
    except core.HttpResponseError as failure:
        raise _of_status(failure) from failure
    except (core.ServiceRequestError, core.ServiceResponseError) as failure:
        raise _PassingError(f"Azure ML did not answer: {_first_line(failure)}", "is there a network?") from failure
    except urllib.error.HTTPError as failure:
        if failure.code not in (429, 500, 502, 503):
            raise
        raise _PassingError("the storage of Azure ML is busy", "try again later") from failure
    except (ConnectionError, TimeoutError, urllib.error.URLError) as failure:
        raise _PassingError(f"Azure ML did not answer: {_first_line(failure)}", "is there a network?") from failure
    except ValidationError as failure:
        slip = "in `x-azureml`, or in the profile's computes and environments"
        help_ = f"of a node that misses its `component` a key is misspelt: {slip}"
        raise SpecflowError(f"Azure ML's SDK refuses the job: {_first_line(failure)}", help_) from failure
    except MlException as failure:
        # The SDK wraps what storage said when code or data went up, or outputs came down.
        behind = next((each for each in _behind(failure) if isinstance(each, core.AzureError)), None)
        if isinstance(behind, (core.ServiceRequestError, core.ServiceResponseError)):
            raise _PassingError(
                f"Azure's storage did not answer: {_first_line(behind)}", "is there a network?"
            ) from failure
        if isinstance(behind, core.HttpResponseError) and (behind.status_code or 0) in (403, 429, 500, 502, 503, 504):
            raise _of_status(behind) from failure
        raise SpecflowError(f"Azure ML's SDK refuses the job: {_first_line(failure)}") from failure


def _behind(failure: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that led to one, the nearest first."""
    seen: set[int] = set()
    found = failure.__cause__ or failure.__context__
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _of_status(failure: Any) -> SpecflowError:
    status = failure.status_code or 0
    if status == 429 or status >= 500:
        what = "throttles us" if status == 429 else f"has a fault ({status})"
        return _PassingError(f"Azure ML {what}", "try again later", _retry_after(failure))
    if status == 403:
        message = f"Azure does not let you: {_first_line(failure)}"
        return UnreachableError(message, "ask for the role AzureML Data Scientist on the workspace")
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
    """Return what an exception says in one line: what is wrong at each place, where it holds a list of that."""
    text = _COLOUR.sub("", str(getattr(failure, "message", None) or failure))
    errors = _listed(text)
    if errors:
        return "; ".join(errors)
    return next((line.strip() for line in text.splitlines() if line.strip()), type(failure).__name__)


def _listed(text: str) -> list[str]:
    """Return the errors of the SDK's JSON in a text, each with its path; what is wrong comes before what is missing.

    The SDK tries one form of a node after the other, and says of each what it lacks (facts, §2).
    """
    try:
        found, _ = json.JSONDecoder().raw_decode(text[text.index("{") :])
        errors = sorted(found["errors"], key=lambda each: each.get("value") is None)
        return [f"{each['path']}: {textwrap.shorten(str(each['message']), MOST_OF_AN_ERROR)}" for each in errors]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def word(value: Any) -> str:
    """Return an enumeration's member as it is on the wire."""
    return str(getattr(value, "value", value))


def error_text(details: Any) -> str:
    """Return what the run history says of a run that failed; empty if it says nothing."""
    error = getattr(details, "error", None)
    inner = getattr(error, "error", None)
    return str(getattr(inner, "message", "") or "")


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
        from azure.ai.ml._utils import _asset_utils
    for module in (_blob_storage_helper, _gen2_storage_helper):
        module.print = _say_nothing
    _mend_uploads(_asset_utils, _blob_storage_helper, _gen2_storage_helper)
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("azure"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _mend_uploads(asset_utils: Any, *helpers: Any) -> None:
    """Have the SDK's upload of a folder end when that of a file has failed, with what that raised.

    The SDK asks its threads for it only where it shows progress (azure-ai-ml 1.35.2, `upload_directory`). Else it goes
    on, and waits for ever until as many files are counted as there are: a count that two threads can get wrong, too.
    """
    upload_file, upload_directory = asset_utils.upload_file, asset_utils.upload_directory
    if upload_directory.__module__ == __name__:
        return

    def of_file(*words: Any, storage_client: Any, **options: Any) -> None:
        try:
            upload_file(*words, storage_client=storage_client, **options)
        except Exception as failure:
            storage_client.failure = failure
            raise

    def of_folder(*words: Any, storage_client: Any, **options: Any) -> None:
        storage_client.failure = None
        upload_directory(*words, storage_client=storage_client, **options)  # ends when all of its threads have
        if storage_client.failure is not None:
            raise storage_client.failure
        storage_client.uploaded_file_count = storage_client.total_file_count

    asset_utils.upload_file, asset_utils.upload_directory = of_file, of_folder
    for helper in helpers:
        helper.upload_directory = of_folder


def _say_nothing(*_: object, **__: object) -> None:
    """Stand in for `print` in modules of the SDK that print whatever `show_progress` says."""


def _loopback_client(url: str, token: str, where: list[str], quiet: Mapping[str, bool]) -> Any:
    """Return an MLClient for an emulator: a policy of its own in place of the bearer policy, which insists on https."""
    import jwt
    from azure.ai.ml import MLClient
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import SansIOHTTPPolicy

    class Bearer(SansIOHTTPPolicy):  # type: ignore[misc]  # the base is Any: mypy reads no SDK
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
