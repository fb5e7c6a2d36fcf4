"""What is compiled is what somebody would write by hand, the same each time, and holds nothing of this machine."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.attempt.codec import decode
from specflow.graph.features import FEATURES
from specflow.plan import load_plan, save_plan
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate
from specflow.targets.azureml.capabilities import CAPABILITIES
from tests.azureml.conftest import Artifact, compile_spec

ROOT = Path(__file__).parents[2]
Make = Callable[..., Artifact]

TRAIN = """\
inputs:
  seed: {type: integer, default: 7}
steps:
  train:
    uses: train
    matrix: {model: [ridge, forest]}
    inputs: {seed: "${{ inputs.seed }}", model: "${{ matrix.model }}"}
    retry: {attempts: 2, delay: 30s}
    timeout: 1h
"""
STEP = """\
specflow: 1
name: train
inputs:
  model: {type: string}
  seed: {type: integer}
outputs:
  fitted: {type: model}
run: [python, train.py, "${{ inputs.seed }}", "${{ inputs.model }}", "${{ outputs.fitted }}"]
"""
FILES = {"train/step.yaml": STEP, "train/train.py": "pass\n"}


def test_a_pipeline_reads_as_if_somebody_had_written_it(project: Make) -> None:
    text = project(TRAIN, FILES).text("pipeline.yml")

    assert text.startswith(
        """\
# Made by specflow from pipeline.yaml: change that, and compile again.
# az ml job create -f pipeline.yml
$schema: https://azuremlschemas.azureedge.net/latest/pipelineJob.schema.json
type: pipeline
display_name: demo
experiment_name: demo
settings:
  default_compute: serverless
  continue_on_step_failure: true
inputs:
  seed: 7
jobs:
  train__0:
    type: command
    display_name: train[model=ridge]
    code: code/train
    command: >-
      python launch.py step.json --target azureml --run "${AZUREML_ROOT_RUN_ID:-$AZUREML_RUN_ID}" --placeholders
      --id train__0 --label "train[model=ridge]"
      --value model="${{inputs.model}}"
      --input seed="${{inputs.seed}}"
      --output fitted="${{outputs.fitted}}"
      --record "${{outputs.record}}"
    environment:
      image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04
      conda_file: environments/python.yml
    limits:
      timeout: 7870
    inputs:
      model: ridge
      seed: ${{parent.inputs.seed}}
    outputs:
      fitted: {type: custom_model}
      record: {type: uri_folder}
  train__1:
