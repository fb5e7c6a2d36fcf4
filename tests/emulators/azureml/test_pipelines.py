"""What an accepted pipeline does: order, data, commands, outputs, states; through the real SDK."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.azureml.emulator import Assumptions
from tests.emulators.azureml.conftest import FOLDER, Cloud, command, reads

WRITE = "echo made > ${{outputs.out}}/a.txt"
COPY = "cat ${{inputs.before}}/a.txt > ${{outputs.out}}/a.txt && echo more >> ${{outputs.out}}/a.txt"


def chain(**settings: Any) -> dict[str, Any]:
    # make -> more -> the pipeline's output
    return {
        "outputs": {"final": FOLDER},
        "settings": settings,
        "jobs": {
            "make": command(WRITE, outputs={"out": FOLDER}),
            "more": command(COPY, inputs={"before": reads("make")}, outputs={"out": "${{parent.outputs.final}}"}),
        },
    }


def test_data_flows_from_node_to_node_and_out(cloud: Cloud) -> None:
    name = cloud.run(chain())

    assert cloud.status(name) == "Completed"
    assert cloud.states(name) == {"make": "Completed", "more": "Completed"}
    assert (cloud.output(name, "final") / "a.txt").read_text() == "made\nmore\n"


def test_stream_prints_the_pipelines_log_and_ends(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    gate = cloud.folder / "gate"
    held = command(f"while [ ! -e {gate} ]; do sleep 0.02; done")
    name = cloud.submit({"jobs": {"make": held}})
    # The SDK reads logs only while the job runs: it is let go once that has been seen.
    opener = threading.Timer(0.5, gate.touch)
    opener.start()
    cloud.client.jobs.stream(name)
    opener.join()

    printed = capsys.readouterr().out
    assert "Streaming logs/azureml/executionlogs.txt" in printed
    assert "make (" in printed
    assert cloud.status(name) == "Completed"


def test_outputs_and_logs_can_be_downloaded(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS

    # The SDK builds https://{account}.blob.{suffix} by itself: the one thing that has to be patched for loopback.
    monkeypatch.setitem(STORAGE_ACCOUNT_URLS, "AzureBlob", f"{cloud.emulator.url}/blobs")
    name = cloud.run(chain())
    child = cloud.children(name)["make"].name

    cloud.client.jobs.download(name, download_path=tmp_path, output_name="final")
    cloud.client.jobs.download(child, download_path=tmp_path / "child", all=True)

    assert (tmp_path / "named-outputs/final/a.txt").read_text() == "made\nmore\n"
    assert (tmp_path / "child/named-outputs/out/a.txt").read_text() == "made\n"
    assert (tmp_path / "child/artifacts/user_logs/std_log.txt").exists()


def test_a_value_reaches_bash_as_it_is(cloud: Cloud) -> None:
    # That is how the platform does it: a quote or a $(…) in a value is read by bash.
    text = "it's $(echo run) ${HOME:+home}"
    line = 'printf "%s" "${{inputs.text}}" > ${{outputs.out}}/text'
    port = {"inputs": {"text": text}, "outputs": {"out": FOLDER}}
    name = cloud.run({"outputs": {"o": FOLDER}, "jobs": {"say": _bound(command(line, **port))}})

    assert (cloud.output(name, "o") / "text").read_text() == "it's run home"


def _bound(node: dict[str, Any]) -> dict[str, Any]:
    return {**node, "outputs": {"out": "${{parent.outputs.o}}"}}


def test_an_optional_input_vanishes_with_its_brackets(cloud: Cloud) -> None:
    component = {
        "type": "command",
        "environment": "azureml:env:1",
        "command": "echo [a $[[--b ${{inputs.b}}]] $[[--c ${{inputs.c}}]] ${{inputs.d}}] > ${{outputs.out}}/line",
        "inputs": {
            "b": {"type": "string", "optional": True},
            "c": {"type": "integer", "optional": True},
            "d": {"type": "number", "default": 0.5},
        },
        "outputs": {"out": FOLDER},
    }
    node = {"type": "command", "component": component, "compute": "azureml:cpu", "inputs": {"c": 3}}
    name = cloud.run({"outputs": {"o": FOLDER}, "jobs": {"say": _bound(node)}})

    assert (cloud.output(name, "o") / "line").read_text() == "[a --c 3 0.5]\n"


def test_a_node_sees_its_code_and_nothing_else(cloud: Cloud) -> None:
    cloud.write("src/main.py", "import helper\nprint(helper.WORD)\n")
    cloud.write("src/helper.py", "WORD = 'helped'\n")
    name = cloud.run({"jobs": {"work": command("python main.py; ls", code="./src")}})

    assert cloud.log(name, "work").split() == ["helped", "helper.py", "main.py"] or (
        cloud.log(name, "work").split() == ["helped", "__pycache__", "helper.py", "main.py"]
    )


def test_what_a_command_does_to_its_input_does_not_reach_the_datastore(cloud: Cloud) -> None:
    cloud.store("raw", "main").mkdir()
    (cloud.store("raw", "main") / "a.txt").write_text("kept")
    spoil = "chmod -R u+w ${{inputs.raw}}; echo spoilt > ${{inputs.raw}}/a.txt"
    source = {"type": "uri_folder", "path": "azureml://datastores/main/paths/raw/", "mode": "ro_mount"}
    name = cloud.run({"jobs": {"spoil": command(spoil, inputs={"raw": source})}})

    assert cloud.status(name) == "Completed"
    assert (cloud.store("raw", "main") / "a.txt").read_text() == "kept"


def test_files_modes_and_paths(cloud: Cloud) -> None:
    cloud.store("in.csv", "main").write_text("1,2\n")
    line = "cat ${{inputs.table}} > ${{outputs.copy}} && basename ${{inputs.table}} && echo ${{inputs.direct}}"
    place = "azureml://datastores/main/paths/in.csv"
    name = cloud.run(
        {
            "settings": {"default_datastore": "azureml:main"},
            "jobs": {
                "copy": command(
                    line,
                    inputs={
                        "table": {"type": "uri_file", "path": place, "mode": "download"},
                        "direct": {"type": "uri_file", "path": place, "mode": "direct"},
                    },
                    outputs={
                        "copy": {
                            "type": "uri_file",
                            "mode": "upload",
                            "path": "azureml://datastores/main/paths/out.csv",
                        }
                    },
                )
            },
        }
    )

    assert cloud.store("out.csv", "main").read_text() == "1,2\n"
    assert cloud.log(name, "copy").split() == ["in.csv", cloud.store("in.csv", "main").as_uri()]


def test_variables_of_the_node_and_of_the_platform(cloud: Cloud) -> None:
    line = 'echo "$MINE $AZUREML_ARM_WORKSPACE_NAME $AZURE_ML_INPUT_x ${SECRET_OF_THE_HOST:-none}"'
    name = cloud.run({"jobs": {"say": command(line, environment_variables={"MINE": "a b"}, inputs={"x": 3})}})

    assert cloud.log(name, "say") == "a b emulated 3 none\n"


def test_a_distributed_node_is_as_many_processes_with_ranks(cloud: Cloud) -> None:
    node = command(
        "echo $RANK of $WORLD_SIZE > ${{outputs.out}}/$RANK",
        outputs={"out": "${{parent.outputs.o}}"},
        distribution={"type": "pytorch", "process_count_per_instance": 2},
        resources={"instance_count": 2},
    )
    name = cloud.run({"outputs": {"o": FOLDER}, "jobs": {"train": node}})

    assert [each.read_text() for each in sorted(cloud.output(name, "o").iterdir())] == [
        "0 of 4\n",
        "1 of 4\n",
        "2 of 4\n",
        "3 of 4\n",
    ]


def test_a_pipeline_component_runs_with_children_of_its_own(cloud: Cloud) -> None:
    # sub(make -> more) -> last
    inner = chain()
    cloud.write("sub.yml", _yaml({"type": "pipeline", "name": "sub", "version": "1", **_without(inner, "settings")}))
    last = command("cat ${{inputs.before}}/a.txt", inputs={"before": reads("sub", "final")})
    name = cloud.run({"settings": {"default_compute": "azureml:cpu"}, "jobs": {"sub": _use("./sub.yml"), "last": last}})

    assert cloud.states(name) == {"sub": "Completed", "last": "Completed"}
    assert cloud.states(cloud.children(name)["sub"].name) == {"make": "Completed", "more": "Completed"}
    assert cloud.log(name, "last") == "made\nmore\n"


def _use(component: str) -> dict[str, Any]:
    return {"type": "pipeline", "component": component}


def _without(data: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name != key}


def _yaml(data: dict[str, Any]) -> str:
    import yaml

    return yaml.safe_dump(data, sort_keys=False)


def test_a_named_output_becomes_an_asset_that_a_job_can_read(cloud: Cloud) -> None:
    out = {"type": "uri_folder", "name": "table", "version": "7"}
    model = {"type": "custom_model", "name": "churn"}
    first = cloud.run(
        {
            "jobs": {
                "make": command(WRITE, outputs={"out": out}),
                "fit": command(WRITE, outputs={"out": model}),
            }
        }
    )
    source = {"type": "uri_folder", "path": "azureml:table:7"}
    second = cloud.run({"jobs": {"read": command("cat ${{inputs.t}}/a.txt", inputs={"t": source})}})

    assert cloud.status(first) == "Completed"
    assert cloud.log(second, "read") == "made\n"
    assert cloud.client.data.get("table", version="7").type == "uri_folder"
    assert cloud.client.models.get("churn", version="1").type == "custom_model"


def test_a_deterministic_node_is_reused_and_says_so(cloud: Cloud) -> None:
    first, second = cloud.run(chain()), cloud.run(chain())

    assert cloud.states(second) == {"make": "Completed", "more": "Completed"}
    reused = cloud.children(second)["make"]
    assert reused.properties["azureml.isreused"] == "true"
    assert reused.properties["azureml.reusedrunid"] == cloud.children(first)["make"].name


@pytest.mark.parametrize("why", ["force_rerun", "not deterministic", "assumed away"])
def test_a_node_that_must_run_again_does(make_cloud: Callable[..., Cloud], why: str) -> None:
    assumed = Assumptions(reuses_deterministic_nodes=why != "assumed away")
    cloud = make_cloud(assumed)
    component = {"type": "command", "environment": "azureml:env:1", "command": "true"}
    component["is_deterministic"] = why != "not deterministic"
    node = {"type": "command", "component": component, "compute": "azureml:cpu"}
    pipeline = {"settings": {"force_rerun": why == "force_rerun"}, "jobs": {"work": node}}
    cloud.run(pipeline)
    second = cloud.run(pipeline)

    assert "azureml.isreused" not in cloud.children(second)["work"].properties


def test_a_spark_node_runs_through_spark_submit(make_cloud: Callable[..., Cloud], tmp_path: Path) -> None:
    # A stand-in for pyspark's script: it drops the options and runs the file.
    script = tmp_path / "spark-submit"
    script.write_text('#!/bin/sh\nwhile [ "$1" = --conf ]; do shift 2; done\nexec python "$@"\n')
    script.chmod(0o755)
    cloud = make_cloud(spark_submit=[str(script)])
    cloud.write("src/etl.py", "import sys; print(sys.argv[1:])")
    conf = {"spark.driver.cores": 1, "spark.driver.memory": "1g", "spark.executor.cores": 1}
    conf |= {"spark.executor.memory": "1g", "spark.executor.instances": 1}
    node = {
        "type": "spark",
        "code": "./src",
        "entry": {"file": "etl.py"},
        "conf": conf,
        "args": "--n ${{inputs.n}}",
        "inputs": {"n": 3},
        "resources": {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"},
    }
    name = cloud.run({"jobs": {"etl": node}})

    assert cloud.log(name, "etl") == "['--n', '3']\n"
