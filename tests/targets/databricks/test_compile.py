"""What each word of the language becomes in a bundle."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.targets.databricks.project import Project, bundle_of, bytes_of, files_of, job_of, tasks_of

COMMON = [
    "--target=databricks",
    "--run={{job.parameters.specflow_run}}",
    "--date={{job.start_time.iso_date}}",
    "--root={{job.parameters.specflow_root}}/{{job.parameters.specflow_run}}",
    "--attempt={{task.execution_count}}",
    "--repair={{job.repair_count}}",
]

SPEC = """\
description: Says hello.
tags: {team: ml}
inputs:
  word: {type: string, default: "hello world"}
  count: {type: integer, default: 3}
steps:
  say:
    run: [echo, "${{ inputs.word }}", "${{ outputs.said }}"]
    outputs: {said: {type: file}}
    retry: {attempts: 3, delay: 10s, backoff: 2}
    timeout: 5m
  hear:
    run: [cat, "${{ steps.say.outputs.said }}"]
schedule: {cron: "0 6 * * 1", timezone: Europe/Berlin, enabled: false}
notify: {on_failure: [ml-team@example.com]}
timeout: 2h
"""

JOB = """\
# Made by specflow from the pipeline demo; compile it again rather than change it.
resources:
  jobs:
    demo:
      name: demo
      description: Says hello.
      tags:
        team: ml
        specflow: demo
      schedule:
        quartz_cron_expression: "0 0 6 ? * MON"
        timezone_id: Europe/Berlin
        pause_status: PAUSED
      email_notifications:
        on_failure:
          - ml-team@example.com
      timeout_seconds: 7200
      max_concurrent_runs: 1
      queue:
        enabled: true
      parameters:
        - name: specflow_root
          default: ${var.specflow_store}/demo
        - name: specflow_run
          default: "{{job.run_id}}"
        - name: word
          default: "~aGVsbG8gd29ybGQ"
        - name: count
          default: "3"
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
      tasks:
        - task_key: say
          environment_key: default
          disable_auto_optimization: true
          spark_python_task:
            python_file: ../launcher/start.py
            parameters:
              - ${workspace.file_path}/src/say/step.json
              - --target=databricks
              - --run={{job.parameters.specflow_run}}
              - --date={{job.start_time.iso_date}}
              - --root={{job.parameters.specflow_root}}/{{job.parameters.specflow_run}}
              - --attempt={{task.execution_count}}
              - --repair={{job.repair_count}}
              - --input=word={{job.parameters.word}}
          max_retries: 2
          timeout_seconds: 380
          retry_on_timeout: true
        - task_key: hear
          environment_key: default
          disable_auto_optimization: true
          depends_on:
            - task_key: say
          spark_python_task:
            python_file: ../launcher/start.py
            parameters:
              - ${workspace.file_path}/src/hear/step.json
              - --target=databricks
              - --run={{job.parameters.specflow_run}}
              - --date={{job.start_time.iso_date}}
              - --root={{job.parameters.specflow_root}}/{{job.parameters.specflow_run}}
              - --attempt={{task.execution_count}}
              - --repair={{job.repair_count}}
"""

BUNDLE = """\
# Made by specflow from the pipeline demo; compile it again rather than change it.
bundle:
  name: demo
include:
  - "resources/*.yml"
sync:
  include:
    - "launcher/**"
    - "src/**"
variables:
  specflow_store:
    description: The volume that outputs of runs lie on.
    default: /Volumes/main/ml/runs
  owner:
    default: the team's
  share:
    default: "0.25"
targets:
  prod:
    default: true
    workspace:
      host: https://adb-1.2.azuredatabricks.net
      root_path: /Workspace/Shared/specflow/${bundle.name}/${bundle.target}
"""

PROFILE = """\
specflow: 1
profiles:
  prod:
    variables: {owner: "the team's", share: 0.25}
    store: {databricks: /Volumes/main/ml/runs}
    targets:
      databricks: {host: "https://adb-1.2.azuredatabricks.net", root: /Workspace/Shared/specflow}
