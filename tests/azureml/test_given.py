"""A job with what it is given, and the component that others call: what is pasted, and what may not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specflow.errors import SpecflowError, UsageError
from specflow.targets.azureml.components import component_document
from specflow.targets.azureml.given import with_given
from specflow.targets.azureml.publish import call_of, endpoint_name
from specflow.targets.azureml.target import TARGET
from specflow.targets.azureml.uploads import sent_whole
from tests.azureml.test_compile import Make

TEXT = """\
inputs:
  rate: {type: number, default: 0.5, minimum: 0, maximum: 1}
  name: {type: string, default: Ada}
  mode: {type: string, enum: [fast, slow], default: fast}
  depth: {type: integer, optional: true}
  rows: {type: file}
  more: {type: folder, optional: true}
  many: {type: file, many: true, optional: true}
steps:
  say:
    uses: say
    inputs:
      rate: ${{ inputs.rate }}
      name: ${{ inputs.name }}
      mode: ${{ inputs.mode }}
      depth: ${{ inputs.depth }}
      rows: ${{ inputs.rows }}
      more: ${{ inputs.more }}
      many: ${{ inputs.many }}
"""
SAY = """\
specflow: 1
name: say
inputs:
  rate: {type: number}
  name: {type: string}
  mode: {type: string}
  depth: {type: integer, optional: true}
  rows: {type: file}
  more: {type: folder, optional: true}
  many: {type: file, many: true, optional: true}
run: [echo, "${{ inputs.rate }}", "${{ inputs.name }}", "${{ inputs.mode }}", "$[[${{ inputs.depth }}]]",
  "${{ inputs.rows }}", "$[[${{ inputs.more }}]]", "$[[${{ inputs.many }}]]"]
"""
PLACED = """\
inputs: {where: {type: string}}
steps:
  a: {run: [touch, "${{ outputs.f }}"], outputs: {f: {type: file}}}
outputs:
  one: {from: "${{ steps.a.outputs.f }}", location: "azureml://datastores/d/paths/${{ run.id }}/${{ run.date }}/f"}
  two: {from: "${{ steps.a.outputs.f }}", location: "azureml://datastores/d/paths/${{ run.id }}/f"}
  far: {from: "${{ steps.a.outputs.f }}", location: "azureml://datastores/d/paths/${{ inputs.where }}"}
"""
RUN = {"id": "20260101-120000-1a2b3c", "date": "2026-01-01"}


def given(project: Make, **inputs: Any) -> dict[str, Any]:
    artifact = project(TEXT, {"say/step.yaml": SAY})
    return with_given(artifact.pipeline, artifact.compiled.native, inputs, {}, RUN)


def test_what_is_not_given_stays_as_it_was_compiled(project: Make) -> None:
    expected = {
        "rate": 0.5,
        "name": "Ada",
        "mode": "fast",
        "depth": "~~",
        "rows": {"type": "uri_file", "path": "azureml://datastores/workspaceblobstore/paths/to-be-given"},
    }
    assert expected == given(project)["inputs"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rate", 1, 1),
        ("name", "a b", "~YSBi"),
        ("depth", 3, 3),
        ("rows", Path("/data/r.csv"), {"type": "uri_file", "path": "/data/r.csv"}),
        ("rows", "azureml://datastores/d/paths/r", {"type": "uri_file", "path": "azureml://datastores/d/paths/r"}),
    ],
)
def test_what_is_given_stands_in_the_job(project: Make, name: str, value: Any, expected: Any) -> None:
    assert expected == given(project, **{name: value})["inputs"][name]


def test_an_optional_path_and_a_list_get_inputs_once_they_are_given(project: Make) -> None:
    document = given(project, more=Path("/m"), many=[Path("/a"), Path("/b")])
    node = document["jobs"]["say"]

    assert {"more", "many__0", "many__1"} <= set(document["inputs"])
    assert "${{parent.inputs.many__1}}" == node["inputs"]["many__1"]
    words = ' --input more="${{inputs.more}}" --input many="${{inputs.many__0}}" --input many="${{inputs.many__1}}"'
    assert node["command"].endswith(words)


def test_a_component_takes_no_free_text(project: Make) -> None:
    artifact = project(TEXT, {"say/step.yaml": SAY})
    component = component_document(artifact.pipeline, artifact.compiled.native, "1")

    expected = {
        "rate": {"type": "number", "min": 0, "max": 1, "default": 0.5},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "fast"},
        "rows": {"type": "uri_file"},
    }
    assert expected == component["inputs"]
    inputs = component["jobs"]["say"]["inputs"]
    assert {"name": "Ada", "depth": "~~", "rate": "${{parent.inputs.rate}}"} == {
        key: inputs[key] for key in ("name", "depth", "rate")
    }


LEFT_OUT = """\
inputs:
  rate: {type: number}
  name: {type: string, default: Ada}
  mode: {type: string, enum: ["to and fro", slow], default: slow}
  depth: {type: integer, optional: true}
  more: {type: folder, optional: true}
steps:
  a: {run: [touch, "${{ outputs.f }}"], outputs: {f: {type: file}}}
