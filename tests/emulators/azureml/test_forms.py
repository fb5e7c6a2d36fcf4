"""The many ways in which a pipeline can be written down: each is taken as the SDK sends it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.emulators.azureml.conftest import FOLDER, Cloud, command, reads


def log_of(cloud: Cloud, node: dict[str, Any], **more: Any) -> str:
    """Return what the only node of a pipeline prints."""
    name = cloud.run({**more, "jobs": {"work": node}})
    assert cloud.status(name) == "Completed"
    return cloud.log(name, "work")


@pytest.mark.parametrize(
    "environment",
    [
        "azureml:env@latest",
        "azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        {"image": "img:1"},
        {"image": "img:1", "conda_file": {"name": "x", "dependencies": ["python=3.10", "pip", {"pip": ["mlflow"]}]}},
    ],
)
def test_environments(cloud: Cloud, environment: Any) -> None:
    assert log_of(cloud, command("echo ran") | {"environment": environment}) == "ran\n"


@pytest.mark.parametrize(
    "more",
    [
        {"compute": "serverless", "resources": {"instance_type": "Standard_DS3_v2", "instance_count": 1}},
        {"identity": {"type": "managed"}},
        {"identity": {"type": "user_identity"}, "queue_settings": {"job_tier": "standard"}},
        {"properties": {"a": "b"}},
        {"limits": {"timeout": 60}, "environment_variables": {"A": "b"}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_settings_of_a_node(cloud: Cloud, more: dict[str, Any]) -> None:
    name = cloud.run({"jobs": {"work": command("echo ran", **more)}})

    assert cloud.states(name) == {"work": "Completed"}


def test_settings_of_a_pipeline(cloud: Cloud) -> None:
    head = {
        "display_name": "shown",
        "description": "told",
        "tags": {"owner": "me"},
        "properties": {"p": "q"},
        "experiment_name": "exp",
        "identity": {"type": "user_identity"},
        "settings": {"default_compute": "serverless", "default_datastore": "azureml:main", "force_rerun": True},
    }
    node = command("echo a > ${{outputs.out}}/a", outputs={"out": "${{parent.outputs.o}}"})
    del node["compute"]
    name = cloud.run({**head, "outputs": {"o": FOLDER}, "jobs": {"work": node}})
    job = cloud.client.jobs.get(name)

    assert (job.display_name, job.description, job.tags, job.experiment_name) == (
        "shown",
        "told",
        {"owner": "me"},
        "exp",
    )
    assert job.properties["p"] == "q"
    assert (cloud.store(f"azureml/{name}/o/a", "main")).read_text() == "a\n"


def test_a_component_of_a_file_and_a_registered_one(cloud: Cloud) -> None:
    from azure.ai.ml import load_component

    cloud.environment()
    spec = {
        "type": "command",
        "name": "hello",
        "version": "1.2.0",
        "environment": "azureml:env:1",
        "command": "echo hello ${{inputs.who}}",
        "inputs": {"who": {"type": "string", "default": "you"}},
    }
    path = cloud.write("hello.yml", yaml.safe_dump(spec))
    cloud.client.components.create_or_update(load_component(path))
    for component in ("./hello.yml", "azureml:hello:1.2.0", "azureml:hello@latest"):
        node = {"type": "command", "component": component, "compute": "azureml:cpu", "inputs": {"who": "me"}}

        assert log_of(cloud, node, settings={"force_rerun": True}) == "hello me\n"
    assert [each.name for each in cloud.client.components.list()] == ["hello"]


def test_inputs_of_a_pipeline_of_every_type(cloud: Cloud) -> None:
    inputs = {"text": "a b", "whole": 3, "part": 0.5, "flag": True}
    line = "echo ${{inputs.text}},${{inputs.whole}},${{inputs.part}},${{inputs.flag}}"
    node = command(line, inputs={name: f"${{{{parent.inputs.{name}}}}}" for name in inputs})

    assert log_of(cloud, node, inputs=inputs) == "a b,3,0.5,True\n"


def test_a_local_file_as_input_is_uploaded(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS

    monkeypatch.setitem(STORAGE_ACCOUNT_URLS, "AzureBlob", f"{cloud.emulator.url}/blobs")
    cloud.write("data/table.csv", "1,2\n")
    source = {"type": "uri_file", "path": "./data/table.csv"}
    node = command("cat ${{inputs.table}}", inputs={"table": "${{parent.inputs.table}}"})

    assert log_of(cloud, node, inputs={"table": source}) == "1,2\n"


def test_a_binding_with_a_mode(cloud: Cloud) -> None:
    # make -> use
    make = command("echo a > ${{outputs.out}}", outputs={"out": {"type": "uri_file", "mode": "upload"}})
    source = {"type": "uri_file", "mode": "download", "path": reads("make")}
    use = command("cat ${{inputs.a}}", inputs={"a": source})
    name = cloud.run({"jobs": {"make": make, "use": use}})

    assert cloud.log(name, "use") == "a\n"


def test_a_path_with_the_jobs_name_in_it(cloud: Cloud) -> None:
    out = {"type": "uri_folder", "path": "azureml://datastores/main/paths/made/${{name}}/"}
    node = command("echo a > ${{outputs.out}}/a", outputs={"out": "${{parent.outputs.o}}"})
    name = cloud.run({"outputs": {"o": out}, "jobs": {"make": node}})

    assert cloud.store(f"made/{name}/a", "main").read_text() == "a\n"


def test_models_and_tables_as_ports(cloud: Cloud) -> None:
    # fit -> score
    fit = command("echo m > ${{outputs.m}}/model", outputs={"m": {"type": "custom_model"}})
    score = command("cat ${{inputs.m}}/model", inputs={"m": {"type": "custom_model", "path": reads("fit", "m")}})
    name = cloud.run({"jobs": {"fit": fit, "score": score}})

    assert cloud.log(name, "score") == "m\n"


def test_a_component_in_a_component(cloud: Cloud) -> None:
    # outer(inner(say)) with a value and an output handed through
    say = command("echo ${{inputs.word}} > ${{outputs.out}}/a", inputs={"word": "${{parent.inputs.word}}"})
    say["outputs"] = {"out": "${{parent.outputs.o}}"}
    ports = {"inputs": {"word": {"type": "string"}}, "outputs": {"o": FOLDER}, "version": "1", "type": "pipeline"}
    inner = {**ports, "name": "inner", "jobs": {"say": say}}
    call = {"type": "pipeline", "component": "./inner.yml", "inputs": {"word": "${{parent.inputs.word}}"}}
    call["outputs"] = {"o": "${{parent.outputs.o}}"}
    outer = {**ports, "name": "outer", "jobs": {"inner": call}}
    cloud.write("inner.yml", yaml.safe_dump(inner))
    cloud.write("outer.yml", yaml.safe_dump(outer))
    top = {"type": "pipeline", "component": "./outer.yml", "inputs": {"word": "deep"}}
    top["outputs"] = {"o": "${{parent.outputs.o}}"}
    name = cloud.run({"settings": {"default_compute": "serverless"}, "outputs": {"o": FOLDER}, "jobs": {"outer": top}})

    assert cloud.status(name) == "Completed"
    assert (cloud.output(name, "o") / "a").read_text() == "deep\n"
