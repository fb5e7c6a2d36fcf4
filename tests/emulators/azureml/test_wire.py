"""The wire: who may ask what, what a flaky service does to the SDK, and where paths may not lead."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import Fault
from specflow.targets.azureml.emulator import Assumptions
from tests.emulators.azureml.conftest import Cloud, command

WORK: dict[str, Any] = {"jobs": {"work": command("true")}}


def test_a_request_without_api_version_is_refused(cloud: Cloud) -> None:
    status, answer = cloud.http("GET", "computes/cpu", version=False)

    assert (status, answer["error"]["code"]) == (400, "MissingApiVersionParameter")


@pytest.mark.parametrize(
    "headers", [{"Authorization": ""}, {"Authorization": "Bearer odd"}, {"Authorization": "Basic x"}]
)
@pytest.mark.parametrize("path", ["computes/cpu", "/history/v1.0/x", "/_emulator/faults"])
def test_a_request_without_the_token_is_refused(cloud: Cloud, headers: dict[str, str], path: str) -> None:
    status, answer = cloud.http("GET", path, headers=headers)

    assert status in {401, 404}  # what there isn't may be told to anyone
    assert "value" not in answer
    if path == "computes/cpu":
        assert (status, answer["error"]["code"]) == (401, "InvalidAuthenticationToken")


def test_another_host_is_refused(cloud: Cloud) -> None:
    assert cloud.http("GET", "computes/cpu", headers={"Host": "evil.example"})[0] == 421


def test_only_loopback_is_listened_on(cloud: Cloud) -> None:
    assert cloud.emulator.server._http.server_address[0] == "127.0.0.1"


def test_another_workspace_is_not_there(cloud: Cloud) -> None:
    other = cloud.emulator.workspace.id.replace("workspaces/emulated", "workspaces/other")

    assert cloud.http("GET", f"{other}/computes/cpu")[0] == 404


def test_what_there_is_not_is_told_as_azure_does(cloud: Cloud) -> None:
    status, answer = cloud.http("GET", "computes/gone")

    assert status == 404
    assert answer == {
        "error": {
            "code": "ResourceNotFound",
            "message": 'computes "gone" does not exist',
            "target": "computes",
            "details": [],
            "additionalInfo": [{"type": "ComponentName", "info": {"value": "emulator"}}],
        }
    }


@pytest.mark.parametrize(
    "fault",
    [
        Fault("throttle", every=2, seconds=0.01, include="PUT *"),
        Fault("unavailable", every=3),
        Fault("reset", every=4, include="PUT */jobs/*", handled=True, times=1),
        Fault("unavailable", every=1, times=2, include="PUT */jobs/*", handled=True),
    ],
    ids=["throttled", "unavailable", "answer lost", "answer replaced"],
)
def test_one_job_comes_of_one_submission_whatever_happens_on_the_way(
    make_cloud: Callable[..., Cloud], fault: Fault
) -> None:
    cloud = make_cloud(faults=(fault,))
    name = cloud.submit(WORK)
    cloud.emulator.faults.set(())
    cloud.wait(name)

    assert [each["name"] for each in cloud.http("GET", "jobs")[1]["value"]] == [name]


def test_an_expired_token_reaches_the_client_as_such(make_cloud: Callable[..., Cloud]) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    cloud = make_cloud(faults=(Fault("expired", every=1, include="PUT */jobs/*"),))
    with pytest.raises(ClientAuthenticationError):
        cloud.submit(WORK)

    assert cloud.http("GET", "jobs")[1]["value"] == []


@pytest.mark.parametrize(("returns", "expected"), [(True, 200), (False, 409)])
def test_a_repeated_put_of_a_job(make_cloud: Callable[..., Cloud], returns: bool, expected: int) -> None:
    cloud = make_cloud(Assumptions(repeated_job_put_returns_the_job=returns))
    name = cloud.run(WORK)
    body = cloud.emulator.service.state.get("jobs", name)
    other = {**body, "settings": {"force_rerun": True}}

    assert cloud.http("PUT", f"jobs/{name}", {"properties": body})[0] == expected
    assert cloud.http("PUT", f"jobs/{name}", {"properties": other})[0] == 409
    assert len(cloud.http("GET", "jobs")[1]["value"]) == 1


def test_metadata_of_a_job_can_be_changed(cloud: Cloud) -> None:
    name = cloud.run(WORK)
    cloud.client.jobs.update(name, display_name="told", tags={"a": "b"})
    cloud.client.jobs.archive(name)

    job = cloud.client.jobs.get(name)
    assert (job.display_name, job.tags) == ("told", {"a": "b"})
    assert list(cloud.client.jobs.list()) == []


def test_code_of_the_same_content_is_uploaded_once(cloud: Cloud) -> None:
    cloud.write("src/main.py", "print(1)")
    pipeline = {"jobs": {"work": command("python main.py", code="./src")}}
    first, second = cloud.run(pipeline), cloud.run(pipeline)

    uploads = [each for each in cloud.emulator.server.log.entries() if each.path.endswith("startPendingUpload")]
    assert len(uploads) == 1
    assert cloud.children(second)["work"].properties["azureml.reusedrunid"] == cloud.children(first)["work"].name


def test_data_from_a_local_folder_is_uploaded(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS
    from azure.ai.ml.entities import Data

    monkeypatch.setitem(STORAGE_ACCOUNT_URLS, "AzureBlob", f"{cloud.emulator.url}/blobs")
    cloud.write("data/a.txt", "uploaded")
    data = Data(name="local", version="1", path=str(cloud.folder / "data"), type="uri_folder")
    cloud.client.data.create_or_update(data)
    source = {"type": "uri_folder", "path": "azureml:local@latest"}
    name = cloud.run({"jobs": {"read": command("cat ${{inputs.a}}/a.txt", inputs={"a": source})}})

    assert cloud.log(name, "read") == "uploaded"


def raw(cloud: Cloud, method: str, path: str, body: bytes | None = None) -> int:
    """Send a path just as it is, without a token; return the status."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.emulator.server.port)
    connection.putrequest(method, path)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def test_containers_open_to_their_signature_alone(cloud: Cloud) -> None:
    storage = cloud.emulator.service.storage
    store, upload = storage.datastore("main"), storage.add_upload()
    (store.folder / "a.txt").write_text("secret")

    assert raw(cloud, "GET", f"/blobs/{store.name}/a.txt?sig={store.reader}") == 200
    assert raw(cloud, "GET", f"/blobs/{store.name}/a.txt") == 403
    assert raw(cloud, "GET", f"/blobs/{store.name}/a.txt?sig={upload.writer}") == 403
    assert raw(cloud, "PUT", f"/blobs/{store.name}/a.txt?sig={store.reader}", b"x") == 403
    assert raw(cloud, "GET", f"/blobs/{store.name}?restype=container&comp=list") == 403
    assert raw(cloud, "GET", "/blobs/main/a.txt") == 403
    assert len({store.reader, store.writer, upload.reader, upload.writer, upload.name}) == 5


