# ruff: noqa: E501 - a row in one line
"""deploy, undeploy, deployments: on a served emulator, through the platform's real client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Here

SPEC = """\
    specflow: 1
    name: nightly
    steps:
      say: {run: [python, -c, "print(1)"]}
    schedule: {cron: "0 6 * * 1", timezone: Europe/Berlin}
"""
TARGETS = ("azureml", "databricks")


@pytest.fixture
def nightly(here: Here) -> Here:
    here.write("nightly.yaml", SPEC)
    return here


def test_the_next_times_of_a_schedule_are_told(nightly: Here, emulate: Callable[..., Any]) -> None:
    emulate("databricks")

    on = nightly.call("deploy", "nightly.yaml", "--target", "databricks", "--emulate").out
    nightly.write("nightly.yaml", SPEC.replace("Europe/Berlin}", "Europe/Berlin, enabled: false}"))
    off = nightly.call("deploy", "nightly.yaml", "--target", "databricks", "--emulate").out

    assert re.search(
        r"^  next      Mon (\d{4}-\d\d-\d\d) 06:00, Mon \d{4}-\d\d-\d\d 06:00 Europe/Berlin$", on, re.MULTILINE
    )
    assert "(paused)" in off
    assert "next" not in off


@pytest.mark.parametrize("target", TARGETS)
def test_a_job_is_installed_kept_changed_and_removed(nightly: Here, emulate: Callable[..., Any], target: str) -> None:
    emulate(target)
    where = ("--target", target, "--emulate")

    def told(*args: str) -> str:
        said = nightly.call(*args)
        return f"{said.code} {(said.out or said.err).splitlines()[0]}"

    def listed() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(nightly.call("deployments", *where, "--format", "json").out)[
            "deployments"
        ]
        return found

    assert [] == listed()
    assert told("deploy", "nightly.yaml", *where, "--dry-run").startswith(f"0 nightly would be installed on {target}: ")
    assert [] == listed()
    first = told("deploy", "nightly.yaml", *where)
    (there,) = listed()
    assert first == f"0 nightly is installed on {target}: {there['id']}"
    assert "Europe" in there["schedule"]
    assert told("deploy", "nightly.yaml", *where) == f"0 nightly stays as it was on {target}: {there['id']}"
    assert [there] == listed()
    assert told("deploy", "nightly.yaml", *where, "--dry-run") == (
        f"0 nightly on {target} would stay as it is: {there['digest'][:12]}"
    )

    nightly.write("nightly.yaml", SPEC.replace("print(1)", "print(2)"))
    assert told("deploy", "nightly.yaml", *where).startswith(f"0 nightly is brought up to date on {target}: ")
    (changed,) = listed()
    assert changed["digest"] != there["digest"]

    assert told("undeploy", "nightly.yaml", *where, "--dry-run") == f"0 nightly would be removed from {target}"
    assert [changed] == listed()
    assert told("undeploy", "nightly", *where) == f"0 nightly is removed from {target}"
    assert told("undeploy", "nightly", *where) == f'1 nothing is deployed as "nightly" on {target}'
    assert [] == listed()

    nightly.write("nightly.yaml", SPEC)
    assert told("deploy", "nightly.yaml", *where).startswith(f"0 nightly is installed on {target}: ")
    assert [there["digest"]] == [one["digest"] for one in listed()]
    nightly.write("nightly.yaml", SPEC.replace("print(1)", "print(2)"))
    nightly.call("deploy", "nightly.yaml", *where)
    nightly.write("nightly.yaml", SPEC)
    assert told("deploy", "nightly.yaml", *where).startswith(f"0 nightly is brought up to date on {target}: ")
    assert [there["digest"]] == [one["digest"] for one in listed()]


def test_what_can_not_be_installed_says_why(nightly: Here) -> None:
    nightly.write(
        "mixed.yaml",
        """\
        specflow: 1
        name: mixed
        steps:
          here: {run: [python, -c, ""], target: local}
          there: {run: [python, -c, ""], target: databricks, after: [here]}
        """,
    )
    nightly.call("compile", "nightly.yaml", "--target", "databricks")

    table = [
        (("nightly.yaml",), '"nightly" runs on this machine alone, where nothing is installed', "name a platform: --target"),
        (("mixed.yaml",), '"mixed" lies on databricks in parts, and no platform can run it by itself', "put all of it on one: --target; or have one coordinate: --host"),
        (("build/nightly", "--target", "azureml"), 'the plan is for "databricks", not "azureml"', "compile the spec for that target"),
    ]  # fmt: skip
    for args, message, help_ in table:
        said = nightly.call("deploy", *args)

        assert (2, f"error: {message}\n  = help: {help_}\n") == (said.code, said.err[said.err.find("error: ") :])


def test_a_platform_that_is_not_configured_ends_with_4(nightly: Here) -> None:
    said = nightly.call("deploy", "nightly.yaml", "--target", "databricks")

    assert said.code == 4
    assert said.err.endswith(
        "error: no Databricks workspace is configured\n"
        "  = help: name its host in specflow.yaml under targets: databricks, "
        "or log in with: databricks auth login\n"
    )


def test_a_host_that_the_project_names_gets_the_login_where_the_user_allows_it(
    nightly: Here, emulate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = emulate("databricks").emulator
    nightly.write(
        "specflow.yaml",
        f"specflow: 1\nprofile: p\nprofiles:\n  p:\n    targets: {{databricks: {{host: '{emulator.url}'}}}}\n",
    )
    monkeypatch.setenv("SPECFLOW_ALLOW_HOSTS", "")
    monkeypatch.setenv("DATABRICKS_TOKEN", emulator.token)

    refused = nightly.call("deployments")
    allowed = nightly.call("deployments", "--allow-host", emulator.url)

    assert refused.code == 4
    assert refused.err.startswith(f'error: the project names the workspace "{emulator.url}", and you have no login')
    assert (0, "nothing is deployed\n") == (allowed.code, allowed.err)


def test_without_any_platform_in_the_profile_one_is_asked_for(nightly: Here) -> None:
    said = nightly.call("deployments")

    assert said.code == 2
    assert said.err == (
        "error: no platform is named\n  = help: name one: --target azureml or databricks, or in specflow.yaml\n"
    )


def test_an_emulator_that_another_command_has_for_itself_is_not_shared(nightly: Here) -> None:
    from specflow.targets.databricks.emulator.server import Emulator

    root = nightly.folder / ".specflow" / "emulators" / "databricks"
    with Emulator(root):
        said = nightly.call("deployments", "--target", "databricks", "--emulate")

    assert said.code == 4
    assert said.err == (
        f'error: another command has started the emulator of "databricks" in "{root}" for itself\n'
        "  = help: wait for it, or serve one to all: specflow emulate databricks\n"
    )