"""


def test_a_job_reads_as_one_would_write_it(project: Project) -> None:
    made = project.compile(SPEC)

    assert JOB == bytes_of(made, "resources/demo.job.yml").decode()


def test_a_profile_is_the_bundles_target_and_its_variables_the_bundles(project: Project) -> None:
    project.write(PROFILE, "specflow.yaml")

    made = project.compile("steps:\n  a: {run: [echo, hi]}\n", "prod")

    assert BUNDLE == bytes_of(made, "databricks.yml").decode()


def test_a_variable_of_a_profile_keeps_its_name(project: Project) -> None:
    project.write("specflow: 1\nprofiles: {dev: {variables: {store: mine}}}\n", "specflow.yaml")
    variables = bundle_of(project.compile("steps:\n  a: {run: [echo, hi]}\n", "dev"))["variables"]

    assert ({"default": "mine"}, "/Volumes/main/default/specflow") == (
        variables["store"],
        variables["specflow_store"]["default"],
    )


def test_a_step_is_a_small_folder_and_the_launcher_is_there_once(project: Project) -> None:
    project.write("print('hi')\n", "code/a.py")
    project.write("print('hi')\n", "code/sub/b.py")
    project.write("ignored", "code/.gitignore")

    made = project.compile("steps:\n  a: {run: [python, a.py], code: code}\n  b: {run: [echo, hi]}\n")
    names = [name for name in files_of(made) if not name.startswith("launcher/specflow/")]

    assert [
        "databricks.yml",
        "launcher/start.py",
        "resources/demo.job.yml",
        "src/a/code/a.py",
        "src/a/code/sub/b.py",
        "src/a/step.json",
        "src/b/step.json",
    ] == names


def test_instances_of_a_matrix_share_a_folder_and_a_note(project: Project) -> None:
    project.write(
        'specflow: 1\nname: say\ninputs: {word: {type: string}}\nrun: [echo, "${{ inputs.word }}"]\n', "say/step.yaml"
    )
    project.write("x", "say/a.txt")
    call = 'uses: say, matrix: {word: [one, two words]}, inputs: {word: "${{ matrix.word }}"}'
    made = project.compile(f"steps:\n  a: {{{call}}}\n")
    tasks = tasks_of(job_of(made))

    assert ["a__0", "a__1"] == list(tasks)
    assert ["src/a/code/a.txt", "src/a/step.json"] == [name for name in files_of(made) if name.startswith("src/")]
    assert "--id=a__1" in tasks["a__1"]["spark_python_task"]["parameters"]
    assert "--value=word=~dHdvIHdvcmRz" in tasks["a__1"]["spark_python_task"]["parameters"]


def test_what_only_a_launcher_can_decide_is_started_whatever_came_before(project: Project) -> None:
    job = project.job(
        "steps:\n"
        "  a: {run: [echo, hi]}\n"
        "  b: {run: [echo, hi], after: [a]}\n"
        '  c: {run: [echo, hi], after: [b], when: "${{ failure() }}"}\n'
        '  d: {run: [echo, hi], after: [c], when: "${{ success() }}"}\n'
    )
    tasks = tasks_of(job)

    assert {"a": None, "b": None, "c": "ALL_DONE", "d": None, "_verdict": "ALL_DONE"} == {
        key: task.get("run_if") for key, task in tasks.items()
    }
    assert [{"task_key": "d"}] == tasks["_verdict"]["depends_on"]
    assert "--verdict" in tasks["_verdict"]["spark_python_task"]["parameters"]


def test_no_verdict_is_needed_where_the_platform_comes_to_the_same(project: Project) -> None:
    job = project.job(
        'steps:\n  a: {run: [touch, "${{ outputs.o }}"], outputs: {o: {type: file}}}\n'
        '  b: {run: [cat, "${{ steps.a.outputs.o }}"]}\n'
        'outputs:\n  o: {from: "${{ steps.a.outputs.o }}"}\n'
    )

    assert ["a", "b"] == list(tasks_of(job))


def test_a_promised_output_of_a_step_that_may_be_skipped_needs_a_verdict(project: Project) -> None:
    made = project.compile(
        "inputs:\n  x: {type: boolean, default: false}\n"
        'steps:\n  a:\n    when: "${{ inputs.x }}"\n    run: [touch, "${{ outputs.o }}"]\n'
        "    outputs: {o: {type: file, optional: true}}\n"
        'outputs:\n  o: {from: "${{ steps.a.outputs.o }}"}\n'
    )
    note = json.loads(bytes_of(made, "src/_verdict/verdict.json"))

    assert {"steps": ["a"], "outputs": {"o": {"tree": ["output", "a", "o"], "optional": False}}} == note["verdict"]


def test_concurrency_is_lanes_of_tasks(project: Project) -> None:
    """Of a0 … a4 at most two run at once: a2 is behind a0, a3 behind a1, a4 behind a2."""
    steps = "".join(f"  a{number}: {{run: [echo, hi]}}\n" for number in range(5))
    tasks = tasks_of(project.job(f"concurrency: 2\nsteps:\n{steps}"))
    behind = {key: [one["task_key"] for one in task.get("depends_on", ())] for key, task in tasks.items()}

    assert {"a0": [], "a1": [], "a2": ["a0"], "a3": ["a1"], "a4": ["a2"], "_verdict": ["a3", "a4"]} == behind
    assert "ALL_DONE" == tasks["a2"]["run_if"]


def test_a_task_waits_no_longer_than_its_launcher_does(project: Project) -> None:
    project.write("# Databricks notebook source\n", "look.py")
    made = project.compile(
        "steps:\n"
        "  a: {run: [echo, hi], timeout: 1h, retry: {attempts: 40, delay: 30s, backoff: 2}}\n"
        "  look: {notebook: look.py, retry: {attempts: 2, delay: 30d}}\n"
    )
    tasks = tasks_of(job_of(made))

    assert 3600 + 24 * 3600 + 60 == tasks["a"]["timeout_seconds"]
    assert 24 * 3600 * 1000 == tasks["look"]["min_retry_interval_millis"]


def test_fail_fast_is_a_mark_in_the_runs_folder(project: Project) -> None:
    tasks = tasks_of(project.job("fail_fast: true\nsteps:\n  a: {run: [echo, hi]}\n"))
    root = "{{job.parameters.specflow_root}}/{{job.parameters.specflow_run}}"

    assert f"--halt={root}/failed-{{{{job.repair_count}}}}" in tasks["a"]["spark_python_task"]["parameters"]


COMPUTES = """\
specflow: 1
profiles:
  dev:
    computes:
      bound: {databricks: {node_type_id: Standard_D13_v2, num_workers: 0, policy_id: ABC}}
      pool: {databricks: {instance_pool_id: P1, spark_version: 15.4.x-cpu-ml-scala2.12, num_workers: 2}}
      there: {databricks: 0923-164208-meows279}
      there_too: {databricks: {existing_cluster_id: 0923-164208-meows280}}
      none: {databricks: serverless}
