"""Each assumption, turned round: what changes is what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.azureml.emulator import Assumptions
from tests.emulators.azureml.conftest import FOLDER, Cloud, command, reads
from tests.emulators.azureml.test_refusals import ROWS, component, pipeline, spark

HERE = Path(__file__).parent
Make = Callable[..., Cloud]


def flipped(*names: str) -> Assumptions:
    assumed = Assumptions()
    for name in names:
        assumed = assumed.flipped(name)
    return assumed


@pytest.mark.parametrize("name", [name for name, _, _ in Assumptions.rows()])
def test_each_switch_is_turned_round_in_some_test(name: str) -> None:
    text = "".join(path.read_text() for path in HERE.glob("test_*.py"))

    assert f'"{name}"' in text or f"{name}=" in text


def test_a_switch_has_a_sentence_and_a_default() -> None:
    rows = list(Assumptions.rows())

    assert all(sentence and not sentence.endswith(".") for _, _, sentence in rows)
    assert {name: default for name, default, _ in rows} == {name: getattr(Assumptions(), name) for name, _, _ in rows}


@pytest.mark.parametrize(
    ("switch", "row"),
    [
        ("refuses_unknown_settings", "a misspelt setting"),
        ("refuses_type_mismatches", "a folder for a model"),
        ("refuses_odd_names", "an experiment's name"),
        ("refuses_bare_optional_inputs", "an unset optional input outside brackets"),
        ("spark_inputs_must_be_direct", "a Spark input that is not direct"),
    ],
)
def test_what_is_refused_by_assumption_alone_is_accepted_without_it(make_cloud: Make, switch: str, row: str) -> None:
    change = ROWS[row][0]
    cloud = make_cloud(flipped(switch), spark_submit=["true"])
    cloud.write("src/etl.py", "pass")
    data = pipeline()
    change(data)
    name = cloud.submit(data)
    cloud.wait(name)

    assert cloud.status(name) == "Completed"


def test_unknown_fields_are_left_alone(make_cloud: Make) -> None:
    cloud = make_cloud(flipped("refuses_unknown_fields"))
    body = dict(cloud.emulator.service.state.get("jobs", cloud.run({"jobs": {"work": command("true")}})))
    body["jobs"]["work"]["surprise"] = 1

    assert cloud.http("PUT", "jobs/odd", {"properties": {**body, "surprise": 1}})[0] == 201


def test_changed_data_behind_one_path_is_seen(make_cloud: Make) -> None:
    source = {"type": "uri_file", "path": "azureml://datastores/main/paths/a.txt"}
    job = {"jobs": {"read": command("cat ${{inputs.a}}", inputs={"a": source})}}
    for assumed, expected in ((Assumptions(), "old"), (flipped("reuse_looks_at_data"), "new")):
        cloud = make_cloud(assumed)
        cloud.store("a.txt", "main").write_text("old")
        first = cloud.run(job)
        cloud.store("a.txt", "main").write_text("new")
        second = cloud.run(job)
        reused = cloud.children(second)["read"].properties.get("azureml.reusedrunid")

        assert (reused == cloud.children(first)["read"].name) == (expected == "old")


def test_pipeline_outputs_lie_with_the_child_that_made_them(make_cloud: Make) -> None:
    cloud = make_cloud(flipped("pipeline_outputs_lie_under_the_root"))
    node = command("echo a > ${{outputs.out}}/a", outputs={"out": "${{parent.outputs.o}}"})
    name = cloud.run({"outputs": {"o": FOLDER}, "jobs": {"make": node}})

    assert not cloud.output(name, "o").exists()
    assert (cloud.output(cloud.children(name)["make"].name, "out") / "a").read_text() == "a\n"


def test_children_may_be_named_by_component_and_appear_late(make_cloud: Make) -> None:
    cloud = make_cloud(flipped("children_are_named_by_node", "children_appear_before_they_start"))
    # bad -> never
    bad = command("exit 1", outputs={"out": FOLDER})
    name = cloud.run({"jobs": {"bad": bad, "never": command("ls ${{inputs.a}}", inputs={"a": reads("bad")})}})

    assert cloud.states(name) == {"azureml_anonymous": "Failed"}


def test_a_failed_nodes_output_may_be_dropped(make_cloud: Make) -> None:
    node = command("echo a > ${{outputs.out}}/a; exit 1", outputs={"out": FOLDER})
    for assumed, stays in ((Assumptions(), True), (flipped("failed_nodes_keep_outputs"), False)):
        cloud = make_cloud(assumed)
        name = cloud.run({"jobs": {"bad": node}})

        assert cloud.output(cloud.children(name)["bad"].name, "out").exists() == stays


@pytest.mark.parametrize(
    ("switch", "line", "on", "off"),
    [
        ("output_folders_exist", "[ -d ${{outputs.out}} ] && echo there || echo not", "there\n", "not\n"),
        ("sets_azureml_variables", 'echo "${AZUREML_RUN_ID:+set}"', "set\n", "\n"),
        ("sets_root_run_id", 'echo "${AZUREML_RUN_ID:+set} ${AZUREML_ROOT_RUN_ID:+set}"', "set set\n", "set \n"),
        ("sets_identity_variables", 'echo "${MSI_ENDPOINT:-unset} $OTHER"', "there too\n", "unset too\n"),
        ("sets_port_variables", 'echo "${AZURE_ML_INPUT_flag:-unset}"', "True\n", "unset\n"),
        ("literals_are_pasted_as_sent", "echo ${{inputs.flag}}", "True\n", "true\n"),
        ("direct_ports_are_azureml_uris", "echo ${{inputs.data}} | cut -c 1-7", "file://\n", "azureml\n"),
        ("bash_stops_at_the_first_error", "false; echo on", "on\n", ""),
    ],
)
def test_what_a_command_finds(make_cloud: Make, switch: str, line: str, on: str, off: str) -> None:
    data = {"type": "uri_folder", "path": "azureml://datastores/main/paths/d/", "mode": "direct"}
    node = command(line, inputs={"flag": True, "data": data}, outputs={"out": FOLDER})
    for assumed, expected in ((Assumptions(), on), (flipped(switch), off)):
        cloud = make_cloud(assumed, variables={"MSI_ENDPOINT": "there", "OTHER": "too"})
        name = cloud.run({"jobs": {"work": node}})

        assert cloud.log(name, "work") == expected


def test_a_taken_version_may_be_left_unnamed(make_cloud: Make) -> None:
    cloud = make_cloud(flipped("taken_asset_versions_fail_the_job"))
    out = {"type": "uri_folder", "name": "table", "version": "1"}
    job = {"settings": {"force_rerun": True}, "jobs": {"make": command("true", outputs={"out": out})}}

    assert [cloud.status(cloud.run(job)) for _ in range(2)] == ["Completed", "Completed"]


@pytest.mark.parametrize("registers", [True, False])
def test_named_outputs_of_spark_nodes(make_cloud: Make, registers: bool) -> None:
    cloud = make_cloud(Assumptions(registers_spark_outputs=registers), spark_submit=["true"])
    cloud.write("src/etl.py", "pass")
    data: dict[str, Any] = {"jobs": {}}
    out = {"type": "uri_folder", "mode": "direct", "name": "table", "version": "1"}
    spark(outputs={"out": out}, args="--out ${{outputs.out}}")(data)
    name = cloud.run(data)

    assert cloud.status(name) == "Completed"
    assert (cloud.http("GET", "data/table/versions/1")[0] == 200) == registers


@pytest.mark.parametrize("exist", [True, False])
def test_environments_of_registries(make_cloud: Make, exist: bool) -> None:
    cloud = make_cloud(Assumptions(registry_assets_exist=exist))
    spec = component(environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest")
    status, _ = cloud.http("PUT", "components/c/versions/1", {"properties": {"componentSpec": spec}})

    assert status == (201 if exist else 400)
