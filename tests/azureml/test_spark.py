"""Spark steps on Azure ML: native Spark nodes, their settings, and what a driver is given that runs none of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.azureml import client
from specflow.targets.azureml.given import with_given
from tests.azureml.conftest import RUN
from tests.azureml.test_compile import Make

STEP = "{engine: spark, code: code, run: main.py%s}"
FILES = {"code/main.py": "pass\n"}
PROFILE = "specflow: 1\nprofile: dev\nprofiles:\n  dev:\n    "


def test_a_spark_step_is_a_spark_node(project: Make) -> None:
    text = "steps:\n  fill: {engine: spark, code: code, run: main.py x, timeout: 5m, env: {A: b}, cache: false}\n"
    artifact = project(text, FILES)

    assert [] == artifact.told
    assert {
        "type": "spark",
        "display_name": "fill",
        "component": {
            "type": "spark",
            "code": "code/fill",
            "entry": {"file": "start.py"},
            "args": "step.json --target azureml --in-process --placeholders --record ${{outputs.record}}",
            "is_deterministic": False,
            "conf": {
                "spark.driver.cores": 4,
                "spark.driver.memory": "28g",
                "spark.executor.cores": 4,
                "spark.executor.memory": "28g",
                "spark.executor.instances": 1,
            },
            "outputs": {"record": {"type": "uri_folder", "mode": "direct"}},
        },
        "resources": {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"},
        "outputs": {"record": {"type": "uri_folder", "mode": "direct"}},
    } == artifact.pipeline["jobs"]["fill"]
    note = artifact.note("fill")
    assert (300, {"A": ["value", "b"]}) == (note["timeout_s"], note["attempt"]["env"])
    assert {"start.py", "step.json"} < {name.removeprefix("code/fill/") for name in artifact.compiled.files}


# What the compute is, what the profile binds it to, and what the node says of it.
E4 = {"instance_type": "standard_e4s_v3", "runtime_version": "3.4"}
COMPUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("{cpus: 16}", "serverless", {"resources": {**E4, "instance_type": "standard_e16s_v3"}, "cores": 16, "count": 1}),
    (
        "{memory: 40GiB, nodes: 3}",
        "",
        {"resources": {**E4, "instance_type": "standard_e8s_v3"}, "cores": 8, "count": 3},
    ),
    ("{autoscale: {min: 2, max: 5}}", "", {"resources": E4, "cores": 4, "count": 2, "range": [2, 5]}),
    ("{nodes: 2}", "azureml:pool", {"compute": "azureml:pool", "cores": 4, "count": 2}),
    (
        "{nodes: 2}",
        '{instance_type: Standard_E32s_v3, runtime_version: "3.5", conf: {spark.executor.cores: 2}}',
        {"resources": {"instance_type": "standard_e32s_v3", "runtime_version": "3.5"}, "cores": 2, "count": 2},
    ),
]


@pytest.mark.parametrize(("need", "binding", "expected"), COMPUTES)
def test_a_compute_is_spark_of_that_size(
    project: Make, tmp_path: Path, need: str, binding: str, expected: dict[str, Any]
) -> None:
    profile = f"{PROFILE}computes: {{big: {{azureml: {binding}}}}}\n" if binding else f"{PROFILE}variables: {{a: b}}\n"
    text = f"computes: {{big: {need}}}\nsteps:\n  fill: {STEP % ', compute: big'}\n"
    artifact = project(text, {**FILES, "specflow.yaml": profile})
    node = artifact.pipeline["jobs"]["fill"]
    conf = node["conf"]
    found = {key: node[key] for key in ("compute", "resources") if key in node}
    found |= {"cores": conf["spark.executor.cores"], "count": conf["spark.executor.instances"]}
    if "spark.dynamicAllocation.enabled" in conf:
        found["range"] = [conf[f"spark.dynamicAllocation.{end}Executors"] for end in ("min", "max")]

    assert expected == found
    client._silence()
    loaded = client.loaded("job", artifact.text("pipeline.yml"), artifact.write(tmp_path / "artifact"))
    assert loaded._validate().passed


ADD = 'add to the profile: computes: {big: {azureml: {instance_type: standard_e4s_v3, runtime_version: "3.4"}}}'
# The pipeline's need, the step's own words, the profile, what is told, and the help.
FAULTS = [
    (
        "{cpus: 100}",
        ", compute: big",
        "variables: {a: b}",
        'error unknown-compute 5: no size of serverless Spark has what the compute "big" asks for',
        'bind it to a Spark pool: computes: {big: {azureml: "azureml:<attached pool>"}}',
    ),
    (
        "{cpus: 1}",
        ", compute: wide",
        "computes: {wide: {databricks: serverless}}",
        'error unknown-compute 5: the profile does not say what the compute "wide" is on azureml',
        ADD.replace("big", "wide"),
    ),
    (
        "{cpus: 1}",
        "",
        "computes: {default: {azureml: 'azureml:cpu'}}",
        'error unknown-compute 5: the Spark step "fill" names no compute, and the default "azureml:cpu" is one for '
        "commands",
        "name a compute, and " + ADD.replace("big", "spark"),
    ),
    (
        "{cpus: 1}",
        ", compute: big",
        "computes: {big: {azureml: {instance_type: Standard_DS3_v2}}}",
        'error unknown-compute 5: the profile binds the compute "big" to "Standard_DS3_v2", and Spark has '
        "standard_e4s_v3, standard_e8s_v3, standard_e16s_v3, standard_e32s_v3, standard_e64s_v3",
        ADD,
    ),
    (
        "{cpus: 1}",
        ", compute: big",
        "computes: {big: {azureml: {instance_count: 2}}}",
        'error unknown-compute 5: the profile binds the compute "big" by "instance_count", and Spark has compute, '
        "conf, instance_type, runtime_version",
        ADD,
    ),
    (
        "{cpus: 1}",
        ", compute: big",
        "computes: {big: {azureml: {compute: 'azureml:pool', instance_type: standard_e4s_v3}}}",
        'error unknown-compute 5: the profile binds the compute "big" to a Spark pool and to a size; it can only be '
        "one of them",
        ADD,
    ),
    (
        "{cpus: 1, spot: true}",
        ", compute: big",
        "variables: {a: b}",
        "warning approximated 5: azureml: Spark has no spot machines",
        "",
    ),
    (
        "{cpus: 1}",
        ", environment: {image: 'x:1'}",
        "variables: {a: b}",
        'error unsupported 5: azureml: "fill" runs on Spark, which comes with an image of its own',
        "name what it needs in `dependencies`",
    ),
    (
        "{cpus: 1}",
        ", environment: {wheels: [code/x-1-py3-none-any.whl]}",
        "variables: {a: b}",
        'error unsupported 5: azureml: "fill" runs on Spark, whose executors can\'t be given wheels',
        "publish them to an index and name them in `dependencies`, or bind a registered environment",
    ),
]


@pytest.mark.parametrize(("need", "words", "profile", "expected", "help_"), FAULTS, ids=[row[3][:60] for row in FAULTS])
def test_a_setting_that_spark_can_not_have_is_told_with_the_way_out(
    project: Make, need: str, words: str, profile: str, expected: str, help_: str
) -> None:
    files = {**FILES, "code/x-1-py3-none-any.whl": "", "specflow.yaml": f"{PROFILE}{profile}\n"}
    artifact = project(f"computes: {{big: {need}}}\nsteps:\n  fill: {STEP % words}\n", files)

    assert [expected] == [told for told in artifact.told if "unlocked" not in told]
    assert help_ in [found.help or "" for found in artifact.findings]


def test_a_patch_may_say_where_it_runs_and_not_what(project: Make) -> None:
    profile = {**FILES, "specflow.yaml": f"{PROFILE}computes: {{default: {{azureml: 'azureml:cpu'}}}}\n"}
    patched = project(f"steps:\n  fill: {STEP % ', x-azureml: {compute: azureml:pool, resources: null}'}\n", profile)
    node = patched.pipeline["jobs"]["fill"]

    assert ("azureml:pool", False) == (node["compute"], "resources" in node)
    refused = project(f"steps:\n  fill: {STEP % ', x-azureml: {args: other}'}\n", FILES)
    assert any(told.startswith('error patch-refused 4: "args"') for told in refused.told), refused.told


def test_a_list_that_is_given_comes_as_addresses(project: Make) -> None:
    text = """\
