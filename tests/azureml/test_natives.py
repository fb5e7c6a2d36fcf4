"""Native steps: what `x-azureml` writes, connected, followed by a node that takes down what it left."""

from __future__ import annotations

from pathlib import Path

import pytest

from specflow.errors import SpecflowError, UsageError
from specflow.targets.azureml.given import with_given
from tests.azureml.conftest import RUN, Workspace
from tests.azureml.test_compile import Make

TUNE = """\
inputs:
  word: {type: string, default: hello}
  scale: {type: number, default: 0.5}
data:
  raw: {type: file, location: raw.csv}
steps:
  make: {run: [touch, "${{ outputs.rows }}"], outputs: {rows: {type: folder}}}
  tune:
    target: azureml
    x-azureml: {type: sweep, trial: {command: "python t.py ${{inputs.rows}}"}, objective: {goal: maximize}}
    inputs:
      rows: ${{ steps.make.outputs.rows }}
      raw: ${{ data.raw }}
      word: ${{ inputs.word }}
      scale: ${{ inputs.scale }}
      depth: 3
      said: "a text, as it is"
      nothing: null
    outputs: {best: {type: model}, score: {type: number}}
  show: {after: [tune], run: [echo, "${{ steps.tune.outputs.score }}"]}
outputs:
  best: {from: "${{ steps.tune.outputs.best }}"}
"""

SHELL = """\
inputs:
  word: {type: string, default: hello}
steps:
  make: {run: [cp, three.txt, "${{ outputs.rows }}"], code: code, outputs: {rows: {type: file}}}
  look:
    target: azureml
    x-azureml:
      type: command
      command: >-
        wc -l < ${{inputs.rows}} > ${{outputs.count}};
        mkdir -p ${{outputs.all}} && echo ${{inputs.word}} > ${{outputs.all}}/said
      environment: azureml:own:3
    inputs: {rows: "${{ steps.make.outputs.rows }}", word: "${{ inputs.word }}"}
    outputs: {count: {type: integer}, all: {type: folder}}
  leaf:
    target: azureml
    x-azureml: {type: command, command: "cat ${{inputs.all}}/said", environment: azureml:own:3}
    inputs: {all: "${{ steps.look.outputs.all }}"}
  more:
    when: ${{ steps.look.outputs.count > 2 }}
    run: [cat, "${{ steps.look.outputs.all }}/said"]
  less:
    when: ${{ steps.look.outputs.count < 2 }}
    run: [cat, "${{ steps.look.outputs.all }}/said"]
"""
THREE = {"code/three.txt": "1\n2\n3\n"}


def test_a_native_step_is_what_the_spec_says_with_its_ports_connected(project: Make) -> None:
    jobs = project(TUNE, {"raw.csv": "1"}).pipeline["jobs"]

    assert jobs["tune"] == {
        "display_name": "tune",
        "inputs": {
            "rows": "${{parent.jobs.make.outputs.rows}}",
            "raw": {"type": "uri_file", "path": "data/raw/raw.csv"},
            "word": "${{parent.inputs.word}}",
            "scale": "${{parent.inputs.scale}}",
            "depth": 3,
            "said": "a text, as it is",
        },
        "outputs": {"best": "${{parent.outputs.best}}", "score": {"type": "uri_file"}},
        "type": "sweep",
        "trial": {"command": "python t.py ${{inputs.rows}}"},
        "objective": {"goal": "maximize"},
    }


def test_what_it_left_is_recorded_behind_it_and_read_by_that(project: Make) -> None:
    jobs = project(TUNE, {"raw.csv": "1"}).pipeline["jobs"]

    assert jobs["tune__record"]["inputs"] == {
        "best": "${{parent.jobs.tune.outputs.best}}",
        "score": "${{parent.jobs.tune.outputs.score}}",
        "record__make": "${{parent.jobs.make.outputs.record}}",
    }
    assert jobs["show"]["inputs"] == {"record__tune": "${{parent.jobs.tune__record.outputs.record}}"}


def test_steps_behind_one_go_by_what_it_left(project: Make, workspace: Workspace, tmp_path: Path) -> None:
    job = workspace.submit(project(SHELL, THREE))
    status = workspace.wait(job)
    record = workspace.record(job, "look")
    folder = workspace.client.fetch(job, "look", "all", record, tmp_path)

    assert "succeeded" == status.state
    assert {"make", "look", "leaf", "more", "less"} <= set(status.steps)
    assert ("succeeded", {"count": 3}, 1) == (record["state"], record["values"], record["attempts"])
    assert "hello\n" == (folder / "said").read_text()
    assert ["succeeded", "skipped"] == [workspace.record(job, step)["state"] for step in ("more", "less")]
    assert "hello\n" in workspace.client.log(job, "more")


@pytest.mark.parametrize(
    "component", ["azureml:score:2", "azureml:score@latest", "azureml://registries/r/components/c"]
)
def test_a_component_that_lies_in_a_workspace_is_not_emulated(
    project: Make, workspace: Workspace, component: str
) -> None:
    step = f"  score: {{target: azureml, x-azureml: {{type: command, component: '{component}'}}}}\n"
    with pytest.raises(SpecflowError) as told:
        workspace.submit(project(f"steps:\n{step}"))

    expected = f'the emulator has no component "{component}", which the step "score" is: it lies in a workspace'
    assert expected == told.value.message


