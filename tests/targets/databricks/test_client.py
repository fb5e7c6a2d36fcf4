"""How calls fare when the platform throttles, fails, refuses or isn't there; and who is logged in where."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from specflow.emulation import Fault
from specflow.errors import SpecflowError, UnreachableError
from specflow.targets.databricks.client import Api, MaybeDoneError, MissingError, RefusedError
from specflow.targets.databricks.emulated import Emulated
from specflow.targets.databricks.login import Login, login_for

ME = "/api/2.0/preview/scim/v2/Me"
MKDIRS = "/api/2.0/workspace/mkdirs"
CREATE = "/api/2.2/jobs/create"


def api_of(emulated: Emulated, patience_s: float = 30.0) -> tuple[Api, list[float]]:
    """Return an api that doesn't sleep, and the sleeps that it would have had."""
    slept: list[float] = []
    login = Login(emulated.settings["host"], emulated.settings["token"])
    return Api(login, patience_s, slept.append), slept


def strike(emulated: Emulated, **fault: object) -> None:
    emulated.emulator.server.faults.set([Fault(**{"include": "* /api/*", **fault})])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "reset"])
def test_a_call_is_repeated_while_the_platform_fails(emulated: Emulated, kind: str) -> None:
    api, _ = api_of(emulated)
    api.user()
    strike(emulated, kind=kind, every=1, times=2, seconds=0.0)

    assert "emulator@example.com" == api.user()


def test_patience_ends_in_one_line(emulated: Emulated) -> None:
    api, _ = api_of(emulated, patience_s=0.1)
    api.user()
    strike(emulated, kind="error", every=1)

    with pytest.raises(UnreachableError) as told:
        api.user()

    assert told.value.message.startswith(f"{api.host} can't answer now: ")
    assert (4, "try again later") == (told.value.exit_code, told.value.help)


def test_throttling_without_end_is_told(emulated: Emulated) -> None:
    api, _ = api_of(emulated, patience_s=0.1)
    api.user()
    strike(emulated, kind="throttle", every=1, seconds=0.0)

    with pytest.raises(UnreachableError) as told:
        api.user()

    assert f"{api.host} is throttling us" == told.value.message


def test_an_expired_token_is_told_at_once(emulated: Emulated) -> None:
    api, slept = api_of(emulated)
    api.user()
    strike(emulated, kind="expired", every=1)

    with pytest.raises(UnreachableError) as told:
        api.user()

    assert told.value.message.startswith(f"{api.host} refused us: ")
    assert emulated.settings["token"] not in told.value.message
    assert "check the login and its rights in the workspace" == told.value.help
    assert [] == slept


def test_a_workspace_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{free.getsockname()[1]}"
    api = Api(Login(host, "token"), 0.1, lambda _: None)

    with pytest.raises(UnreachableError) as told:
        api.user()

    assert (f"{host} does not answer", "check the address and the network") == (told.value.message, told.value.help)


def test_a_file_here_that_can_not_be_read_is_not_blamed_on_the_platform(emulated: Emulated, tmp_path: Path) -> None:
    api, slept = api_of(emulated)

    with pytest.raises(FileNotFoundError):
        api.put_volume_file("/Volumes/main/default/v/x", tmp_path / "not-there")

    assert [] == slept


def test_what_the_platform_refuses_is_an_error_of_ours(emulated: Emulated) -> None:
    api, _ = api_of(emulated)

    with pytest.raises(MissingError):
        api.call("GET", "/api/2.0/workspace/get-status", None, path="/Workspace/nowhere")
    with pytest.raises(RefusedError) as told:
        api.once("POST", CREATE, {"name": "x", "tasks": [{"task_key": "a"}]})

    assert 1 == told.value.exit_code
    assert "databricks refused it: Task a must have exactly one kind of task, not none" == told.value.message


def test_a_call_that_must_not_be_made_twice_is_not_repeated_when_nobody_knows_its_end(emulated: Emulated) -> None:
    api, _ = api_of(emulated)
    api.user()
    strike(emulated, kind="reset", every=1, times=1, handled=True)

    with pytest.raises(MaybeDoneError):
        api.once("POST", CREATE, {"name": "x"})

    assert 1 == len(emulated.emulator.workspace.jobs.all)


def test_a_call_that_was_turned_away_is_repeated_even_if_it_must_not_be_made_twice(emulated: Emulated) -> None:
    api, _ = api_of(emulated)
    api.user()
    strike(emulated, kind="throttle", every=1, times=2, seconds=0.0)
    api.once("POST", CREATE, {"name": "x"})

    assert 1 == len(emulated.emulator.workspace.jobs.all)


def test_files_of_a_volume_arrive_whole(emulated: Emulated, tmp_path: Path) -> None:
    api, _ = api_of(emulated)
    (tmp_path / "big").write_bytes(bytes(range(256)) * 20_000)
    (tmp_path / "empty").write_bytes(b"")
    for name in ("big", "empty"):
        strike(emulated, kind="unavailable", every=2, times=3, seconds=0.0)
        api.put_volume_file(f"/Volumes/main/default/x/ü {name}", tmp_path / name)
        api.get_volume_file(f"/Volumes/main/default/x/ü {name}", tmp_path / "back")

        assert (tmp_path / name).read_bytes() == (tmp_path / "back").read_bytes()


HOST = "https://adb-1.2.azuredatabricks.net"


def test_a_host_of_the_project_gets_no_credentials_unless_the_user_has_configured_it(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as told:
        login_for({"host": HOST}, {"DATABRICKS_TOKEN": "dapi", "HOME": str(tmp_path)})

    assert f'the project names the workspace "{HOST}", and you have no login for it' == told.value.message
    way_out = f"if it is yours, log in with: databricks auth login --host {HOST}; or say --allow-host {HOST}"
    assert way_out == told.value.help


@pytest.mark.parametrize("own", [HOST, f"{HOST}/", "adb-1.2.azuredatabricks.net", f"{HOST}:443"])
def test_the_users_own_host_is_known_however_it_is_spelled(own: str, tmp_path: Path) -> None:
    assert Login(HOST) == login_for({"host": HOST}, {"DATABRICKS_HOST": own, "HOME": str(tmp_path)})


def test_a_section_of_the_users_file_is_found_by_its_host(tmp_path: Path) -> None:
    (tmp_path / ".databrickscfg").write_text(f"[other]\nhost = https://x.example\n[work]\nhost = {HOST}\ntoken = t\n")
    found = login_for({"host": HOST}, {"HOME": str(tmp_path)})

    assert Login(HOST, section="work") == found
    assert {"profile": "work"} == found.words()


def test_without_a_host_the_users_own_default_is_meant(tmp_path: Path) -> None:
    (tmp_path / ".databrickscfg").write_text(f"[DEFAULT]\nhost = {HOST}\n")

    assert Login(HOST, section="DEFAULT") == login_for({}, {"HOME": str(tmp_path)})
    assert Login("https://x.example") == login_for({}, {"HOME": str(tmp_path), "DATABRICKS_HOST": "https://x.example"})


def test_without_any_workspace_the_way_out_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecflowError) as told:
        login_for({}, {"HOME": str(tmp_path)})

    assert (4, "no Databricks workspace is configured") == (told.value.exit_code, told.value.message)