inputs:
  tables: {type: file, many: true, optional: true}
steps:
  fill: {uses: code, inputs: {tables: "${{ inputs.tables }}"}, cache: false}
  more: {uses: code, inputs: {tables: "${{ inputs.tables }}"}}
"""
    step = "specflow: 1\nname: code\nengine: spark\ninputs: {tables: {type: file, many: true, optional: true}}\n"
    artifact = project(text, {**FILES, "code/step.yaml": f'{step}run: [main.py, "$[[${{{{ inputs.tables }}}}]]"]\n'})
    run = {"id": RUN, "date": "2026-01-01"}
    jobs = with_given(artifact.pipeline, artifact.compiled.native, {"tables": ["a.csv", "b.csv"]}, {}, run)["jobs"]

    for node in jobs.values():
        path = "${{parent.inputs.tables__1}}"
        assert {"type": "uri_file", "mode": "direct", "path": path} == node["inputs"]["tables__1"]
        args = node.get("component", node)["args"]
        assert args.endswith("--input tables=${{inputs.tables__0}} --input tables=${{inputs.tables__1}}")
    assert {"type": "uri_file", "mode": "direct"} == jobs["fill"]["component"]["inputs"]["tables__1"]


# A job for the real Spark: each node is a driver of its own.
#
#   flaky -> summary (its table by mount, its value by record)
#   late (over its time) -> handler
LIFE = """\
inputs:
  words: {type: file}
  more: {type: file, many: true, optional: true}
