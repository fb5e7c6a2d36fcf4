"""Workspace files and volumes through the vendor's client, and paths that try to lead out of them."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.databricks.emulator.server import Emulator
from tests.emulators.databricks.conftest import HOME, VOLUME, Jobs


def test_workspace_files_are_written_read_listed_and_removed(sdk: Any) -> None:
    from databricks.sdk.errors import ResourceDoesNotExist
    from databricks.sdk.service.workspace import ImportFormat

    folder = f"{HOME}/project"
    content = bytes(range(256)) + b"\r\n--x\r\n\r\n"
    sdk.workspace.mkdirs(folder)
    sdk.workspace.upload(f"{folder}/data.bin", io.BytesIO(content), format=ImportFormat.AUTO, overwrite=True)
    sdk.workspace.import_(
        f"{folder}/b.py", content=base64.b64encode(b"print(1)").decode(), format=ImportFormat.AUTO, overwrite=True
    )
    status = sdk.workspace.get_status(f"{folder}/b.py")
    names = sorted(one.path for one in sdk.workspace.list(folder))
    read = sdk.workspace.download(f"{folder}/data.bin").read()
    sdk.workspace.delete(folder, recursive=True)

    assert [f"{folder}/b.py", f"{folder}/data.bin"] == names
    assert ("FILE", 8) == (status.object_type.value, status.size)
    assert content == read
    with pytest.raises(ResourceDoesNotExist, match="doesn't exist"):
        sdk.workspace.get_status(folder)


def test_the_mount_in_front_of_a_path_may_be_left_out(sdk: Any) -> None:
    sdk.workspace.mkdirs("/Users/me")

    assert "DIRECTORY" == sdk.workspace.get_status("/Workspace/Users/me").object_type.value


@pytest.mark.parametrize(
    ("name", "content", "kept", "kind"),
    [
        ("a.py", "print(1)", "a.py", "FILE"),
        ("b.py", "# Databricks notebook source\nprint(1)", "b", "NOTEBOOK"),
        ("c.ipynb", '{"cells": [], "nbformat": 4}', "c", "NOTEBOOK"),
        ("d.sql", "-- Databricks notebook source\nselect 1", "d", "NOTEBOOK"),
        ("e.txt", "# Databricks notebook source", "e.txt", "FILE"),
    ],
)
def test_a_notebook_loses_its_extension(sdk: Any, name: str, content: str, kept: str, kind: str) -> None:
    sdk.workspace.mkdirs(HOME)
    sdk.api_client.do(
        "POST", f"/api/2.0/workspace-files/import-file{HOME}/{name}", query={"overwrite": "true"}, data=content.encode()
    )

    assert kind == sdk.workspace.get_status(f"{HOME}/{kept}").object_type.value


def test_a_file_is_replaced_only_when_it_is_said(sdk: Any) -> None:
    from databricks.sdk.errors import DatabricksError, ResourceAlreadyExists

    path = f"/api/2.0/workspace-files/import-file{HOME}/lock"
    with pytest.raises(DatabricksError, match="The parent folder"):
        sdk.api_client.do("POST", path, data=b"1")
    sdk.workspace.mkdirs(HOME)
    sdk.api_client.do("POST", path, data=b"1")
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        sdk.api_client.do("POST", path, query={"overwrite": "false"}, data=b"2")

    assert b"1" == sdk.workspace.download(f"{HOME}/lock").read()


def test_volumes_hold_files_of_any_size(sdk: Any) -> None:
    from databricks.sdk.errors import NotFound

    content = os.urandom(1 << 20) * 20
    sdk.files.upload(f"{VOLUME}/deep/er/a.bin", io.BytesIO(content), overwrite=True)
    sdk.files.create_directory(f"{VOLUME}/empty")
    entries = [(one.name, one.is_directory) for one in sdk.files.list_directory_contents(VOLUME)]

    assert content == sdk.files.download(f"{VOLUME}/deep/er/a.bin").contents.read()
    assert len(content) == sdk.files.get_metadata(f"{VOLUME}/deep/er/a.bin").content_length
    assert [("deep", True), ("empty", True)] == entries
    sdk.files.delete(f"{VOLUME}/deep/er/a.bin")
    with pytest.raises(NotFound):
        sdk.files.download(f"{VOLUME}/deep/er/a.bin")
    with pytest.raises(NotFound):
        sdk.files.get_metadata(f"{VOLUME}/nothing")


@pytest.mark.parametrize(
    "path",
    ["/Volumes/a/b/c/../../../../x", "/Volumes/a/b/c/./x", "/Volumes/a/b", "/Volumes/a/b/c/%2e%2e/x", "/etc/passwd"],
)
def test_a_path_that_leads_out_of_the_volumes_is_refused(emulator: Emulator, path: str) -> None:
    import http.client

    for method in ("PUT", "GET", "HEAD", "DELETE"):
        connection = http.client.HTTPConnection("127.0.0.1", emulator.server.port)
        headers = {"Authorization": f"Bearer {emulator.token}"}
        connection.request(
            method, f"/api/2.0/fs/files{path}?overwrite=true", b"x" if method == "PUT" else None, headers
        )
        status = connection.getresponse().status
        connection.close()

        assert 400 == status, method


@pytest.mark.parametrize("path", ["/Workspace/../x", "/Users/../../x", "relative", "/a\0b", "/Users/.."])
def test_a_path_that_leads_out_of_the_workspace_is_refused(sdk: Any, path: str) -> None:
    from databricks.sdk.errors import InvalidParameterValue

    for call, body in [
        ("mkdirs", {"path": path}),
        ("delete", {"path": path}),
        ("import", {"path": path, "content": ""}),
    ]:
        with pytest.raises(InvalidParameterValue):
            sdk.api_client.do("POST", f"/api/2.0/workspace/{call}", body=body)
    with pytest.raises(InvalidParameterValue):
        sdk.api_client.do("GET", "/api/2.0/workspace/export", query={"path": path})


def test_a_link_that_a_task_made_leads_nowhere(jobs: Jobs, root: Path) -> None:
    from databricks.sdk.errors import InvalidParameterValue

    text = "import os, sys\nos.makedirs(sys.argv[1])\nos.symlink('/etc', sys.argv[1] + '/etc')"
    jobs.run(jobs.script("link", text, parameters=[f"{VOLUME}/l"]))

    with pytest.raises(InvalidParameterValue, match="leads out of /Volumes"):
        jobs.sdk.api_client.do("GET", f"/api/2.0/fs/files{VOLUME}/l/etc/passwd")


@pytest.mark.parametrize(
    ("parameter", "seen"),
    [
        (f"{VOLUME}/a", "{volume}/a"),
        (f"--path={VOLUME}/a b", "{volume}/a b"),
        (f"--data=table={VOLUME}/a", "{volume}/a"),
        (f"table={VOLUME}/a", "{volume}/a"),
        (f'["{VOLUME}/a", "{VOLUME}/b"]', '["{volume}/a", "{volume}/b"]'),
        (f"see {VOLUME}/a", f"see {VOLUME}/a"),
        ('["/Volumes/is not JSON', '["/Volumes/is not JSON'),
    ],
)
def test_a_task_is_told_paths_of_this_machine(emulator: Emulator, parameter: str, seen: str) -> None:
    volumes = emulator.workspace.volumes
    here = volumes.here(parameter)

    assert here.endswith(seen.replace("{volume}", str(volumes.place(VOLUME))))


def test_a_task_gets_the_wheels_that_its_environment_names(jobs: Jobs, emulator: Emulator) -> None:
    import zipfile

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("own_words.py", "WORD = 'from the wheel'\n")
        archive.writestr("own_words-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: own-words\nVersion: 1.0\n")
        archive.writestr(
            "own_words-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("own_words-1.0.dist-info/RECORD", "")
    wheel = f"{VOLUME}/own_words-1.0-py3-none-any.whl"
    emulator.workspace.volumes.write(wheel, content.getvalue(), overwrite=True)
    emulator.workspace.volumes.write(f"{VOLUME}/bad-1.0-py3-none-any.whl", b"nothing", overwrite=True)
    environments = [
        {"environment_key": "own", "spec": {"environment_version": "4", "dependencies": ["six", wheel]}},
        {
            "environment_key": "bad",
            "spec": {"environment_version": "4", "dependencies": [f"{VOLUME}/bad-1.0-py3-none-any.whl"]},
        },
        {"environment_key": "default", "spec": {"environment_version": "4"}},
    ]
    text = "import own_words\nprint(own_words.WORD)\n"
    tasks = [{**jobs.script(key, text), "environment_key": key} for key in ("own", "bad", "default")]
    run = jobs.run(*tasks, environments=environments)

    assert "from the wheel\n" == jobs.log(run, "own")
    assert jobs.output(run, "bad")["error"].startswith("Library installation failed: ")
    assert "ModuleNotFoundError: No module named 'own_words'" == jobs.output(run, "default")["error"]
