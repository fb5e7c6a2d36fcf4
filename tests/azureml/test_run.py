"""Artifacts through the real SDK and the emulator: what a step gets, what comes back, what goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from specflow.emulation import Fault
from specflow.errors import SpecflowError, UnreachableError, UsageError
from specflow.targets.azureml import client as sdk
from specflow.targets.azureml.emulator.reuse import IS_REUSED
from specflow.targets.azureml.states import child_status, job_state
from specflow.targets.azureml.target import TARGET
from tests.azureml.conftest import RUN, Artifact, Workspace
from tests.azureml.test_compile import Make

NASTY = ["$(touch x)", "a b", '"', "'", "`id`", "$[[x]]", "line\nline", "~", "", "ü€", "\\", "a;b&c|d>e", "true", "1e3"]

SAY = """\
specflow: 1
name: say
inputs: {x: {type: string}}
outputs: {y: {type: file}}
run: [python, say.py, "${{ inputs.x }}", "${{ outputs.y }}"]
"""
SCRIPT = "import sys\nopen(sys.argv[2], 'w', newline='', encoding='utf-8').write(sys.argv[1])\n"
FILES = {"say/step.yaml": SAY, "say/say.py": SCRIPT}
ECHO = """\
inputs:
  x: {type: string, default: ""}
steps:
  say: {uses: say, inputs: {x: "${{ inputs.x }}"}}
"""


def test_a_text_arrives_byte_for_byte(project: Make, workspace: Workspace, tmp_path: Path) -> None:
    steps = "".join(
        f"  say_{index}: {{uses: say, inputs: {{x: {json.dumps(text)}}}}}\n" for index, text in enumerate(NASTY)
    )
    job = workspace.submit(project(f"steps:\n{steps}", FILES))
    assert "succeeded" == workspace.wait(job).state

    found = []
    for index in range(len(NASTY)):
        step = f"say_{index}"
        place = workspace.client.fetch(job, step, "y", workspace.record(job, step), tmp_path)
        found.append(place.read_bytes().decode())
    assert NASTY == found


def escaped(text: str) -> str:
    """Return a text as YAML that is nothing but ASCII."""
    return '"' + "".join(f"\\U{ord(sign):08x}" for sign in text) + '"'


def test_every_kind_of_character_arrives_or_is_refused_by_name(
    project: Make, workspace: Workspace, tmp_path: Path
) -> None:
    # What YAML 1.1 and 1.2 readers take for line ends, spaces, marks or nothing at all; the edges of what they print.
    marks = "\x7f \x80 \x84 \x85 \x86 \x9f \xa0 \u2028 \u2029 \ufeff \ufffd \ufffe \uffff \ud7ff \ue000"
    edges = [*marks.split(" "), "\U00010000", "\U0010ffff", "\t", "\n", "\r", "\r\n", "\x01", "\x1b"]
    texts = [*edges, *(f"a{edge}{edge} b {edge}" for edge in edges), "".join(edges)]
    steps = "".join(f"  s{at}: {{uses: say, inputs: {{x: {escaped(text)}}}}}\n" for at, text in enumerate(texts))
    odd = "first\n\x85second"  # as PyYAML writes it, the SDK reads something else
    head = f"description: {escaped(odd)}\ntags: {{team: {escaped(odd)}}}\ninputs:\n  given: {{type: string}}\n"
    given = '  given: {uses: say, inputs: {x: "${{ inputs.given }}"}}\n'
    artifact = project(f"{head}steps:\n{steps}{given}", FILES)
    job = workspace.submit(artifact, given=texts[-1])
    assert "succeeded" == workspace.wait(job).state

    found = [
        workspace.client.fetch(job, step, "y", workspace.record(job, step), tmp_path).read_bytes().decode()
        for step in (*(f"s{at}" for at in range(len(texts))), "given")
    ]
    assert [*texts, texts[-1]] == found
    kept = workspace.client.ml.jobs._get_job(job).properties
    assert [odd, odd] == [kept.description, kept.tags["team"]]
    # No process can be given it, so validation refuses it.
    with pytest.raises(AssertionError, match="a text can't hold NUL"):
        project('steps:\n  s: {uses: say, inputs: {x: "a\\0b"}}\n', FILES)


@pytest.mark.parametrize("text", ["$(reboot) ${{parent.inputs.x}}", '"; exit 1; "', "ordinary"])
def test_a_text_that_is_given_arrives_byte_for_byte(
    project: Make, workspace: Workspace, tmp_path: Path, text: str
) -> None:
    job = workspace.submit(project(ECHO, FILES), x=text)

    assert "succeeded" == workspace.wait(job).state
    assert text == workspace.client.fetch(job, "say", "y", workspace.record(job, "say"), tmp_path).read_text()


def test_what_was_submitted_twice_is_one_job(project: Make, workspace: Workspace) -> None:
    artifact = project("steps:\n  say: {run: echo hello}\n")

    assert RUN == workspace.submit(artifact) == workspace.submit(artifact)
    assert RUN == workspace.client.find(RUN, "demo")
    assert workspace.client.find("another", "demo") is None
    assert [RUN] == [run.id for run in workspace.emulated.emulator.service.runs.roots()]


def test_a_failed_step_its_handler_and_what_was_not_run_are_told_apart(project: Make, workspace: Workspace) -> None:
    # bad (fails hard) <- behind;   soft (fails) <- handler
    job = workspace.submit(
        project(
            """\
