"""What is refused before anything runs: what azure-ai-ml lets through, and what only bodies can hold."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from specflow.targets.azureml.emulator import Assumptions
from tests.emulators.azureml.conftest import FOLDER, Cloud, command, reads

PORTS = {
    "number": {"type": "number", "min": 0, "max": 1, "default": 0.5},
    "whole": {"type": "integer", "default": 1},
    "word": {"type": "string", "enum": ["a", "b"], "default": "a"},
    "folder": {"type": "uri_folder", "optional": True},
    "model": {"type": "custom_model", "optional": True},
}
LINE = "echo ${{inputs.number}} $[[${{inputs.folder}}]] > ${{outputs.out}}/a"


def component(**more: Any) -> dict[str, Any]:
    base = {
        "type": "command",
        "environment": "azureml:env:1",
        "command": LINE,
        "inputs": PORTS,
        "outputs": {"out": FOLDER},
    }
    return {**base, **more}


def pipeline() -> dict[str, Any]:
    # make -> use
    first = {"type": "command", "component": component(), "compute": "azureml:cpu", "inputs": {"number": 0.25}}
    second = {**copy.deepcopy(first), "inputs": {"number": 0.75, "folder": reads("make")}}
    return {"experiment_name": "demo", "settings": {}, "outputs": {"o": FOLDER}, "jobs": {"make": first, "use": second}}


def set_at(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(data: dict[str, Any]) -> None:
        *way, last = path.split(".")
        for name in way:
            data = data.setdefault(name, {})
        data[last] = value

    return change


def inline(**more: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["jobs"].update(use=command("true", **more))


def spark(runtime: str = "3.4", **ports: Any) -> Callable[[dict[str, Any]], None]:
    conf = {"spark.driver.cores": 1, "spark.driver.memory": "1g", "spark.executor.cores": 1}
    conf |= {"spark.executor.memory": "1g", "spark.executor.instances": 1}
    resources = {"instance_type": "standard_e4s_v3", "runtime_version": runtime}
    node = {
        "type": "spark",
        "code": "./src",
        "entry": {"file": "etl.py"},
        "conf": conf,
        "resources": resources,
        **ports,
    }
    return lambda data: data["jobs"].update(use=node)


FROM_MAKE = {"type": "uri_folder", "path": reads("make"), "mode": "ro_mount"}
ROWS: dict[str, tuple[Callable[[dict[str, Any]], None], str, str]] = {
    "a cycle": (
        set_at("jobs.make.inputs.folder", reads("use")),
        "jobs.make",
        "the jobs wait for each other: make -> use -> make",
    ),
    "a folder for a number": (
        set_at("jobs.use.inputs.number", reads("make")),
        "jobs.use.inputs.number",
        "a number can't be read from data",
    ),
    "a folder for a model": (
        set_at("jobs.use.inputs.model", reads("make")),
        "jobs.use.inputs.model",
        "it is a uri_folder, and the component wants a custom_model",
    ),
    "above the maximum": (
        set_at("jobs.use.inputs.number", 1.5),
        "jobs.use.inputs.number",
        "1.5 is above the maximum 1.0",
    ),
    "no number": (set_at("jobs.use.inputs.number", "abc"), "jobs.use.inputs.number", '"abc" is not a number'),
    "no integer": (set_at("jobs.use.inputs.whole", 1.5), "jobs.use.inputs.whole", '"1.5" is not an integer'),
    "none of the words": (set_at("jobs.use.inputs.word", "c"), "jobs.use.inputs.word", '"c" is not one of a, b'),
    "a misspelt setting": (
        set_at("settings.continue_on_step_falure", True),
        "settings.continue_on_step_falure",
        'there is no field "continue_on_step_falure" here',
    ),
    "no jobs": (set_at("jobs", {}), "jobs", "a pipeline has at least one job"),
    "an experiment's name": (
        set_at("experiment_name", "my exp!"),
        "experimentName",
        '"my exp!" is not a valid name for experimentName; expected [a-zA-Z0-9][a-zA-Z0-9_-]{0,254}',
    ),
    "a negative timeout": (
        inline(limits={"timeout": -5}),
        "jobs.use.limits.timeout",
        '"-PT5S" is no duration; expected PT1H or the like',
    ),
    "no instance": (
        inline(resources={"instance_count": 0}),
        "componentSpec.resources.instance_count",
        "0 is no number of instances; expected 1 or more",
    ),
    "an old Spark runtime": (
        spark("2.4"),
        "jobs.use.resources.runtime_version",
        'Spark runtime "2.4" is not supported; there are 3.2, 3.3, 3.4, 3.5',
    ),
    "a Spark input that is not direct": (
        spark(inputs={"a": FROM_MAKE}, args="${{inputs.a}}"),
        "jobs.use.inputs.a.mode",
        "ports of Spark jobs have mode direct",
    ),
    "a missing default compute": (
        set_at("settings.default_compute", "azureml:gone"),
        "settings.default_compute",
        "compute ",
    ),
    "a missing datastore": (
        set_at("settings.default_datastore", "azureml:gone"),
        "settings.default_datastore",
        "datastore ",
    ),
    "an input of no job": (
        set_at("jobs.use.inputs.folder", reads("gone")),
        "jobs.use.inputs.folder",
        'the pipeline has no job "gone"',
    ),
    "no such output": (
        set_at("jobs.use.inputs.folder", reads("make", "gone")),
        "jobs.use.inputs.folder",
        'job "make" has no output "gone"',
    ),
    "no such pipeline input": (
        set_at("jobs.use.inputs.folder", "${{parent.inputs.gone}}"),
        "jobs.use.inputs.folder",
        'the pipeline has no input "gone"',
    ),
    "no such pipeline output": (
        set_at("jobs.use.outputs.out", "${{parent.outputs.gone}}"),
        "jobs.use.outputs.out",
        'the pipeline has no output "gone"',
    ),
    "an unset optional input outside brackets": (
        set_at("jobs.use.component", component(command="echo ${{inputs.model}}")),
        "jobs.use.inputs.model",
        "the command names it outside $[[ ]], and it has no value",
    ),
    "a sweep": (
        set_at(
            "jobs.use",
            {
                "type": "sweep",
                "compute": "azureml:cpu",
                "trial": component(),
                "search_space": {"number": {"type": "uniform", "min_value": 0, "max_value": 1}},
                "objective": {"goal": "maximize", "primary_metric": "auc"},
                "sampling_algorithm": "random",
                "limits": {"max_total_trials": 2},
            },
        ),
        "jobs.use.type",
        '"sweep" is a kind of node that is not emulated',
    ),
    "several instances without a distribution": (
        inline(resources={"instance_count": 2}),
        "componentSpec.distribution",
        "several instances without a distribution are not emulated",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_what_the_sdk_lets_through_is_refused(make_cloud: Callable[..., Cloud], row: str) -> None:
    from azure.core.exceptions import HttpResponseError

    change, target, message = ROWS[row]
    cloud = make_cloud(spark_submit=["spark-submit"])
    cloud.write("src/etl.py", "pass")
    data = pipeline()
    change(data)
    with pytest.raises(HttpResponseError) as refused:
        cloud.submit(data)

    error = refused.value.error
    found = {each.target: each.message for each in error.details}
    assert refused.value.status_code == 400
    assert error.code == "UserError"
    assert target in found, found
    assert found[target].startswith(message)
    assert cloud.http("GET", "jobs")[1]["value"] == []


def test_the_pipeline_without_any_mistake_is_accepted(cloud: Cloud) -> None:
    name = cloud.run(pipeline())

    assert cloud.status(name) == "Completed"


def submitted_body(cloud: Cloud) -> dict[str, Any]:
    """Return the body of a job that the emulator has accepted."""
    name = cloud.run(pipeline())
    return dict(cloud.emulator.service.state.get("jobs", name))


def test_what_only_a_body_can_hold_is_refused(cloud: Cloud) -> None:
    # The SDK drops or refuses these before it sends anything.
    good = submitted_body(cloud)
    rows: list[tuple[str, Any, str, str]] = [
        (
            "jobs.use.inputs.gone",
            {"value": "1", "job_input_type": "literal"},
            "jobs.use.inputs.gone",
            "ValidationError",
        ),
        ("jobs.use.outputs.gone", {"job_output_type": "uri_folder"}, "jobs.use.outputs.gone", "ValidationError"),
        ("jobs.use.retries", 3, "jobs.use.retries", "UnknownField"),
        ("jobs.use.type", "if_else", "jobs.use.type", "NotEmulated"),
        ("jobs.use.type", "odd", "jobs.use.type", "NotEmulated"),
        ("jobs.use.componentId", "azureml:gone:1", "jobs.use.componentId", "ResourceNotFound"),
        ("jobs.use.computeId", f"{cloud.emulator.workspace.id}/computes/gone", "jobs.use.compute", "ResourceNotFound"),
        ("jobs.use.inputs.number.value", "${{parent.jobs.make}}", "jobs.use.inputs.number", "BadBinding"),
        ("jobs.use.inputs.number", 3, "jobs.use.inputs.number", "ValidationError"),
        ("jobs.use.inputs.folder.mode", "Sideways", "jobs.use.inputs.folder", "ValidationError"),
        ("outputs.o.uri", "azureml://datastores/gone/paths/x", "outputs.o", "ResourceNotFound"),
        ("surprise", 1, "surprise", "UnknownField"),
    ]
    for path, value, target, code in rows:
        body = copy.deepcopy(good)
        set_at(path, value)(body)
        status, answer = cloud.http("PUT", "jobs/odd", {"properties": body})

        found = {each["target"]: each["code"] for each in answer["error"]["details"]}
        assert (status, answer["error"]["code"]) == (400, "UserError"), path
        assert found.get(target) == code, (path, found)
    assert cloud.http("GET", "jobs/odd")[0] == 404


def test_a_missing_required_input_is_refused(cloud: Cloud) -> None:
    good = submitted_body(cloud)
    spec = component(inputs={"needed": {"type": "string"}}, command="echo ${{inputs.needed}}")
    cloud.http("PUT", "components/strict/versions/1", {"properties": {"componentSpec": spec}})
    good["jobs"] = {"use": {"type": "command", "componentId": "azureml:strict:1", "computeId": "/computes/cpu"}}
    _, answer = cloud.http("PUT", "jobs/odd", {"properties": good})

    assert answer["error"]["details"] == [
        {"code": "MissingInput", "message": "a required input has no value", "target": "jobs.use.inputs.needed"}
    ]


def test_all_problems_are_told_at_once(cloud: Cloud) -> None:
    good = submitted_body(cloud)
    good["jobs"]["use"]["inputs"]["number"]["value"] = "abc"
    good["experimentName"] = "my exp!"
    good["settings"] = {"odd": 1}
    _, answer = cloud.http("PUT", "jobs/odd", {"properties": good})

    assert {each["target"] for each in answer["error"]["details"]} == {
        "jobs.use.inputs.number",
        "experimentName",
        "settings.odd",
    }


def test_components_are_refused_at_registration(cloud: Cloud) -> None:
    cloud.environment()
    rows: list[tuple[dict[str, Any], str]] = [
        (component(surprise=1), "componentSpec.surprise"),
        (component(environment="azureml:env:99"), "componentSpec.environment"),
        (component(environment="azureml:env"), "componentSpec.environment"),
        (component(code="azureml:gone:1"), "componentSpec.code"),
        (component(command=""), "componentSpec.command"),
        (component(command="echo $[[ ${{inputs.number}}"), "componentSpec.command"),
        (component(command="echo ${{search_space.x}}"), "componentSpec.command"),
        (component(command="echo ${{inputs.nope}}"), "componentSpec.command"),
        (component(inputs={"a-b": {"type": "string"}}, command="true"), "componentSpec.inputs.a-b"),
        (component(inputs={"a": {"type": "table"}}, command="true"), "componentSpec.inputs.a.type"),
        (component(outputs={"out": {"type": "number"}}, command="true"), "componentSpec.outputs.out.type"),
        (
            component(inputs={"a": {"type": "integer", "default": "x"}}, command="true"),
            "componentSpec.inputs.a.default",
        ),
    ]
    for spec, target in rows:
        status, answer = cloud.http("PUT", "components/c/versions/1", {"properties": {"componentSpec": spec}})

        assert status == 400, spec
        assert target in {each["target"] for each in answer["error"]["details"]}, answer
    assert cloud.http("GET", "components/c")[0] == 404


@pytest.mark.parametrize("odd", ["a b", "-a", "a" * 256])
def test_odd_names_and_versions_are_refused(cloud: Cloud, odd: str) -> None:
    from urllib.parse import quote

    for path in (f"environments/{quote(odd)}/versions/1", f"environments/e/versions/{quote(odd)}"):
        status, answer = cloud.http("PUT", path, {"properties": {"image": "img:1"}})

        assert (status, answer["error"]["details"][0]["code"]) == (400, "InvalidName"), path


def test_a_registered_version_keeps_its_content(make_cloud: Callable[..., Cloud]) -> None:
    path, first, second = "environments/e/versions/1", {"image": "a"}, {"image": "b"}
    strict, lax = make_cloud(), make_cloud(Assumptions(assets_are_immutable=False))
    for cloud in (strict, lax):
        assert cloud.http("PUT", path, {"properties": first})[0] == 201
        assert cloud.http("PUT", path, {"properties": {**first, "description": "told"}})[0] == 200

    assert strict.http("PUT", path, {"properties": second})[0] == 409
    assert lax.http("PUT", path, {"properties": second})[0] == 200