steps:
  flaky:
    uses: spark
    inputs: {words: "${{ inputs.words }}", more: "${{ inputs.more }}", text: 'it''s $x; é "', way: flaky}
    retry: {attempts: 2}
  summary:
    run:
      - python
      - -c
      - |
        import pathlib, sys
        table, note, count, out = sys.argv[1:]
        parts = "".join(part.read_text() for part in sorted(pathlib.Path(table).glob("part-*")))
        left = sorted(path.name for path in pathlib.Path(table).iterdir() if not path.name.startswith("part-"))
        pathlib.Path(out).write_text(f"{parts}{pathlib.Path(note).read_text()} {count} {left}")
      - ${{ steps.flaky.outputs.counts }}
      - ${{ steps.flaky.outputs.note }}
      - ${{ steps.flaky.outputs.count }}
      - ${{ outputs.said }}
    outputs: {said: {type: file, format: txt}}
  late:
    uses: spark
    inputs: {words: "${{ inputs.words }}", text: "", way: late}
    timeout: 15s
  handler: {run: echo handled, after: [late], when: "${{ failure() }}"}
outputs:
  counts: {from: "${{ steps.flaky.outputs.counts }}", register: {name: word_counts}}
  said: {from: "${{ steps.summary.outputs.said }}"}
"""
SPARK = """\
specflow: 1
name: spark
engine: spark
inputs:
  words: {type: file}
  more: {type: file, many: true, optional: true}
  text: {type: string}
  way: {type: string}
outputs:
  counts: {type: folder, format: csv}
  note: {type: file, format: txt}
  count: {type: integer}
secrets: [TOKEN]
run: [count.py, "${{ inputs.way }}", "${{ inputs.words }}", "${{ inputs.text }}", "${{ outputs.counts }}",
  "${{ outputs.note }}", "${{ outputs.count }}", "$[[${{ inputs.more }}]]"]
"""
COUNT = """\
import os, sys, time
from pyspark.sql import SparkSession, functions as F
import beside
way, words, text, counts, note, count, *more = sys.argv[1:]
assert all("://" in path for path in (words, counts, *more)), sys.argv
spark = SparkSession.builder.getOrCreate()
table = spark.read.text([words, *more]).select(F.explode(F.split("value", " ")).alias("word"))
table = table.groupBy("word").count().orderBy("word").coalesce(1)
table.write.mode("overwrite").csv(counts)
if way == "late":
    spark.range(1).foreach(lambda row: time.sleep(600))
attempt = os.environ["SPECFLOW_ATTEMPT"]
beside.SEEN.append(attempt)
if attempt == "1":
    sys.exit("not yet")
assert beside.SEEN == ["2"], beside.SEEN
open(note, "w", encoding="utf-8").write(f"{text}|{os.environ['TOKEN'][::-1]}|{os.environ['SPECFLOW_RUN_ID']}")
open(count, "w").write(str(table.count()))
"""


@pytest.mark.slow
def test_spark_steps_live_as_others_do(project: Make, make_workspace: Any, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason='pip install "specflow[spark]"')
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java on PATH, or JAVA_HOME")
    files = {"spark/step.yaml": SPARK, "spark/count.py": COUNT, "spark/beside.py": "SEEN = []\n"}
    artifact = project(LIFE, files)
    assert not [told for told in artifact.told if told.startswith("error")]
    for name, text in (("words", "to be or\nnot to be\n"), ("more", "that is\n"), ("most", "the question\n")):
        (tmp_path / f"{name}.txt").write_text(text)
    workspace = make_workspace({"secrets": {"TOKEN": "drow-ssap"}})
    more = [tmp_path / "more.txt", tmp_path / "most.txt"]
    job = workspace.submit(artifact, words=tmp_path / "words.txt", more=more)
    status = workspace.wait(job, 400)

    logs = {step: workspace.client.log(job, step) for step in ("flaky", "late", "summary")}
    flaky, late = workspace.record(job, "flaky"), workspace.record(job, "late")
    assert ("succeeded", 2, {"count": 8}) == (flaky["state"], flaky["attempts"], flaky["values"]), logs["flaky"]
    assert ("failed", "timeout after 15 s") == (late["state"], late["reason"]), logs["late"]
    assert "handled\n" in workspace.client.log(job, "handler")
    record = workspace.record(job, "summary")
    said = workspace.client.fetch(job, "summary", "said", record, tmp_path).read_text(encoding="utf-8")
    table = "be,2\nis,1\nnot,1\nor,1\nquestion,1\nthat,1\nthe,1\nto,2\n"
    assert f"{table}it's $x; é \"|pass-word|{RUN} 8 ['_SUCCESS']" == said
    assert "failed" == status.state  # for "late", though that was handled
    assert "drow-ssap" not in json.dumps(logs)
    assert "copy__counts" in artifact.pipeline["jobs"]  # what Spark leaves is not registered