"""
    )


def test_instances_share_their_folder(project: Make) -> None:
    artifact = project(TRAIN, FILES)

    assert ["code/train", "code/train"] == [job["code"] for job in artifact.pipeline["jobs"].values()]
    assert {"code"} == {name.split("/")[0] for name in artifact.compiled.files if "train" in name}


@pytest.mark.parametrize("links", [True, False])
def test_the_launcher_is_one_file_of_many_names_where_links_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    (tmp_path / "p.yaml").write_text("specflow: 1\nname: p\nsteps: {a: {run: [echo, a]}, b: {run: [echo, b]}}\n")
    plan, found = make_plan(validate(tmp_path / "p.yaml", Loader(tmp_path)), "azureml")
    assert plan is not None, found
    if not links:
        monkeypatch.setattr("os.link", refuse)

    save_plan(plan, tmp_path / "out")

    code = tmp_path / "out/azureml/code"
    archives = [code / step / "launcher.zip" for step in "ab"]
    assert archives[0].samefile(archives[1]) is links
    assert archives[0].read_bytes() == archives[1].read_bytes()
    assert not (code / "a/launch.py").samefile(code / "b/launch.py"), "what somebody may edit is a file of its own"
    assert load_plan(tmp_path / "out").document["digest"] == plan.document["digest"]


def refuse(*_: object) -> None:
    raise OSError(errno.EMLINK, "Too many links")


def test_every_feature_is_declared() -> None:
    assert set(FEATURES) == set(CAPABILITIES)


def compiled_bytes(folder: Path, seed: str) -> dict[str, bytes]:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    call = [
        sys.executable,
        "-m",
        "specflow",
        "compile",
        "specs/concrete_strength.yaml",
        "--target",
        "azureml",
        "-o",
        "out",
    ]
    subprocess.run(call, cwd=folder, env=environment, check=True, capture_output=True)
    out = folder / "out"
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_the_same_spec_gives_the_same_bytes_in_any_folder_with_any_hash_seed(tmp_path: Path) -> None:
    found = []
    for name, seed in (("here", "0"), ("some where/else", "4242")):
        folder = tmp_path / name
        for part in ("specs", "steps"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / ".git").mkdir()
        found.append(compiled_bytes(folder, seed))

    assert found[0] == found[1]
    assert not [name for name, content in found[0].items() if str(tmp_path).encode() in content]
    assert not [name for name, content in found[0].items() if str(ROOT).encode() in content]


def test_compiling_imports_neither_the_sdk_nor_the_emulator(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom specflow.spec.load import Loader\n"
        "from specflow.stages import make_plan, validate\n"
        "plan, _ = make_plan(validate(Path('specs/concrete_strength.yaml'), Loader(Path.cwd())), 'azureml')\n"
        "assert plan is not None\n"
        "vendors = ('azure', 'mlflow', 'pandas')\n"
        "print([name for name in sys.modules if name.split('.')[0] in vendors or 'emulat' in name])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=40))
def test_a_text_travels_in_characters_that_no_shell_and_no_template_reads(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        spec = Path(name) / "pipeline.yaml"
        step = {"run": ["echo", "${{ inputs.x }}"]}
        head = {"name": "demo", "inputs": {"x": {"type": "string", "default": text}}, "steps": {"say": step}}
        quoted = yaml.safe_dump(head, default_style='"')  # plain, "0E0" would be a number
        spec.write_text(f"specflow: 1\n{quoted}", encoding="utf-8")
        (Path(name) / ".git").mkdir()
        value = compile_spec(spec).pipeline["inputs"]["x"]

    assert text == decode(value)
    assert not set(value) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@+,=%-~")


# What a step says, what its node says, and what is told of it.
NODES = [
    ("cache: false", "component.is_deterministic", False),
    ("timeout: 90s", "limits.timeout", 90 + 20 + 600),
    ("timeout: 1m\n    retry: {attempts: 3, delay: 10s, backoff: 2}", "limits.timeout", 3 * 80 + 30 + 600),
    ('env: {GREETING: "hello you"}', "environment_variables", {"GREETING": "hello you"}),
    ("x-azureml: {environment_variables: {NCCL_DEBUG: INFO}}", "environment_variables", {"NCCL_DEBUG": "INFO"}),
    ("x-azureml: {identity: {type: user_identity}}", "identity.type", "user_identity"),
    ("x-azureml: {resources: {instance_count: 2}}", "resources.instance_count", 2),
    ("secrets: [HF_TOKEN]", "identity", {"type": "managed"}),
    ("environment: {image: 'my.registry/img:1'}", "environment", {"image": "my.registry/img:1"}),
]


@pytest.mark.parametrize(("words", "path", "expected"), NODES, ids=[words.split(":")[0] for words, _, _ in NODES])
def test_what_azure_ml_has_a_word_for_is_said_by_it(project: Make, words: str, path: str, expected: Any) -> None:
    artifact = project(f"steps:\n  say:\n    run: [echo, hello]\n    {words}\n")

    found: Any = artifact.pipeline["jobs"]["say"]
    for key in path.split("."):
        found = found[key]
    assert expected == found
    assert [] == artifact.told


def test_variables_that_the_launcher_itself_would_heed_stay_in_the_note(project: Make) -> None:
    artifact = project(
        "steps:\n  say:\n    run: [echo, hello]\n    env: {PYTHONPATH: lib, PATH: /bin, A: '${{ run.id }}'}\n"
    )

    assert "environment_variables" not in artifact.pipeline["jobs"]["say"]
    assert {"PYTHONPATH", "PATH", "A"} == set(artifact.note("say")["attempt"]["env"])


def test_what_follows_without_data_is_bound_to_the_record_of_what_it_follows(project: Make) -> None:
    artifact = project("steps:\n  a: {run: echo a}\n  b: {run: echo b, after: [a]}\n")

    assert {"record__a": "${{parent.jobs.a.outputs.record}}"} == artifact.pipeline["jobs"]["b"]["inputs"]


def test_a_failure_that_is_handled_ends_well_there_and_a_last_node_judges(project: Make) -> None:
    # a (fails softly) <- b (runs on failure) <- specflow_verdict
    artifact = project('steps:\n  a: {run: "false"}\n  b: {run: echo b, after: [a], when: "${{ failure() }}"}\n')

    jobs = artifact.pipeline["jobs"]
    assert ["a", "b", "specflow_verdict"] == list(jobs)
    assert artifact.note("a")["soft"]
    assert not artifact.note("b")["soft"]
    assert {"steps": ["b"], "outputs": {}} == artifact.note("specflow_verdict")["verdict"]
    assert "is_deterministic" in jobs["a"]["component"]  # what failed softly must not be taken for a result


def test_with_fail_fast_nothing_is_soft(project: Make) -> None:
    artifact = project(
        'fail_fast: true\nsteps:\n  a: {run: "false"}\n  b: {run: echo b, after: [a], when: "${{ failure() }}"}\n'
    )

    assert ["a", "b"] == list(artifact.pipeline["jobs"])
    assert not artifact.pipeline["settings"]["continue_on_step_failure"]


def test_an_output_that_is_promised_and_may_be_absent_is_judged(project: Make) -> None:
    steps = (
        "inputs:\n  go: {type: boolean, default: false}\n"
        "steps:\n  a:\n    when: ${{ inputs.go }}\n    run: [cp, x, '${{ outputs.f }}']\n"
        "    outputs: {f: {type: file}}\n"
    )
    promised = project(steps + 'outputs:\n  f: {from: "${{ steps.a.outputs.f }}"}\n')
    optional = project(steps + 'outputs:\n  f: {from: "${{ steps.a.outputs.f }}", optional: true}\n')

    assert "specflow_verdict" in promised.pipeline["jobs"]
    assert "specflow_verdict" not in optional.pipeline["jobs"]


def test_a_port_named_like_a_record_keeps_its_name(project: Make) -> None:
    artifact = project(
        "steps:\n  a:\n    run: [cp, x, '${{ outputs.record }}']\n    outputs: {record: {type: file}}\n"
        "  b: {run: [cat, '${{ steps.a.outputs.record }}']}\n"
    )

    assert {"record": {"type": "uri_file"}, "record_": {"type": "uri_folder"}} == artifact.pipeline["jobs"]["a"][
        "outputs"
    ]
    assert "${{parent.jobs.a.outputs.record_}}" == artifact.pipeline["jobs"]["b"]["inputs"]["record__a"]