steps:
  bad: {run: "false"}
  behind: {run: echo behind, after: [bad]}
  soft: {run: "false"}
  handler: {run: echo handled, after: [soft], when: "${{ failure() }}"}
"""
        )
    )
    status = workspace.wait(job)

    assert "failed" == status.state
    assert {"bad": "failed", "behind": "not run", "soft": "succeeded", "handler": "succeeded"} == {
        name: step.state for name, step in status.steps.items() if name in ("bad", "behind", "soft", "handler")
    }
    assert ("failed", "exit code 1") == tuple(workspace.record(job, "soft")[key] for key in ("state", "reason"))
    assert "handled\n" in workspace.client.log(job, "handler")


def test_a_job_is_cancelled(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(project("steps:\n  wait: {run: sleep 60}\n"))
    workspace.client.cancel(job)

    assert "cancelled" == workspace.wait(job).state
    workspace.client.cancel(job)  # one that has ended stays as it is


def test_registered_outputs_have_their_names_and_versions(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(
        project(
            """\
inputs:
  kind: {type: string, default: small}
steps:
  train:
    run: [sh, -c, 'echo w > "$1/w"', sh, "${{ outputs.fitted }}"]
    outputs: {fitted: {type: model}}
outputs:
  latest: {from: "${{ steps.train.outputs.fitted }}", register: {name: "net_${{ inputs.kind }}"}}
  pinned: {from: "${{ steps.train.outputs.fitted }}", register: {name: pinned, version: "7"}}
"""
        ),
        kind="large",
    )

    assert {"latest": "net_large:1", "pinned": "pinned:7"} == workspace.wait(job).registered


def test_outputs_lie_at_the_addresses_that_their_expressions_say(project: Make, workspace: Workspace) -> None:
    place = "azureml://datastores/workspaceblobstore/paths"
    text = (
        'steps: {make: {shell: bash, run: "echo 1 > $O", env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}}\n'
        "outputs:\n"
        f"  one: {{from: '${{{{ steps.make.outputs.o }}}}', location: '{place}/one/${{{{ run.id }}}}.txt'}}\n"
        f"  two: {{from: '${{{{ steps.make.outputs.o }}}}', location: '{place}/two/${{{{ run.date }}}}.txt'}}\n"
    )

    assert "succeeded" == workspace.wait(workspace.submit(project(text))).state

    found = {path.relative_to(workspace.root) for path in workspace.root.rglob("*.txt")}
    assert {f"one/{RUN}.txt", "two/2026-01-01.txt"} <= {"/".join(path.parts[-2:]) for path in found}


def test_what_goes_to_an_address_is_written_in_every_run_though_the_node_is_reused(
    project: Make, workspace: Workspace
) -> None:
    # say -> copy__where.  The third run reuses `say` of the first; by then the address holds what the second wrote.
    where = "azureml://datastores/workspaceblobstore/paths/now/said.txt"
    outputs = f"outputs:\n  where: {{from: '${{{{ steps.say.outputs.y }}}}', location: '{where}'}}\n"
    artifact = project(ECHO + outputs, FILES)

    found = []
    for number, said in enumerate(["A", "B", "A"]):
        job = workspace.submit(artifact, f"{RUN}-{number}", x=said)
        assert "succeeded" == workspace.wait(job).state
        (place,) = workspace.root.rglob("now/said.txt")
        found.append(place.read_text())

    history = workspace.emulated.emulator.service.runs
    assert {"say": True, "copy__where": False} == {
        run.node: IS_REUSED in run.properties for run in history.children(f"{RUN}-2")
    }
    assert ["A", "B", "A"] == found


def test_a_file_of_any_other_name_arrives(project: Make, workspace: Workspace) -> None:
    names = ["a b.csv", "it's.csv", "ü€.csv", "x;id&.csv", "(1).csv", "!x*.csv", "#1.csv", "~.csv", "{a,b}.csv"]
    data = "".join(f"  d{n}: {{type: file, location: {json.dumps(name)}}}\n" for n, name in enumerate(names))
    steps = "".join(f"  s{n}: {{run: [cat, '${{{{ data.d{n} }}}}']}}\n" for n in range(len(names)))

    job = workspace.submit(project(f"data:\n{data}steps:\n{steps}", {name: f"in {name}\n" for name in names}))

    assert "succeeded" == workspace.wait(job).state
    assert all(f"in {name}" in workspace.client.log(job, f"s{n}") for n, name in enumerate(names))


LIST = """\
inputs:
  given: {type: folder}
