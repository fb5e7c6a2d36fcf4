"""The pure parts: placeholders, literals, durations, references, graphs."""

from __future__ import annotations

import pytest

from specflow.targets.azureml.emulator.durations import seconds
from specflow.targets.azureml.emulator.literals import as_json_text, literal_problem
from specflow.targets.azureml.emulator.names import Reference, Workspace, parse_reference
from specflow.targets.azureml.emulator.node_settings import processes
from specflow.targets.azureml.emulator.template import render, strangers

SPACE = Workspace("sub", "group", "space")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("a ${{inputs.x}} ${{ outputs.y }}", "a 1 /out"),
        ("a ${{inputs.gone}}b", "a b"),
        ("$[[--g ${{inputs.gone}}]]$[[--x ${{inputs.x}}]]", "--x 1"),
        ("$[[--x ${{inputs.x}} --g ${{inputs.gone}}]]", ""),
        ("${{inputs.nested}}", "${{inputs.x}}"),
        ("${{inputs.a.b}} $HOME ${x}", "2 $HOME ${x}"),
        ("two\n$[[lines\n${{inputs.x}}]]", "two\nlines\n1"),
    ],
)
def test_placeholders_are_replaced_once_by_plain_text(command: str, expected: str) -> None:
    inputs = {"x": "1", "nested": "${{inputs.x}}", "a.b": "2"}

    assert render(command, inputs, {"y": "/out"}) == expected


def test_what_no_command_may_name_is_found() -> None:
    assert strangers("${{parent.inputs.x}} ${{inputs.ok}} $[[ open") == ("${{parent.inputs.x}}", "$[[")


@pytest.mark.parametrize(
    ("port", "text", "expected"),
    [
        ({"type": "integer"}, "3", None),
        ({"type": "integer"}, "3.0", '"3.0" is not an integer'),
        ({"type": "number"}, "1e3", None),
        ({"type": "number"}, "nan", '"nan" is not a finite number'),
        ({"type": "number", "min": "0.0"}, "-1", "-1 is below the minimum 0.0"),
        ({"type": "integer", "max": "4"}, "5", "5 is above the maximum 4"),
        ({"type": "boolean"}, "True", None),
        ({"type": "boolean"}, "yes", '"yes" is not a boolean'),
        ({"type": "string", "enum": ["a", "b"]}, "c", '"c" is not one of a, b'),
        ({"type": "string"}, "", None),
    ],
)
def test_literals_are_what_their_port_declares(port: dict[str, object], text: str, expected: str | None) -> None:
    assert literal_problem(port, text) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"), [("boolean", "True", "true"), ("number", "0.30", "0.3"), ("string", "True", "True")]
)
def test_literals_as_json(kind: str, text: str, expected: str) -> None:
    assert as_json_text({"type": kind}, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("PT1H", 3600), ("PT1H30M", 5400), ("P1DT1S", 86401), ("PT0.5S", 0.5), ("-PT5S", None), ("P", None), ("1h", None)],
)
def test_durations(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("azureml:env:1", Reference("environments", "env", "1")),
        ("env@latest", Reference("environments", "env", "latest")),
        (f"azureml:{SPACE.id}/environments/e/versions/2", Reference("environments", "e", "2")),
        (f"{SPACE.id}/components/c/versions/2", Reference("components", "c", "2")),
        (f"{SPACE.id.upper()}/data/d/versions/2", Reference("data", "d", "2")),
        ("azureml://registries/r/environments/e/labels/latest", Reference("environments", "e", "latest", "r")),
        ("/subscriptions/other/environments/e/versions/2", None),
        ("azureml:env", None),
        ("env", None),
    ],
)
def test_references(text: str, expected: Reference | None) -> None:
    assert parse_reference(text, "environments", SPACE) == expected


def test_ranks_of_a_distributed_node() -> None:
    ranks = processes({"distribution_type": "PyTorch", "process_count_per_instance": 2}, {"instance_count": 2})

    assert [(each["RANK"], each["LOCAL_RANK"], each["NODE_RANK"]) for each in ranks] == [
        ("0", "0", "0"),
        ("1", "1", "0"),
        ("2", "0", "1"),
        ("3", "1", "1"),
    ]
    assert processes(None, {"instance_count": 1}) == [{}]
    mpi = processes({"type": "mpi", "process_count_per_instance": 2}, None)
    assert [each["OMPI_COMM_WORLD_RANK"] for each in mpi] == ["0", "1"]