@pytest.mark.parametrize("path", ["../a", "%2e%2e/a", "x/..%2f..%2fa", "..%5ca", "a%00b", "link/passwd"])
def test_blobs_stay_in_their_container(cloud: Cloud, path: str) -> None:
    container = cloud.emulator.service.storage.datastore("main")
    (container.folder / "link").symlink_to("/etc")

    assert raw(cloud, "GET", f"/blobs/{container.name}/{path}?sig={container.writer}") in {400, 404}
    assert raw(cloud, "PUT", f"/blobs/{container.name}/{path}?sig={container.writer}", b"x") in {400, 404}
    listing = f"/blobs/{container.name}?restype=container&comp=list&sig={container.writer}"
    assert raw(cloud, "GET", listing) == 200
    assert not (cloud.emulator.service.root / "a").exists()


@pytest.mark.parametrize(
    "uri",
    ["azureml://datastores/main/paths/../../token", "file:///etc/passwd", "https://example.com/a", "abfss://a@b/c"],
)
def test_data_lies_in_a_datastore(cloud: Cloud, uri: str) -> None:
    # The first is in a datastore that exists, so that it is the mount that refuses it.
    name = ""
    status, answer = cloud.http("PUT", "data/odd/versions/1", {"properties": {"dataUri": uri, "dataType": "uri_file"}})
    if status == 201:
        source = {"type": "uri_file", "path": "azureml:odd:1"}
        name = cloud.run({"jobs": {"read": command("cat ${{inputs.a}}", inputs={"a": source})}})
        assert cloud.states(name) == {"read": "Failed"}
    else:
        assert (status, answer["error"]["details"][0]["target"]) == (400, "properties.dataUri")
    assert bool(name) == uri.startswith("azureml:")


def test_an_output_may_not_be_written_outside(cloud: Cloud) -> None:
    out = {"type": "uri_folder", "path": "azureml://datastores/main/paths/../../../out/"}
    name = cloud.run({"jobs": {"write": command("echo x > ${{outputs.out}}/a", outputs={"out": out})}})

    assert cloud.states(name) == {"write": "Failed"}
    assert not (Path(cloud.emulator.service.root).parent / "out").exists()