data:
  own: {type: folder, location: own}
steps:
  own: {shell: bash, run: 'find "$D" -type f -printf "%P\\n"', env: {D: "${{ data.own }}"}}
  given: {shell: bash, run: 'find "$D" -type f -printf "%P\\n"', env: {D: "${{ inputs.given }}"}}
"""


@pytest.mark.parametrize(
    ("ignore", "left_out"), [(".gitignore", set()), (".amlignore", {".amlignore"}), ("below/.gitignore", set())]
)
def test_a_folder_of_data_is_sent_whole_whatever_its_ignore_files_name(
    project: Make, workspace: Workspace, tmp_path: Path, ignore: str, left_out: set[str]
) -> None:
    # `*` would leave out all; what lies below a folder is behind a link, where the SDK is sent links.
    names = {ignore, "a.csv", "below/b.csv", "below/.amlignore"}
    given = tmp_path / "given"
    for name in names:
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_text("*\n")
    artifact = project(LIST, {f"own/{name}": "*\n" for name in names})

    job = workspace.submit(artifact, given=given)

    assert "succeeded" == workspace.wait(job).state
    for step in ("own", "given"):
        told = {line for line in workspace.client.log(job, step).splitlines() if line in names}
        assert names - left_out == told, step
    assert names == {path.relative_to(given).as_posix() for path in given.rglob("*") if path.is_file()}


def test_a_folder_without_files_is_refused_before_anything_is_sent(
    project: Make, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "given/below").mkdir(parents=True)
    artifact = project(LIST, {"own/a.csv": "1\n"})

    with pytest.raises(UsageError) as told:
        workspace.submit(artifact, given=tmp_path / "given")

    expected = f'the folder "{tmp_path}/given" for the input "given" holds no file, and Azure ML can\'t be sent such'
    assert told.value.message.startswith(expected)
    assert [] == list(workspace.emulated.emulator.service.runs.roots())


@pytest.mark.parametrize(
    ("afresh", "runs"),
    [((), [False, False, False]), (["a"], [True, True, False]), (["a", "b", "c"], [True, True, True])],
)
def test_what_is_to_run_afresh_is_not_reused(
    project: Make, workspace: Workspace, afresh: list[str], runs: list[bool]
) -> None:
    text = (
        'steps:\n  a: {shell: bash, run: "date +%N > $O", env: {O: "${{ outputs.o }}"}, outputs: {o: {type: file}}}\n'
        "  b: {run: [cat, '${{ steps.a.outputs.o }}']}\n  c: {run: [date]}\n"
    )
    artifact = project(text)
    workspace.wait(workspace.submit(artifact))

    job = workspace.submit(artifact, f"{RUN}-again", afresh)

    assert "succeeded" == workspace.wait(job).state
    history = workspace.emulated.emulator.service.runs
    reused = {run.node: IS_REUSED in run.properties for run in history.children(job)}
    assert runs == [not reused[step] for step in ("a", "b", "c")]


def test_a_secret_comes_from_its_vault_and_is_in_no_artifact(project: Make, make_workspace: Any) -> None:
    workspace = make_workspace({"secrets": {"HF_TOKEN": "s3cr3t value", "OTHER": "never"}})
    artifact = project("steps:\n  say: {secrets: [HF_TOKEN], shell: bash, run: 'test ${#HF_TOKEN} = 12'}\n")
    job = workspace.submit(artifact)

    assert "succeeded" == workspace.wait(job).state
    assert {("workspace", "HF-TOKEN"): "s3cr3t value"} == workspace.emulated.vaults.held
    assert not [path for path in workspace.root.rglob("*") if path.is_file() and b"s3cr3t value" in path.read_bytes()]


def test_variables_of_a_patch_reach_the_step(project: Make, workspace: Workspace) -> None:
    text = """\
