"""probe: what was turned round in an emulator is what the report tells, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from specflow.targets.azureml.emulator.assumptions import Assumptions as AzureAssumptions
from specflow.targets.azureml.probes import MEASURED
from specflow.targets.databricks.emulator.assumptions import Assumptions as DatabricksAssumptions
from specflow.targets.databricks.probes import PROBES
from tests.cli.conftest import Here

DEFAULTS = {
    "azureml": {name: default for name, default, _ in AzureAssumptions.rows()},
    "databricks": {one.name: one.default for one in fields(DatabricksAssumptions)},
}
TRIED = {"azureml": list(MEASURED), "databricks": list(PROBES)}


def found(here: Here, target: str) -> dict[str, Any]:
    said = here.call("probe", "--target", target, "--emulate", "--format", "json", "-o", "report.json")
    assert said.code == 0, said.err
    assert said.out == (here.folder / "report.json").read_text()
    told: dict[str, Any] = json.loads(said.out)
    return told


APART = ("children_are_named_by_node", "children_appear_before_they_start")
"""With these turned round, nodes can't be told apart: what becomes of each is not measured then."""


@pytest.mark.parametrize("half", [0, 1])
@pytest.mark.parametrize("target", ["azureml", "databricks"])
def test_the_report_tells_each_switch_that_was_turned_round(
    here: Here, emulate: Callable[..., Any], target: str, half: int
) -> None:
    flipped = [name for name in TRIED[target] if name not in APART][half::2]
    emulated = emulate(target, flip=flipped)

    report = found(here, target)

    default = DEFAULTS[target]
    measured = {name: one["found"] for name, one in report["measured"].items() if one["found"] is not None}
    assert measured == {name: default[name] != (name in flipped) for name in TRIED[target]}
    assert {name: one["assumed"] for name, one in report["measured"].items()} == default
    text = json.dumps(report)
    secrets = (emulated.emulator.token, emulated.emulator.url, str(here.folder), "emulator@example.com")
    assert not [secret for secret in secrets if secret in text]


def test_what_can_not_be_told_apart_is_not_measured(here: Here, emulate: Callable[..., Any]) -> None:
    emulate("azureml", flip=list(APART))

    measured = found(here, "azureml")["measured"]

    assert [measured[name]["found"] for name in APART] == [False, False]
    assert measured["unrun_children_end_canceled"] == {
        "assumed": True,
        "found": None,
        "note": "what came of it says neither yes nor no",
    }


def test_nothing_is_left_of_the_jobs_on_databricks(here: Here, emulate: Callable[..., Any]) -> None:
    workspace = emulate("databricks").emulator.workspace

    found(here, "databricks")

    assert list(workspace.state.all("jobs")) == []
    assert [path.name for path in workspace.objects.tree.folder.rglob("*") if path.is_file()] == []


def test_a_workspace_that_can_not_be_asked_ends_with_4(here: Here) -> None:
    said = here.call("probe", "--target", "databricks")

    assert (4, "") == (said.code, said.out)
