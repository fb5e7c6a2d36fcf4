"""What stays in a workspace is ours by its tags, the same however often it is installed, and gone once removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from specflow.errors import SpecflowError
from specflow.targets.azureml.target import TARGET
from tests.azureml.conftest import Artifact, Workspace
from tests.azureml.test_compile import Make

STEP = "steps:\n  say: {run: echo hello}\n"
WEEKLY = f'schedule: {{cron: "0 6 * * 1", timezone: Europe/Berlin}}\n{STEP}'


def install(workspace: Workspace, artifact: Artifact, digest: str) -> Any:
    native = json.loads(json.dumps(artifact.compiled.native))
    folder = artifact.write(workspace.root / f"deployed-{digest[:4]}")
    return workspace.client.deploy("demo", folder, native, digest)


def test_a_pipeline_is_installed_with_its_schedule_and_removed(project: Make, workspace: Workspace) -> None:
    artifact = project(WEEKLY)
    first, second = install(workspace, artifact, "a" * 64), install(workspace, artifact, "a" * 64)

    assert first == second
    assert ("demo", "azureml:demo:aaaaaaaaaaaa", "a" * 64) == (first.name, first.id, first.digest)
    assert ["demo"] == [found.name for found in workspace.client.deployments()]
    assert workspace.client.undeploy("demo")
    assert not workspace.client.undeploy("demo")
    assert () == workspace.client.deployments()


def test_a_schedule_that_the_pipeline_lost_goes(project: Make, workspace: Workspace) -> None:
    install(workspace, project(WEEKLY), "a" * 64)
    install(workspace, project(STEP), "b" * 64)

    assert [] == list(workspace.client.ml.schedules.list())
    assert [("demo", "b" * 64, "")] == [(f.name, f.digest, f.schedule) for f in workspace.client.deployments()]


def test_a_schedule_that_is_switched_off_is_installed_so(project: Make, workspace: Workspace) -> None:
    install(workspace, project(WEEKLY.replace("Europe/Berlin}", "Europe/Berlin, enabled: false}")), "a" * 64)

    assert not workspace.client.ml.schedules.get("demo").is_enabled


def test_the_schedule_of_somebody_else_is_left_alone(project: Make, workspace: Workspace) -> None:
    from specflow.targets.azureml import client

    artifact = project(WEEKLY)
    folder = artifact.write(workspace.root / "theirs")
    theirs = client.loaded("schedule", artifact.text("schedule.yml"), folder)
    workspace.client.ml.schedules.begin_create_or_update(theirs).result()

    with pytest.raises(SpecflowError) as told:
        install(workspace, artifact, "a" * 64)
    assert 'the workspace has a schedule "demo" that specflow did not make' == told.value.message


def test_a_scheduled_job_runs_by_the_platforms_own_run_id(project: Make, workspace: Workspace) -> None:
    install(workspace, project(WEEKLY.replace("echo hello", "'echo run ${{ run.id }}'")), "a" * 64)
    job = workspace.client.ml.schedules.trigger("demo").job_name

    assert "succeeded" == workspace.wait(job).state
    assert f"run {job}\n" in workspace.client.log(job, "say")


def test_a_published_pipeline_is_called_over_rest(project: Make, workspace: Workspace, tmp_path: Path) -> None:
    artifact = project(
        "inputs:\n  n: {type: integer, default: 1}\nsteps:\n  say: {run: [echo, n is, '${{ inputs.n }}']}\n"
    )
    native = json.loads(json.dumps(artifact.compiled.native))
    folder = artifact.write(tmp_path / "published")
    for name, content in TARGET.published(folder, native, "c" * 64).items():
        (folder / name).write_bytes(content)
    call = workspace.client.publish(folder, native, "c" * 64)
    from azure.ai.ml import Input

    job = workspace.client.ml.batch_endpoints.invoke("demo", inputs={"n": Input(type="integer", default=3)}).name

    assert '"n": {"jobInputType": "Literal", "value": 1}' in call
    assert "succeeded" == workspace.wait(job).state