inputs: {who: {type: string, default: Ada}}
steps:
  say:
    shell: bash
    run: echo "<$NCCL_DEBUG> <$PLAIN> <$LATE> <${GONE-none}>"
    env: {PLAIN: spec, LATE: "${{ inputs.who }}"}
    x-azureml: {environment_variables: {NCCL_DEBUG: "INFO all", PLAIN: patch, GONE: null}}
"""
    job = workspace.submit(project(text))

    assert "succeeded" == workspace.wait(job).state
    assert "<INFO all> <patch> <Ada> <none>\n" in workspace.client.log(job, "say")


def test_a_secret_that_is_nowhere_fails_the_step_with_the_reason(project: Make, workspace: Workspace) -> None:
    job = workspace.submit(project("steps:\n  say:\n    secrets: [HF_TOKEN]\n    run: echo hello\n"))

    assert "failed" == workspace.wait(job).state
    assert (
        'the secret "HF_TOKEN" did not arrive: is it bound where this step runs?'
        == workspace.record(job, "say")["reason"]
    )


def test_what_the_platform_refuses_is_told_with_its_place(project: Make, workspace: Workspace) -> None:
    artifact = project("x-azureml: {experiment_name: 'not a name!'}\nsteps:\n  say: {run: echo hello}\n")

    with pytest.raises(SpecflowError, match=re.escape("Azure ML refuses the job: experimentName: ")) as told:
        workspace.submit(artifact)
    assert 1 == told.value.exit_code


MISSING = "jobs.say.component: Missing data for required field."
SLIPS = [
    ("", "x-azureml: {resorces: {instance_count: 2}}", "", MISSING),
    (
        "",
        "x-azureml: {limits: {timeout: 1h}}",
        "",
        "jobs.say.limits.timeout: Value passed is not a data binding string: 1h; Not a valid integer.; " + MISSING,
    ),
    (
        "",
        "x-azureml: {resources: {instance_count: two}}",
        "",
        "jobs.say.resources.instance_count: Value passed is not a data binding string: two; Not a valid integer.; "
        + MISSING,
    ),
    ("x-azureml: {schedul: 1}\n", "", "", "{'schedul': ['Unknown field.']}"),
    ("", "compute: wide", "computes: {wide: {azureml: {instance_typ: x}}}", MISSING),
    (
        "",
        "environment: sk",
        "environments: {sk: {azureml: 'sk:3'}}",
        "jobs.say.environment: Value passed is not a data binding string: sk:3; ",
    ),
]


@pytest.mark.parametrize(("above", "words", "profile", "expected"), SLIPS, ids=[" ".join(row[:3]) for row in SLIPS])
def test_a_slip_that_the_sdk_refuses_is_told_in_one_line_with_its_place(
    project: Make, workspace: Workspace, above: str, words: str, profile: str, expected: str
) -> None:
    profiles = f"specflow: 1\nprofile: dev\nprofiles:\n  dev: {{{profile}}}\n"
    step = ", ".join(each for each in ("run: [echo, hello]", words) if each)
    artifact = project(f"{above}steps:\n  say: {{{step}}}\n", {"specflow.yaml": profiles})

    with pytest.raises(SpecflowError) as told:
        workspace.submit(artifact)
    assert told.value.message.startswith(f"Azure ML's SDK refuses the job: {expected}")
    assert "\n" not in told.value.message
    assert "`x-azureml`, or in the profile's computes and environments" in told.value.help


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("\x1b[31m\n\x1b[39m\x1b[1mNo such component\x1b[0m\nand more", "No such component"),
        ('\x1b[31m{"errors": [{"path": "jobs.a", "message": "is\\nodd", "value": 3}]}\x1b[0m', "jobs.a: is odd"),
        ("{not JSON", "{not JSON"),
        ("", "MlException"),
    ],
)
def test_what_the_sdk_says_is_one_line_without_colours(said: str, expected: str) -> None:
    from azure.ai.ml.exceptions import MlException

    def refuse() -> None:
        raise MlException(message=said, no_personal_data_message=said)

    with pytest.raises(SpecflowError) as told:
        sdk.patiently(refuse)
    assert f"Azure ML's SDK refuses the job: {expected}" == told.value.message


def test_a_profile_without_a_workspace_is_told_of() -> None:
    with pytest.raises(UnreachableError) as told:
        TARGET.client({"subscription_id": "s"})

    assert "the profile does not say which workspace of Azure ML: no resource_group, workspace" == told.value.message


def test_a_service_that_is_not_there_is_told_of_once_patience_is_over(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk, "PATIENCE", 1)
    workspace.emulated.emulator.server.stop()

    with pytest.raises(UnreachableError) as told:
        workspace.client.find("any", "demo")
    assert told.value.message.startswith("Azure ML did not answer: ")
    assert (4, "is there a network?") == (told.value.exit_code, told.value.help)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("throttle", "Azure ML throttles us"),
        ("error", "Azure ML has a fault (500)"),
        ("expired", "Azure does not take us for"),
    ],
)
def test_what_stays_wrong_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: Any, message: str
) -> None:
    monkeypatch.setattr(sdk, "PATIENCE", 1)
    workspace.emulated.emulator.faults.set([Fault(kind, every=1)])

    with pytest.raises(UnreachableError) as told:
        workspace.client.find("any", "demo")
    assert told.value.message.startswith(message)


def test_states_are_those_that_every_target_has() -> None:
    assert ["waiting", "running", "succeeded", "failed", "cancelled"] == [
        job_state(status) for status in ("Queued", "Finalizing", "Completed", "Failed", "Canceled")
    ]
    assert "not run" == child_status("Canceled", "failed", has_begun=False)
    assert "cancelled" == child_status("Canceled", "failed", has_begun=True)
    assert "not run" == child_status("NotStarted", "failed", has_begun=False)
    assert "waiting" == child_status("NotStarted", "running", has_begun=False)


@pytest.mark.long
@pytest.mark.parametrize("number", range(10))
def test_a_run_ends_right_with_one_job_though_requests_are_throttled_and_dropped(
    project: Make,
    make_workspace: Callable[..., Workspace],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    # The storage client waits 15 s and more between its tries, whatever it is told.
    backoff = "azure.storage.blob._shared.policies.ExponentialRetry.get_backoff_time"
    monkeypatch.setattr(backoff, lambda *_: 0.05)
    faults = (
        Fault("throttle", share=1 / 5, seed=number, seconds=0.05, exclude="*/blobs/*"),
        Fault("unavailable", share=1 / 5, seed=number, seconds=0.05, include="*/blobs/*"),
        Fault("reset", share=1 / 20, seed=number + 100, handled=number % 2 == 0),
    )
    workspace = make_workspace(faults=faults)
    artifact: Artifact = project(ECHO + "  behind: {run: [cat, '${{ steps.say.outputs.y }}']}\n", FILES)
    job = workspace.submit(artifact, x="as given")

    assert "succeeded" == workspace.wait(job).state
    assert "as given" in workspace.client.log(job, "behind")
    assert "as given" == workspace.client.fetch(job, "say", "y", workspace.record(job, "say"), tmp_path).read_text()
    assert [RUN] == [run.id for run in workspace.emulated.emulator.service.runs.roots()]


def test_the_upload_of_code_ends_when_that_of_a_file_fails(
    project: Make, make_workspace: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK alone waits for ever: it counts the files that have arrived, and asks no thread why one did not."""
    backoff = "azure.storage.blob._shared.policies.ExponentialRetry.get_backoff_time"
    monkeypatch.setattr(backoff, lambda *_: 0.01)
    workspace = make_workspace(faults=[Fault("unavailable", every=1, include="PUT */blobs/*launcher.zip*", times=20)])
    artifact: Artifact = project(ECHO, FILES)

    job = workspace.submit(artifact, x="as given")

    assert "succeeded" == workspace.wait(job).state