"""


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        (
            "{cpus: 6, memory: 20GiB}",
            {
                "spark_version": "16.4.x-scala2.12",
                "node_type_id": "Standard_D8ds_v5",
                "data_security_mode": "SINGLE_USER",
                "num_workers": 0,
                "is_single_node": True,
                "kind": "CLASSIC_PREVIEW",
            },
        ),
        (
            "{gpus: 1, spot: true}",
            {
                "spark_version": "16.4.x-gpu-ml-scala2.12",
                "node_type_id": "Standard_NC4as_T4_v3",
                "data_security_mode": "SINGLE_USER",
                "num_workers": 0,
                "is_single_node": True,
                "kind": "CLASSIC_PREVIEW",
                "azure_attributes": {"availability": "SPOT_WITH_FALLBACK_AZURE", "first_on_demand": 0},
            },
        ),
        (
            "{nodes: 3, spot: true}",
            {
                "spark_version": "16.4.x-scala2.12",
                "node_type_id": "Standard_D4ds_v5",
                "data_security_mode": "SINGLE_USER",
                "num_workers": 3,
                "azure_attributes": {"availability": "SPOT_WITH_FALLBACK_AZURE", "first_on_demand": 1},
            },
        ),
        (
            "{autoscale: {min: 1, max: 4}}",
            {
                "spark_version": "16.4.x-scala2.12",
                "node_type_id": "Standard_D4ds_v5",
                "data_security_mode": "SINGLE_USER",
                "autoscale": {"min_workers": 1, "max_workers": 4},
            },
        ),
    ],
)
def test_a_need_is_a_job_cluster(project: Project, need: str, expected: dict[str, Any]) -> None:
    job = project.job(
        f"computes:\n  big: {need}\nsteps:\n  a: {{run: a.py, engine: spark, compute: big, code: code}}\n"
        if project.write("", "code/a.py")
        else ""
    )

    assert [{"job_cluster_key": "big", "new_cluster": expected}] == job["job_clusters"]
    assert "big" == tasks_of(job)["a"]["job_cluster_key"]
    assert "environments" not in job


def test_a_compute_is_what_the_profile_says(project: Project) -> None:
    project.write(COMPUTES, "specflow.yaml")
    names = ("bound", "pool", "there", "there_too", "none")
    steps = "".join(f"  s_{name}: {{run: [echo, hi], compute: {name}}}\n" for name in names)
    job = project.job(f"steps:\n{steps}", "dev")
    words = ("existing_cluster_id", "job_cluster_key", "environment_key")

    assert {
        "s_bound": {"job_cluster_key": "bound"},
        "s_pool": {"job_cluster_key": "pool"},
        "s_there": {"existing_cluster_id": "0923-164208-meows279"},
        "s_there_too": {"existing_cluster_id": "0923-164208-meows280"},
        "s_none": {"environment_key": "default"},
    } == {key: {word: task[word] for word in words if word in task} for key, task in tasks_of(job).items()}
    assert {
        "bound": {
            "spark_version": "16.4.x-scala2.12",
            "data_security_mode": "SINGLE_USER",
            "node_type_id": "Standard_D13_v2",
            "policy_id": "ABC",
            "num_workers": 0,
            "is_single_node": True,
            "kind": "CLASSIC_PREVIEW",
        },
        "pool": {
            "data_security_mode": "SINGLE_USER",
            "instance_pool_id": "P1",
            "spark_version": "15.4.x-cpu-ml-scala2.12",
            "num_workers": 2,
        },
    } == {one["job_cluster_key"]: one["new_cluster"] for one in job["job_clusters"]}


def test_an_image_needs_a_cluster_of_its_own_that_shows_it_the_volumes(project: Project) -> None:
    project.write(
        "specflow: 1\n"
        "profiles:\n"
        "  dev:\n"
        "    computes:\n"
        "      more: {databricks: {spark_conf: {spark.x: y}}}\n"
        "      less: {databricks: {spark_conf: {spark.databricks.unityCatalog.volumes.enabled: 'false'}}}\n",
        "specflow.yaml",
    )
    job = project.job(
        "computes: {gpu: {gpus: 1}}\n"
        "environments: {own: {image: example.azurecr.io/ml/train:3}}\n"
        "steps:\n"
        "  a: {run: [echo, hi], environment: own}\n"
        "  b: {run: [echo, hi], environment: own, compute: gpu}\n"
        "  c: {run: [echo, hi], environment: own, compute: more}\n"
        "  d: {run: [echo, hi], environment: own, compute: less}\n",
        "dev",
    )
    clusters = {one["job_cluster_key"]: one["new_cluster"] for one in job["job_clusters"]}

    volumes = "spark.databricks.unityCatalog.volumes.enabled"
    assert {
        "default": {volumes: "true"},
        "gpu": {volumes: "true"},
        "more": {volumes: "true", "spark.x": "y"},
        "less": {volumes: "false"},
    } == {key: cluster["spark_conf"] for key, cluster in clusters.items()}
    assert {"16.4.x-scala2.12"} == {cluster["spark_version"] for cluster in clusters.values()}
    assert "Standard_NC4as_T4_v3" == clusters["gpu"]["node_type_id"]
    assert {"url": "example.azurecr.io/ml/train:3"} == clusters["default"]["docker_image"]


def test_packages_are_an_environment_shared_by_those_who_ask_for_the_same(project: Project) -> None:
    project.write("PK", "wheels/own-1.0-py3-none-any.whl")
    made = project.compile(
        "environments:\n"
        "  named: {python: '>=3.10,<3.12', dependencies: [pandas>=2]}\n"
        "steps:\n"
        "  a: {run: [echo, hi], environment: named}\n"
        "  b: {run: [echo, hi], environment: {python: '>=3.10,<3.12', dependencies: [pandas>=2]}}\n"
        "  c:\n"
        "    run: [echo, hi]\n"
        "    environment: {dependencies: [\"six; python_version < '4'\"], wheels: [wheels/own-1.0-py3-none-any.whl]}\n"
        "  d: {run: [echo, hi]}\n"
    )
    job = job_of(made)
    (wheel,) = (name for name in files_of(made) if name.endswith(".whl"))

    assert ["named", "named", "c", "default"] == [task["environment_key"] for task in job["tasks"]]
    assert {
        "named": {"environment_version": "2", "dependencies": ["pandas>=2"]},
        "c": {
            "environment_version": "4",
            "dependencies": ["-r ${workspace.file_path}/environments/c.txt", f"${{workspace.file_path}}/{wheel}"],
        },
        "default": {"environment_version": "4"},
    } == {one["environment_key"]: one["spec"] for one in job["environments"]}
    assert b"six; python_version < '4'\n" == bytes_of(made, "environments/c.txt")


def test_packages_on_a_cluster_are_libraries_of_the_task(project: Project) -> None:
    project.write("--index" + "-url https://pypi.example.com/simple\npandas\n", "needs.txt")
    job = project.job(
        "computes:\n  big: {cpus: 4}\n"
        "steps:\n"
        "  a: {run: [echo, hi], compute: big, environment: {dependencies: [pandas>=2, pyarrow]}}\n"
        "  b: {run: [echo, hi], compute: big, environment: {requirements: needs.txt}}\n"
    )

    assert [{"pypi": {"package": "pandas>=2"}}, {"pypi": {"package": "pyarrow"}}] == job["tasks"][0]["libraries"]
    assert [{"requirements": "${workspace.file_path}/environments/b.txt"}] == job["tasks"][1]["libraries"]


def test_a_registered_environment_is_what_the_profile_says(project: Project) -> None:
    project.write(
        "specflow: 1\nprofiles:\n  dev:\n    environments:\n"
        "      base: {databricks: /Workspace/Shared/env.yaml}\n"
        "      spec: {databricks: {dependencies: [pandas==2.2.2]}}\n",
        "specflow.yaml",
    )
    job = project.job(
        "steps:\n  a: {run: [echo, hi], environment: base}\n  b: {run: [echo, hi], environment: spec}\n", "dev"
    )

    assert [
        {"environment_key": "base", "spec": {"base_environment": "/Workspace/Shared/env.yaml"}},
        {"environment_key": "spec", "spec": {"environment_version": "4", "dependencies": ["pandas==2.2.2"]}},
    ] == job["environments"]


def test_data_travels_in_the_bundle_or_lies_on_a_volume(project: Project) -> None:
    project.write("1\n", "data/table.csv")
    made = project.compile(
        "data:\n"
        "  here: {type: file, location: data/table.csv}\n"
        "  there: {type: file, location: {local: data/table.csv, databricks: /Volumes/main/ml/data/table.csv}}\n"
        "steps:\n"
        '  a: {run: [cat, "${{ data.here }}", "${{ data.there }}"]}\n'
    )
    parameters = tasks_of(job_of(made))["a"]["spark_python_task"]["parameters"]

    assert "--data=here=${workspace.file_path}/data/here/table.csv" in parameters
    assert "--data=there=/Volumes/main/ml/data/table.csv" in parameters
    assert {"here": "data/here/table.csv", "there": None} == {
        key: entry.get("path") for key, entry in made.native["data"].items()
    }


def test_notebooks_travel_under_names_that_the_workspace_leaves_alone(project: Project) -> None:
    project.write("{}", "code/other.ipynb")
    project.write("# Databricks notebook source\nprint(1)\n", "code/helper.py")
    project.write('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "run.ipynb")
    made = project.compile("steps:\n  a: {notebook: run.ipynb, code: code}\n")
    note = json.loads(bytes_of(made, "src/a/step.json"))

    assert {
        "code/helper.py.file": None,
        "code/other.ipynb.file": None,
        "notebook/run.ipynb.file": None,
    } == dict.fromkeys(
        name.removeprefix("src/a/") for name in files_of(made) if name.startswith("src/a/") and name.endswith(".file")
    )
    assert {"helper.py.file": "helper.py", "other.ipynb.file": "other.ipynb"} == note["renamed"]
    assert "notebook/run.ipynb.file" == note["attempt"]["notebook"]["path"]


def test_a_source_notebook_stands_between_tasks_of_ours(project: Project) -> None:
    project.write("# Databricks notebook source\nprint(1)\n", "look.py")
    made = project.compile(
        "inputs:\n  word: {type: string, default: hi}\n"
        'steps:\n  look: {notebook: look.py, inputs: {word: "${{ inputs.word }}"}, outputs: {o: {type: file}}}\n'
    )
    tasks = tasks_of(job_of(made))
    folder = "{{job.parameters.specflow_root}}/{{job.parameters.specflow_run}}/look"

    assert ["look__decide", "look__runs", "look", "look__record"] == [key for key in tasks if key != "_verdict"]
    assert {
        "notebook_path": "../src/look/look.py",
        "base_parameters": {
            "word": "{{tasks.look__decide.values.word}}",
            "o": f"{folder}/outputs-{{{{task.execution_count}}}}/o",
        },
    } == tasks["look"]["notebook_task"]
    assert [{"task_key": "look__runs", "outcome": "true"}] == tasks["look"]["depends_on"]
    # A job parameter of the widget's name would be put over it.
    assert "pipeline__word" in [one["name"] for one in job_of(made)["parameters"]]


def test_a_source_notebook_lies_in_its_code(project: Project) -> None:
    project.write("# Databricks notebook source\nimport helper\n", "lib/deep/look.py")
    project.write("x = 1\n", "lib/deep/helper.py")
    project.write("# Databricks notebook source\nimport helper\n", "other.py")

    made = project.compile(
        "steps:\n  look: {notebook: lib/deep/look.py, code: lib}\n  other: {notebook: other.py, code: lib/deep}\n"
    )

    tasks = tasks_of(job_of(made))
    assert "../src/look/code/deep/look.py" == tasks["look"]["notebook_task"]["notebook_path"]
    assert "../src/other/code/other.py" == tasks["other"]["notebook_task"]["notebook_path"]
    assert {"src/look/code/deep/helper.py", "src/look/code/deep/look.py", "src/other/code/helper.py"} <= set(made.files)


def test_a_native_step_is_its_own_task(project: Project) -> None:
    job = project.job(
        "steps:\n"
        "  refresh:\n"
        "    target: databricks\n"
        "    x-databricks: {pipeline_task: {pipeline_id: abc}}\n"
        "  after: {run: [echo, hi], after: [refresh]}\n"
    )
    tasks = tasks_of(job)

    assert {"pipeline_id": "abc"} == tasks["refresh"]["pipeline_task"]
    assert [{"task_key": "refresh__record"}] == tasks["after"]["depends_on"]


def test_patches_are_merged_into_the_task_the_job_and_the_bundle(project: Project) -> None:
    project.write(
        "specflow: 1\nprofiles:\n  dev:\n    targets:\n      databricks:\n"
        "        x-databricks: {run_as: {service_principal_name: sp}}\n",
        "specflow.yaml",
    )
    made = project.compile(
        "x-databricks: {performance_target: STANDARD, permissions: [{group_name: ml, level: CAN_MANAGE_RUN}]}\n"
        "steps:\n"
        "  a: {run: [echo, hi], x-databricks: {description: greets}}\n",
        "dev",
    )
    job, bundle = job_of(made), bundle_of(made)

    assert () == made.findings
    assert "greets" == tasks_of(job)["a"]["description"]
    assert ("STANDARD", [{"group_name": "ml", "level": "CAN_MANAGE_RUN"}]) == (
        job["performance_target"],
        job["permissions"],
    )
    assert {"service_principal_name": "sp"} == bundle["run_as"]


def test_long_defaults_stay_in_the_notes(project: Project) -> None:
    job = project.job(
        f'inputs:\n  x: {{type: string, default: {"y" * 600}}}\nsteps:\n  a: {{run: [echo, "${{{{ inputs.x }}}}"]}}\n'
    )

    assert {"name": "x", "default": "~~"} in job["parameters"]
