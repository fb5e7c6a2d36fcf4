"""What stays in a workspace is ours by its tags, the same however often it is installed, and gone once removed."""

from __future__ import annotations

import json
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
    switched_off = WEEKLY.replace("Europe/Berlin}", "Europe/Berlin, enabled: false}")
    made = install(workspace, project(switched_off), "a" * 64)

    assert made.schedule.endswith(" Europe/Berlin (paused)")
    (found,) = workspace.client.deployments()
    assert "0 6 * * 1 W. Europe Standard Time (paused)" == found.schedule
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


def publish(workspace: Workspace, artifact: Artifact, digest: str, component: str = "") -> Any:
    native = json.loads(json.dumps(artifact.compiled.native))
    folder = artifact.write(workspace.root / f"published-{digest[:4]}")
    for name, content in TARGET.published(folder, native, digest).items():
        (folder / name).write_bytes(
            content.replace(f"azureml:demo:{digest[:12]}".encode(), component.encode()) if component else content
        )
    return workspace.client.publish(folder, native, digest)


TAKES_A_NUMBER = "inputs:\n  n: {type: integer, default: 1}\nsteps:\n  say: {run: [echo, n is, '${{ inputs.n }}']}\n"


def test_a_published_pipeline_is_called_over_rest(project: Make, workspace: Workspace) -> None:
    call = publish(workspace, project(TAKES_A_NUMBER), "c" * 64)
    from azure.ai.ml import Input

    job = workspace.client.ml.batch_endpoints.invoke("demo", inputs={"n": Input(type="integer", default=3)}).name

    assert '"n": {"jobInputType": "Literal", "value": 1}' in call
    assert "succeeded" == workspace.wait(job).state


def test_a_published_pipeline_is_listed_with_its_address_and_removed(project: Make, workspace: Workspace) -> None:
    first, second = (publish(workspace, project(TAKES_A_NUMBER), "c" * 64) for _ in range(2))
    (found,) = workspace.client.deployments()

    assert first == second
    assert f"curl -X POST {found.endpoint} " in first
    assert workspace.client.undeploy("demo")
    assert [] == list(workspace.client.ml.batch_endpoints.list())
    assert () == workspace.client.deployments()


def test_an_endpoint_is_listed_and_removed_when_its_component_is_archived(project: Make, workspace: Workspace) -> None:
    publish(workspace, project(TAKES_A_NUMBER), "c" * 64)
    workspace.client.ml.components.archive("demo", "c" * 12)

    assert [("demo", "c" * 64, "azureml:demo")] == [(f.name, f.digest, f.id) for f in workspace.client.deployments()]
    assert workspace.client.undeploy("demo")
    assert () == workspace.client.deployments()


def test_what_was_published_before_stays_and_can_be_gone_back_to(project: Make, workspace: Workspace) -> None:
    endpoints, deployments = workspace.client.ml.batch_endpoints, workspace.client.ml.batch_deployments
    defaults = []
    for digest in ("c" * 64, "d" * 64, "c" * 64):
        publish(workspace, project(TAKES_A_NUMBER), digest)
        defaults.append(endpoints.get("demo").defaults.deployment_name)

    assert ["v-cccccccccccc", "v-dddddddddddd", "v-cccccccccccc"] == defaults
    assert {"v-cccccccccccc", "v-dddddddddddd"} == {each.name for each in deployments.list("demo")}


def test_a_deployment_that_is_refused_leaves_the_one_before(project: Make, workspace: Workspace) -> None:
    publish(workspace, project(TAKES_A_NUMBER), "c" * 64)

    with pytest.raises(SpecflowError):
        publish(workspace, project(TAKES_A_NUMBER), "d" * 64, component="azureml:nobody:1")
    assert "v-cccccccccccc" == workspace.client.ml.batch_endpoints.get("demo").defaults.deployment_name


def test_the_endpoint_of_somebody_else_is_left_alone(project: Make, workspace: Workspace) -> None:
    from azure.ai.ml.entities import BatchEndpoint

    workspace.client.ml.batch_endpoints.begin_create_or_update(BatchEndpoint(name="demo")).result()

    with pytest.raises(SpecflowError) as told:
        publish(workspace, project(TAKES_A_NUMBER), "c" * 64)
    assert 'the workspace has an endpoint "demo" that specflow did not make for "demo"' == told.value.message
    assert not workspace.client.undeploy("demo")
    assert ["demo"] == [each.name for each in workspace.client.ml.batch_endpoints.list()]