def test_a_component_that_lies_in_a_file_is_emulated(project: Make, workspace: Workspace, tmp_path: Path) -> None:
    text = "type: command\nname: hi\ncommand: echo hi\nenvironment: {image: an/image}\n"
    (tmp_path / "hi.yml").write_text(text)
    step = f"  hi: {{target: azureml, x-azureml: {{type: command, component: '{tmp_path}/hi.yml'}}}}\n"
    job = workspace.submit(project(f"steps:\n{step}"))

    assert "succeeded" == workspace.wait(job).state
    assert workspace.client.log(job, "hi").startswith("hi\n")


def test_one_without_outputs_is_recorded_by_how_the_platform_says_it_ended(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(project(SHELL, THREE))
    workspace.wait(job)
    record = workspace.record(job, "leaf")

    assert ("succeeded", 1, {}) == (record["state"], record["attempts"], record["outputs"])
    assert workspace.client.log(job, "leaf").startswith("hello\n")


def test_one_that_left_out_an_output_has_failed(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(project(SHELL.replace("wc -l", "true").replace("> ${{outputs.count}}", ""), THREE))
    status = workspace.wait(job)

    assert "failed" == status.state
    assert ("failed", "not run") == (status.steps["look"].state, status.steps["more"].state)
    assert "count" in status.steps["look"].message


def test_one_that_failed_has_nothing_behind_it(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(project(SHELL.replace("wc -l", "exit 7; wc -l"), THREE))
    status = workspace.wait(job)

    assert "failed" == status.state
    assert ["failed", "not run", "not run"] == [status.steps[step].state for step in ("look", "leaf", "more")]


def test_a_text_that_would_travel_encoded_is_refused(project: Make) -> None:
    artifact = project(SHELL, THREE)
    run = {"id": RUN, "date": "2026-01-01"}
    given = with_given(artifact.pipeline, artifact.compiled.native, {"word": "a/b.c"}, {}, run)

    assert "a/b.c" == given["inputs"]["word"]
    with pytest.raises(UsageError, match='"word" is read by a native step, and can\'t hold "two words"'):
        with_given(artifact.pipeline, artifact.compiled.native, {"word": "two words"}, {}, run)


A = "  a: {target: azureml, x-azureml: {type: automl}%s}\n"
MAKE = (
    "  make: {run: [cp, x, '${{ outputs.f }}', '${{ outputs.n }}'], outputs: {f: {type: file}, n: {type: integer}}}\n"
)
NATIVE = 'azureml: the native step "a" '
BY_DATA = "Azure ML orders nodes by data alone: "
FAULTS = [
    (A % ", when: '${{ always() }}'", 3, "can't have a condition"),
    (A % ", retry: {attempts: 3}", 3, "is not tried again"),
    (A % ", timeout: 5m", 3, "has no neutral `timeout`"),
    (A % "" + "  b: {after: [a], run: [ls]}\n", 3, 'has no output by which "b" could wait for it'),
    (MAKE + A % ", after: [make]", 4, 'can\'t wait for "make" without reading what it leaves'),
    (
        A % ", outputs: {f: {type: file}}" + "  b: {after: [a], when: '${{ always() }}', run: [ls]}\n",
        3,
        "can't be among",
    ),
    (
        MAKE
        + "  b: {after: [make], when: '${{ always() }}', run: [ls]}\n"
        + A % ", inputs: {f: '${{ steps.make.outputs.f }}'}",
        5,
        'can\'t be among steps whose failure another one handles, as "make" is here',
    ),
    (
        "  s: {when: '${{ failure() }}', run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}\n"
        + A % ", inputs: {f: '${{ steps.s.outputs.f }}'}",
        4,
        "hangs on a step that may be skipped",
    ),
    (
        MAKE + A % ", inputs: {n: '${{ steps.make.outputs.n }}'}",
        4,
        "can't be given \"n\": a step's value is in its record",
    ),
    (A % ", inputs: {n: [1, 2]}", 3, 'can\'t be given "n": it is a list'),
    (A % ", inputs: {n: '${{ run.id }}'}", 3, 'can\'t be given "n": nothing works it out there'),
    (A % """, inputs: {n: "${{ '${{' }}"}""", 3, 'can\'t be given "n": Azure ML would take its ${{ for its own'),
]


@pytest.mark.parametrize(("steps", "line", "told"), FAULTS, ids=[row[2] for row in FAULTS])
def test_what_nothing_before_it_could_do_is_refused_where_it_stands(
    project: Make, steps: str, line: int, told: str
) -> None:
    (found,) = [line for line in project(f"steps:\n{steps}").told if "native step" in line]

    assert found.startswith(f"error unsupported {line + 1}: {NATIVE}{told}")


INPUTS = [
    ("{type: string, optional: true}", 'the input "x" may be absent'),
    ("{type: string, default: two words}", 'the default of "x" travels encoded, for its signs'),
    ("{type: integer, many: true}", "it is a list"),
]


@pytest.mark.parametrize(("declared", "told"), INPUTS, ids=[row[1] for row in INPUTS])
def test_an_input_that_would_not_arrive_as_it_is_is_refused(project: Make, declared: str, told: str) -> None:
    text = f"inputs:\n  x: {declared}\nsteps:\n{A % ', inputs: {x: %s}' % quoted('inputs.x')}"
    (found,) = [line for line in project(text).told if "native step" in line]

    assert f'error unsupported 6: {NATIVE}can\'t be given "x": {told}' == found


def quoted(expression: str) -> str:
    return f"'${{{{ {expression} }}}}'"
