"""doctor: what a profile names, looked at on emulators; and each thing that can be wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Here

PROFILES = """\
    specflow: 1
    profile: whole
    profiles:
      whole:
        store:
          local: exchange
          azureml: azureml://datastores/exchange/paths/shared
          databricks: /Volumes/main/ml/exchange
        targets:
          azureml: {emulate: true}
          databricks: {emulate: true}
        computes:
          wide: {azureml: "azureml:cpu", databricks: {existing_cluster_id: gone}}
          small: {azureml: serverless, databricks: serverless}
"""


@pytest.fixture
def whole(here: Here) -> Here:
    here.write("specflow.yaml", PROFILES)
    return here


def checks(here: Here, *args: str) -> tuple[int, dict[tuple[str, str], tuple[str, str]]]:
    said = here.call("doctor", "--format", "json", *args)
    found = json.loads(said.out)["targets"]
    return said.code, {
        (one["target"], check["what"]): (check["state"], check["message"]) for one in found for check in one["checks"]
    }


def test_each_side_finds_what_the_others_left_in_the_store(whole: Here, emulate: Callable[..., Any]) -> None:
    emulate("azureml")
    emulate("databricks")

    code, found = checks(whole)

    assert found["local", "store"] == ("well", '"exchange" is read and written from here')
    assert found["azureml", "store"] == (
        "well",
        '"azureml://datastores/exchange/paths/shared" is read and written through the workspace',
    )
    assert found["databricks", "store"] == (
        "well",
        '"/Volumes/main/ml/exchange" is read and written through the workspace',
    )
    assert found["databricks", "compute wide"] == ("failed", 'there is no cluster "gone"')
    assert found["databricks", "compute small"][0] == "left out"
    assert code == 1
    assert list((whole.folder / "exchange").glob("specflow-doctor*")) == []


def test_two_places_under_the_name_of_one_store_are_found_out(
    whole: Here, emulate: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from specflow.targets.databricks.emulated import Emulated

    monkeypatch.setattr(Emulated, "adopt", lambda self, settings: None)  # its volume is not our folder
    emulate("databricks")

    code, found = checks(whole, "--target", "databricks")

    assert found["databricks", "store"] == (
        "failed",
        'what this machine wrote into the store is not at "/Volumes/main/ml/exchange"',
    )
    assert code == 1


def test_a_platform_that_does_not_answer_ends_with_4_and_the_way_out(here: Here) -> None:
    here.write(
        "specflow.yaml", "specflow: 1\nprofiles:\n  away:\n    targets: {databricks: {host: https://x.invalid}}\n"
    )

    said = here.call("doctor", "--profile", "away")

    assert said.code == 4
    assert said.out.endswith(
        '  ✗ workspace       the project names the workspace "https://x.invalid", and you have no login for it\n'
        "    = help: if it is yours, log in with: databricks auth login --host https://x.invalid; "
        "or say --allow-host https://x.invalid\n"
    )


def test_what_is_not_installed_is_named_with_what_brings_it(whole: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    import specflow.operations.doctor

    monkeypatch.setattr(
        specflow.operations.doctor, "installed", lambda name: None if name == "databricks-sdk" else "1.0"
    )

    said = whole.call("doctor", "--target", "databricks")
    code, found = checks(whole, "--target", "azureml")

    assert said.out.endswith(
        'databricks\n  ✗ databricks-sdk  is not installed\n    = help: pip install "specflow[databricks]"\n'
    )
    assert (said.code, code) == (1, 1)
    assert found["azureml", "azure-ai-ml"] == ("failed", "1.0 is not <2,>=1.35")


def test_no_secret_is_printed(whole: Here, emulate: Callable[..., Any]) -> None:
    tokens = [emulate(name).emulator.token for name in ("azureml", "databricks")]

    said = whole.call("doctor"), whole.call("doctor", "--format", "json")

    assert not [token for token in tokens for each in said if token in each.out + each.err]
