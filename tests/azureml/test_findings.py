"""What can't be done on Azure ML is told before anything is sent: each fault once, at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from specflow.spec import model
from specflow.targets.azureml.checks import LARGE_CODE
from specflow.targets.azureml.environments import python_version
from specflow.targets.azureml.sizes import machine_for
from tests.azureml.conftest import compile_spec
from tests.azureml.test_compile import Make

SAY = "run: [echo, hello]"
PROFILE = "specflow: 1\nprofile: dev\nprofiles:\n  dev:\n    "

# The pipeline, the profile, and what is told.
FAULTS = [
    (
        f"steps:\n  say: {{{SAY}, compute: wide}}\n",
        "computes: {wide: {databricks: serverless}}",
        ['error unknown-compute 4: the profile does not say what the compute "wide" is on azureml'],
    ),
    (
        f"computes: {{huge: {{cpus: 500}}}}\nsteps:\n  say: {{{SAY}, compute: huge}}\n",
        "variables: {a: b}",
        [
            "error unknown-compute 5: no size of serverless machine that specflow knows has what the compute "
            '"huge" asks for'
        ],
    ),
    (
        f"steps:\n  say: {{{SAY}, environment: sk}}\n",
        "environments: {sk: {databricks: {environment_version: '2'}}}",
        ['error unknown-environment 4: the profile does not say what the environment "sk" is on azureml'],
    ),
    (
        f"steps:\n  say: {{{SAY}, environment: {{python: '>=4.1'}}}}\n",
        "variables: {a: b}",
        ['error unsupported 4: azureml: no Python from 3.10 to 3.14 is ">=4.1"'],
    ),
    (
        f"steps:\n  say: {{{SAY}, secrets: [TOKEN]}}\n",
        "secrets: {TOKEN: {azureml: {vault: v}}}",
        ['error secret-unavailable 4: the profile binds the secret "TOKEN" without a key vault and a name'],
    ),
    (
        'inputs: {x: {type: string, optional: true}}\nsteps:\n  say: {run: ["$[[${{ inputs.x }}]]"]}\n',
        "variables: {a: b}",
        ['error empty-command 5: nothing is left of the command of "say" where its optional values are absent'],
    ),
    (
        "steps:\n  a: {run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}\n"
        "outputs:\n  x: {from: '${{ steps.a.outputs.f }}', register: {name: n}}\n"
        "  y: {from: '${{ steps.a.outputs.f }}', register: {name: n}}\n",
        "variables: {a: b}",
        ['error unsupported 7: azureml: "x" and "y" are registered under the same name and version'],
    ),
    (
        "steps:\n  a: {when: '${{ failure() }}', run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}\n"
        "outputs:\n  x: {from: '${{ steps.a.outputs.f }}', optional: true, register: {name: n}}\n",
        "variables: {a: b}",
        ['error unsupported 6: azureml: "x" may be absent, and something would be registered all the same'],
    ),
    (
        'data: {d: {type: file, location: "https://example.com/x.csv"}}\nsteps:\n  a: {run: [cat, "${{ data.d }}"]}\n',
        "variables: {a: b}",
        ['error unsupported 3: azureml: "https://example.com/x.csv" is no address that is mounted there'],
    ),
    (
        "steps:\n  a: {run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}\n"
        "outputs:\n  x: {from: '${{ steps.a.outputs.f }}', location: 'azureml://datastores/d/`id`/${{ run.id }}'}\n",
        "variables: {a: b}",
        [
            'error unsupported 6: azureml: a shell there would read more into "azureml://datastores/d/`id`/", '
            "for a command names it"
        ],
    ),
    (
        "schedule: {cron: 0 6 * * *}\n"
        "steps:\n  a: {run: [touch, '${{ outputs.f }}'], outputs: {f: {type: file}}}\n"
        "outputs:\n"
        "  x: {from: '${{ steps.a.outputs.f }}', location: 'azureml://datastores/d/paths/${{ run.date }}'}\n"
        "  y: {from: '${{ steps.a.outputs.f }}', register: {name: n, version: '${{ run.id }}'}}\n"
        "  z: {from: '${{ steps.a.outputs.f }}', location: 'azureml://datastores/d/paths/${{ run.id }}'}\n",
        "variables: {a: b}",
        [
            f'warning approximated {line}: azureml: where "{name}" goes hangs on what only `specflow run` knows, '
            "and no scheduled run"
            for line, name in ((7, "x"), (8, "y"))
        ],
    ),
]

FAULTS += [
    (
        f"steps:\n  say: {{{body}}}\n  b: {{{SAY}}}\n",
        "variables: {a: b}",
        ['error patch-refused 4: azureml: "display_name" is what the node of "say" is known by, and can\'t be patched'],
    )
    for body in (
        f"{SAY}, x-azureml: {{display_name: b}}",
        "target: azureml, x-azureml: {type: command, display_name: b}",
        f"{SAY}, x-azureml: {{display_name: null}}",
    )
]

FAULTS += [
    (
        f"x-azureml: {{{key}: foo}}\nsteps:\n  say: {{{SAY}}}\n",
        "variables: {a: b}",
        [f'error patch-refused 3: "{key}" says what the step is and what it runs, and can\'t be patched'],
    )
    for key in ("name", "type", "jobs")
]

FAULTS += [
    (
        f"steps:\n  say: {{{SAY}, x-azureml: {{distribution: {{type: pytorch}}}}}}\n",
        "variables: {a: b}",
        [
            'error patch-refused 4: azureml: "distribution" starts the launcher of "say" in each of many processes, '
            "and all of them would write its outputs and its record"
        ],
    ),
    (
        "steps:\n  say: {target: azureml, x-azureml: {type: command, distribution: {type: pytorch}}}\n",
        "variables: {a: b}",
        [],
    ),
]

PWNED = "q$(touch pwned).csv"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"data: {{d: {{type: file, location: '{PWNED}'}}}}\nsteps:\n  a: {{run: [cat, '${{{{ data.d }}}}']}}\n", 3),
        (
            f"data:\n  d: {{type: file, location: {{azureml: 'azureml://datastores/d/paths/{PWNED}'}}}}\n"
            "steps:\n  a: {run: [cat, '${{ data.d }}']}\n",
            4,
        ),
        (
            f"inputs: {{f: {{type: file, default: '{PWNED}'}}}}\nsteps:\n  a: {{run: [cat, '${{{{ inputs.f }}}}']}}\n",
            3,
        ),
        (f"steps:\n  a:\n    uses: show\n    inputs: {{f: '{PWNED}'}}\n", 6),
        ("steps: {a: {uses: used}}\n", 4),
    ],
)
def test_a_name_that_bash_would_run_is_refused_where_it_stands(project: Make, text: str, line: int) -> None:
    show = "specflow: 1\nname: show\ninputs:\n  f: {type: file%s}\nrun: [cat, '${{ inputs.f }}']\n"
    files = {"show/step.yaml": show % "", "used/step.yaml": show % f", default: '../{PWNED}'", PWNED: "1\n"}

    artifact = project(text, files)

    (told,) = artifact.told
    assert told.startswith(f"error unsupported {line}: azureml: a shell there would read more into ")
    assert told.endswith(f'{PWNED}", for a command names it')
    assert not artifact.compiled.files


@pytest.mark.parametrize(
    ("text", "profile", "expected"), FAULTS, ids=[" ".join(row[2]).split(":")[0] for row in FAULTS]
)
def test_a_fault_is_told(project: Make, text: str, profile: str, expected: list[str]) -> None:
    artifact = project(text, {"specflow.yaml": PROFILE + profile + "\n"})

    assert expected == artifact.told


def test_large_code_is_told_of_with_its_size(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "lib").mkdir()
    with (tmp_path / "lib/weights.bin").open("wb") as stream:
        stream.truncate(LARGE_CODE + 1)  # sparse: it takes no room
    (tmp_path / "pipeline.yaml").write_text(f"specflow: 1\nname: demo\nsteps:\n  say: {{{SAY}, code: lib}}\n")

    expected = 'warning large-code 4: the code of "say" has 100 MiB, all of which is sent with every change'
    assert [expected] == compile_spec(tmp_path / "pipeline.yaml").told


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ({"cpus": 1}, "Standard_DS2_v2"),
        ({"cpus": 8, "memory": "32GiB"}, "Standard_DS13_v2"),
        ({"memory": "100GB"}, "Standard_DS14_v2"),
        ({"gpus": 1}, "Standard_NC4as_T4_v3"),
        ({"gpus": 3}, "Standard_NC64as_T4_v3"),
        ({"cpus": 500}, None),
    ],
)
def test_the_smallest_machine_that_has_what_is_asked_for(need: dict[str, object], expected: str | None) -> None:
    machine = machine_for(model.Compute(**need))

    assert expected == (machine.name if machine else None)


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ("azureml:cpu-d13", {"compute": "azureml:cpu-d13"}),
        ("serverless", {}),
        ("{instance_type: Standard_D13_v2}", {"resources": {"instance_type": "Standard_D13_v2"}}),
        (
            "{compute: 'azureml:k8s', instance_type: big}",
            {"compute": "azureml:k8s", "resources": {"instance_type": "big"}},
        ),
    ],
)
def test_a_bound_compute_is_what_the_profile_says(project: Make, binding: str, expected: dict[str, object]) -> None:
    text = f"computes: {{wide: {{cpus: 8}}}}\nsteps:\n  say: {{{SAY}, compute: wide}}\n"
    artifact = project(text, {"specflow.yaml": f"{PROFILE}computes: {{wide: {{azureml: {binding}}}}}\n"})

    node = artifact.pipeline["jobs"]["say"]
    assert expected == {key: node[key] for key in ("compute", "resources") if key in node}


@pytest.mark.parametrize("bound", ["{instance_type: Standard_NC6s_v3}", "{compute: serverless, instance_count: 2}"])
def test_a_size_that_names_no_compute_is_serverless_beside_a_default_cluster(project: Make, bound: str) -> None:
    text = f"computes: {{gpu: {{gpus: 1, spot: true}}}}\nsteps:\n  say: {{{SAY}, compute: gpu}}\n  tell: {{{SAY}}}\n"
    computes = f"computes: {{default: {{azureml: 'azureml:cpu'}}, gpu: {{azureml: {bound}}}}}\n"
    jobs = project(text, {"specflow.yaml": PROFILE + computes}).pipeline["jobs"]

    assert ("serverless", {"job_tier": "spot"}) == (jobs["say"]["compute"], jobs["say"]["queue_settings"])
    assert "compute" not in jobs["tell"]


@pytest.mark.parametrize(
    ("binding", "expected"),
    [
        ("serverless", {"job_tier": "spot"}),
        ("{instance_type: Standard_D13_v2}", {"job_tier": "spot"}),
        ("{instance_type: Standard_D13_v2, queue_settings: {job_tier: premium}}", {"job_tier": "premium"}),
        ("azureml:cpu-d13", None),
        ("{compute: 'azureml:k8s', instance_type: big}", None),
    ],
)
def test_spot_machines_are_asked_for_where_azure_chooses_them(
    project: Make, binding: str, expected: dict[str, object] | None
) -> None:
    text = f"computes: {{wide: {{cpus: 8, spot: true}}}}\nsteps:\n  say: {{{SAY}, compute: wide}}\n"
    artifact = project(text, {"specflow.yaml": f"{PROFILE}computes: {{wide: {{azureml: {binding}}}}}\n"})

    assert expected == artifact.pipeline["jobs"]["say"].get("queue_settings")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, "3.11"),
        (">=3.10", "3.11"),
        (">=3.12", "3.12"),
        ("<3.11", "3.10"),
        ("==3.11.4", "3.11.4"),
        ("~=3.13", "3.13"),
        (">=4.1", None),
    ],
)
def test_an_environment_gets_one_python(wanted: str | None, expected: str | None) -> None:
    assert expected == python_version(wanted)


def test_a_conda_file_holds_the_requirement_lines(project: Make) -> None:
    text = f"steps:\n  say: {{{SAY}, environment: {{python: '>=3.12', dependencies: ['pandas>=2', 'numpy']}}}}\n"

    expected = """\
channels:
  - conda-forge
dependencies:
  - python=3.12
  - pip
  - pip:
      - pandas>=2
      - numpy
"""
    assert expected == project(text).text("environments/say.yml")