outputs:
  known: {from: "${{ steps.a.outputs.f }}", register: {name: n}}
  there: {from: "${{ steps.a.outputs.f }}", location: "azureml://datastores/d/paths/f"}
"""
TOLD = """\
inputs.depth: warning: azureml: callers can't give "depth", which is a value that may be absent: it stays absent \
[approximated]

inputs.mode: warning: azureml: callers can't give "mode", which is one of texts that need encoding: it stays what the \
pipeline says [approximated]

inputs.more: warning: azureml: callers can't give "more", which is a path that may be absent: it stays absent \
[approximated]

inputs.name: warning: azureml: callers can't give "name", which is a free text: it stays what the pipeline says \
[approximated]

outputs.known: warning: azureml: of a call "known" is not registered: callers say where outputs go [approximated]

outputs.there: warning: azureml: of a call "there" does not go to its `location`: callers say where outputs go \
[approximated]

6 warnings
"""


def test_what_a_published_pipeline_leaves_out_is_told(
    project: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = project(LEFT_OUT)
    TARGET.published(artifact.write(tmp_path / "out"), artifact.compiled.native, "c" * 64)

    assert TOLD == capsys.readouterr().err


@pytest.mark.parametrize(
    ("declared", "what"),
    [
        ("{type: string}", "a free text"),
        ("{type: string, enum: [to and fro, slow]}", "one of texts that need encoding"),
        ("{type: integer, many: true}", "a list"),
        ("{type: file, many: true}", "a list"),
    ],
)
def test_a_pipeline_that_needs_what_callers_cannot_give_is_not_published(
    project: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], declared: str, what: str
) -> None:
    artifact = project(f"inputs: {{x: {declared}}}\nsteps: {{a: {{run: [echo, '${{{{ inputs.x }}}}']}}}}\n")

    with pytest.raises(SpecflowError, match='nobody could call "demo": it needs what callers can\'t give'):
        TARGET.published(artifact.write(tmp_path / "out"), artifact.compiled.native, "c" * 64)
    expected = (
        f'inputs.x: error: azureml: callers can\'t give "x", which is {what}, and the pipeline needs it [unsupported]'
    )
    assert expected == capsys.readouterr().err.splitlines()[0]


def test_the_call_of_a_published_pipeline_is_one_to_type(project: Make) -> None:
    native = project(TEXT, {"say/step.yaml": SAY}).compiled.native

    expected = """\
TOKEN=$(az account get-access-token --resource https://ml.azure.com --query accessToken -o tsv)
curl -X POST https://e/jobs -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"properties": {"inputData": {"rate": {"jobInputType": "Literal", "value": 0.5}, \
"mode": {"jobInputType": "Literal", "value": "fast"}, \
"rows": {"jobInputType": "UriFile", "uri": "azureml://datastores/<name>/paths/<path>"}}}}'"""
    assert expected == call_of("https://e/jobs", native)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("concrete_strength", "concrete-strength"),
        ("a", "pipeline-a"),
        ("a_name_that_is_longer_than_azure_takes", "a-name-that-is-longer-t-405c810b"),
    ],
)
def test_an_endpoint_has_a_name_that_azure_takes(name: str, expected: str) -> None:
    assert expected == endpoint_name(name)
    assert 3 <= len(endpoint_name(name)) <= 32


def test_an_address_is_completed_with_what_is_known_of_the_run(project: Make) -> None:
    artifact = project(PLACED)
    native = artifact.compiled.native

    found = with_given(artifact.pipeline, native, {"where": "here"}, {}, RUN)["outputs"]

    told = {name: entry.get("path") for name, entry in artifact.pipeline["outputs"].items()}
    known = "azureml://datastores/d/paths/"
    assert {"one": None, "two": f"{known}${{{{name}}}}/f", "far": None} == told
    assert {
        "one": f"{known}20260101-120000-1a2b3c/2026-01-01/f",
        "two": f"{known}20260101-120000-1a2b3c/f",
        "far": f"{known}here",
    } == {name: entry["path"] for name, entry in found.items()}
    assert {"copy__one", "copy__two", "copy__far"} < set(artifact.pipeline["jobs"])
    with pytest.raises(UsageError, match="a shell there would read more into"):
        with_given(artifact.pipeline, native, {"where": "$(id)"}, {}, RUN)


def test_a_folder_whose_files_lie_behind_a_link_is_sent(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/a.csv").write_text("1\n")
    (tmp_path / "near").mkdir()
    (tmp_path / "near/below").symlink_to(tmp_path / "far")
    document = {"inputs": {"rows": {"type": "uri_folder", "path": str(tmp_path / "near")}}, "jobs": {}}

    assert document == sent_whole(document, tmp_path, tmp_path)


@pytest.mark.parametrize("name", ["q$(id).csv", "q`id`.csv", 'q"; id; ".csv', "q\\.csv", "a\nb.csv"])
def test_a_file_whose_name_bash_would_run_is_not_given(project: Make, name: str) -> None:
    for value in (Path("/somewhere") / name, f"azureml://datastores/d/paths/{name}"):
        with pytest.raises(UsageError, match="a shell there would read more into"):
            given(project, rows=value)
