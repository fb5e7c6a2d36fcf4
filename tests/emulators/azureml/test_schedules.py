"""Schedules and batch endpoints: what makes jobs without a client that submits them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulators.azureml.conftest import FOLDER, Cloud, command

JOB: dict[str, Any] = {
    "experiment_name": "nightly",
    "outputs": {"o": FOLDER},
    "jobs": {"work": command("echo ran > ${{outputs.out}}/a", outputs={"out": "${{parent.outputs.o}}"})},
}


def schedule(cloud: Cloud, expression: str = "0 6 * * 1") -> Any:
    from azure.ai.ml.entities import CronTrigger, JobSchedule

    cloud.environment()
    trigger = CronTrigger(expression=expression, time_zone="W. Europe Standard Time")
    job = JobSchedule(name="weekly", trigger=trigger, create_job=cloud.load(JOB))
    return cloud.client.schedules.begin_create_or_update(job).result()


def test_a_schedule_is_kept_switched_and_removed(cloud: Cloud) -> None:
    from azure.core.exceptions import HttpResponseError

    made = schedule(cloud)
    kept = cloud.client.schedules.get("weekly")

    assert (made.name, made.is_enabled) == ("weekly", True)
    assert (kept.trigger.expression, kept.trigger.time_zone) == ("0 6 * * 1", "W. Europe Standard Time")
    assert [each.name for each in cloud.client.schedules.list()] == ["weekly"]
    with pytest.raises(HttpResponseError, match="disable it first"):
        cloud.client.schedules.begin_delete("weekly").result()
    cloud.client.schedules.begin_disable("weekly").result()
    assert list(cloud.client.schedules.list()) == []
    cloud.client.schedules.begin_enable("weekly").result()
    cloud.client.schedules.begin_disable("weekly").result()
    cloud.client.schedules.begin_delete("weekly").result()
    assert cloud.http("GET", "schedules/weekly")[0] == 404


def test_a_schedule_fires_on_demand(cloud: Cloud) -> None:
    schedule(cloud)
    name = cloud.client.schedules.trigger("weekly").job_name
    cloud.wait(name)

    assert (cloud.output(name, "o") / "a").read_text() == "ran\n"
    assert cloud.client.jobs.get(name).experiment_name == "nightly"


def test_a_disabled_schedule_does_not_fire(cloud: Cloud) -> None:
    schedule(cloud)
    cloud.client.schedules.begin_disable("weekly").result()

    assert cloud.http("POST", "/_emulator/schedules/weekly/fire")[0] == 400


def test_a_schedule_is_checked_when_it_is_made(cloud: Cloud) -> None:
    schedule(cloud)
    good = cloud.emulator.service.state.get("schedules", "weekly")["properties"]
    job = good["action"]["jobDefinition"]
    rows: list[tuple[dict[str, Any], str]] = [
        ({"trigger": {**good["trigger"], "expression": "0 6 * *"}}, "properties.trigger.expression"),
        ({"trigger": {**good["trigger"], "expression": "0 6 1 * *"}}, "properties.trigger.expression"),
        ({"trigger": {"triggerType": "Odd"}}, "properties.trigger.triggerType"),
        ({"trigger": {"triggerType": "Recurrence", "frequency": "Day", "interval": 0}}, "properties.trigger.interval"),
        ({"action": {"actionType": "CreateMonitor"}}, "properties.action.actionType"),
        (
            {"action": {"actionType": "CreateJob", "jobDefinition": {**job, "settings": {"default_compute": "gone"}}}},
            "properties.action.jobDefinition.settings.default_compute",
        ),
    ]
    for change, target in rows:
        status, answer = cloud.http("PUT", "schedules/odd", {"properties": {**good, **change}})

        assert status == 400, change
        assert target in {each["target"] for each in answer["error"]["details"]}


PUBLISHED: dict[str, Any] = {
    "type": "pipeline",
    "name": "published",
    "version": "1",
    "inputs": {"word": {"type": "string"}, "times": {"type": "integer", "default": 2}},
    "outputs": {"o": FOLDER},
    "jobs": {
        "say": {
            **command("for i in $(seq ${{inputs.times}}); do echo ${{inputs.word}}; done > ${{outputs.out}}/said"),
            "inputs": {"word": "${{parent.inputs.word}}", "times": "${{parent.inputs.times}}"},
            "outputs": {"out": "${{parent.outputs.o}}"},
        }
    },
}


def publish(cloud: Cloud) -> None:
    import yaml
    from azure.ai.ml import load_component
    from azure.ai.ml.entities import BatchEndpoint, PipelineComponentBatchDeployment

    cloud.environment()
    path = cloud.write("published.yml", yaml.safe_dump(PUBLISHED, sort_keys=False))
    component = cloud.client.components.create_or_update(load_component(path))
    endpoint = BatchEndpoint(name="say-it")
    cloud.client.batch_endpoints.begin_create_or_update(endpoint).result()
    deployment = PipelineComponentBatchDeployment(
        name="first", endpoint_name="say-it", component=component, settings={"default_compute": "azureml:cpu"}
    )
    cloud.client.batch_deployments.begin_create_or_update(deployment).result()
    endpoint = cloud.client.batch_endpoints.get("say-it")
    endpoint.defaults.deployment_name = "first"
    cloud.client.batch_endpoints.begin_create_or_update(endpoint).result()


def test_a_published_pipeline_can_be_called(cloud: Cloud) -> None:
    from azure.ai.ml import Input

    publish(cloud)
    inputs = {"word": Input(type="string", default="hello")}
    job = cloud.client.batch_endpoints.invoke("say-it", inputs=inputs)
    cloud.wait(job.name)

    assert cloud.states(job.name) == {"say": "Completed"}
    assert (cloud.output(job.name, "o") / "said").read_text() == "hello\nhello\n"
    assert [each.name for each in cloud.client.batch_endpoints.list_jobs("say-it")] == [job.name]


def test_calls_of_a_published_pipeline_are_checked(cloud: Cloud) -> None:
    publish(cloud)
    url = "/batch/say-it/jobs"
    rows: list[tuple[dict[str, Any], str]] = [
        ({}, "inputs.word"),
        (
            {"word": {"jobInputType": "Literal", "value": "a"}, "odd": {"jobInputType": "Literal", "value": 1}},
            "inputs.odd",
        ),
        ({"word": {"jobInputType": "UriFolder", "uri": "azureml://datastores/main/paths/x"}}, "inputs.word"),
        (
            {"word": {"jobInputType": "Literal", "value": "a"}, "times": {"jobInputType": "Literal", "value": "x"}},
            "inputs.times",
        ),
    ]
    for data, target in rows:
        status, answer = cloud.http("POST", url, {"properties": {"inputData": data}}, version=False)

        assert status == 400, data
        assert target in {each["target"] for each in answer["error"]["details"]}, answer
    assert cloud.http("POST", url, {}, {"Authorization": "Bearer odd"}, version=False)[0] == 401
    assert cloud.http("POST", "/batch/gone/jobs", {}, version=False)[0] == 404


def test_deployments_are_listed_and_removed(cloud: Cloud) -> None:
    publish(cloud)

    assert [each.name for each in cloud.client.batch_deployments.list("say-it")] == ["first"]
    cloud.client.batch_endpoints.begin_delete("say-it").result()
    assert list(cloud.client.batch_endpoints.list()) == []
