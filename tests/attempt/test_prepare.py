import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specflow.attempt.prepare import BASE_VARIABLES, Prepared, PrepareError, output_name, prepare
from specflow.spec.load import Loader
from specflow.stages import make_plan, validate

RUN = {"id": "20260101-120000-1a2b3c", "date": "2026-01-01", "pipeline": "p", "attempt": 2, "target": "local"}
AROUND = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
DUMP = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]))"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NASTY = [
    "",
    " ",
    "a b'\"$(touch x);{{y}}${z}\n",
    "\n",
    "\r\n",
    "--flag",
    "-",
    "--",
    "-rf",
    "'",
    '"',
    '\\"',
    "\\",
    "\\n",
    "a\tb",
    "$HOME",
    "`id`",
    "*",
    "~",
    "#",
    "!x",
    "%PATH%",
    "a && b | c > d",
    "${{ inputs.x }}",
    "$[[x]]",
    "{{job.parameters.x}}",
    "${var.x}",
    "日本 ünï",
    "\u202e\u200b\x1b[31m",
    "e\u0301",
    "\ufeff",
    "\x7f\x01",
    "x" * 100_000,
]


def prepared(folder: Path, values: dict[str, Any] | None = None, **step: Any) -> Prepared:
    """Return the process of a step, its attempt's folder made below `folder`."""
    whole = {"step": "s", "command": [], "inputs": {}, "outputs": {}, "env": {}, "secrets": []} | step
    around, secrets = whole.pop("around", AROUND), whole.pop("given", {})
    attempt = folder / f"attempt-{len(list(folder.iterdir()))}"
    return prepare(whole, values or {}, RUN, str(attempt), sys.executable, around, secrets)


def dumped(process: Prepared) -> tuple[list[str], dict[str, str], str]:
    """Return what the process sees: its arguments, its environment, its folder."""
    Path(process.cwd).mkdir()
    done = subprocess.run(process.argv, env=process.env, cwd=process.cwd, capture_output=True, check=True)
    arguments, environment, folder = json.loads(done.stdout)
    return arguments, environment, folder


def words(*trees: Any) -> list[Any]:
    """Return a command that dumps what it is given."""
    return [["value", "python"], ["value", "-SE"], ["value", "-c"], ["value", DUMP], *trees]


def here(name: str) -> list[str]:
    return ["here", "inputs", name]


STRING, STRINGS, FLAG = {"type": "string"}, {"type": "string", "many": True}, {"type": "boolean"}


def test_nasty_arguments_and_variables_arrive_byte_for_byte(tmp_path: Path) -> None:
    names = [f"V{i}" for i in range(len(NASTY))]
    inputs = {f"v{i}": STRING for i in range(len(NASTY))} | {"all": STRINGS}
    values = {f"v{i}": text for i, text in enumerate(NASTY)} | {"all": NASTY}
    process = prepared(
        tmp_path,
        values,
        command=words(here("all"), *(here(f"v{i}") for i in range(len(NASTY)))),
        inputs=inputs,
        env={name: here(name.lower()) for name in names},
    )
    arguments, environment, _ = dumped(process)

    assert NASTY + NASTY == arguments
    assert dict(zip(names, NASTY, strict=True)) == {name: environment[name] for name in names}


anywhere = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@anywhere
@given(st.lists(TEXTS, max_size=8), TEXTS, TEXTS)
def test_any_text_arrives_byte_for_byte(tmp_path: Path, many: list[str], one: str, variable: str) -> None:
    process = prepared(
        tmp_path,
        {"many": many, "one": one, "variable": variable},
        command=words(here("one"), here("many"), ["text", ["value", "--x="], here("one")]),
        inputs={"many": STRINGS, "one": STRING, "variable": STRING},
        env={"V": here("variable")},
    )
    arguments, environment, _ = dumped(process)

    assert [one, *many, f"--x={one}"] == arguments
    assert variable == environment["V"]


SPEC = """
specflow: 1
name: s
inputs: {a: {type: string}, b: {type: string, optional: true}, c: {type: string, many: true}, v: {type: boolean}}
env: {V: "${{ inputs.a }}", W: "<${{ inputs.b }}>"}
"""
RUNS = {
    "a string": """run: >-
  python -SE -c 'DUMP' "${{ inputs.a }}" --a=${{ inputs.a }} ${{ inputs.c }} 'x y' '' "\\$'" a\\ b
  $[[--b ${{ inputs.b }}]] $[[${{ if(inputs.v, '--verbose', null) }}]]
""",
    "a list": """run:
  - python
  - -SE
  - -c
  - DUMP
  - ${{ inputs.a }}
  - --a=${{ inputs.a }}
  - ${{ inputs.c }}
  - x y
  - ""
  - $'
  - a b
  - $[[--b ${{ inputs.b }}]]
  - $[[${{ if(inputs.v, '--verbose', null) }}]]
""",
}


@pytest.fixture(params=RUNS)
def attempt(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return a step as a plan holds it, from a file whose `run` is a string or a list."""
    (tmp_path / "s").mkdir()
    file = tmp_path / "s" / "step.yaml"
    file.write_text(SPEC + RUNS[request.param].replace("DUMP", DUMP))
    plan, found = make_plan(validate(file, Loader(tmp_path)), None)
    assert plan is not None, [d.message for d in found]
    return dict(plan.document["steps"][0]["attempt"])


@anywhere
@given(TEXTS | st.sampled_from(NASTY), st.none() | TEXTS, st.lists(TEXTS, max_size=3), st.booleans())
def test_any_text_arrives_byte_for_byte_from_a_spec(
    attempt: dict[str, Any], tmp_path: Path, a: str, b: str | None, c: list[str], v: bool
) -> None:
    arguments, environment, _ = dumped(prepared(tmp_path, {"a": a, "b": b, "c": c, "v": v}, **attempt))
    of_b = ["--b", b] if b is not None else []

    assert [a, f"--a={a}", *c, "x y", "", "$'", "a b", *of_b, *(["--verbose"] if v else [])] == arguments
    assert a == environment["V"]
    assert (f"<{b}>" if b is not None else None) == environment.get("W")


MANY = {"type": "integer", "many": True}
ARGUMENTS: list[tuple[list[Any], dict[str, Any], list[str]]] = [
    ([here("n")], {"n": 7}, ["7"]),
    ([here("f")], {"f": 2.0}, ["2"]),
    ([here("f")], {"f": 0.1}, ["0.1"]),
    ([here("b")], {"b": True}, ["true"]),
    ([here("many")], {"many": [3, 1, 2]}, ["3", "1", "2"]),
    ([here("many")], {"many": []}, []),
    ([["group", ["value", "--n"], here("n")]], {"n": 7}, ["--n", "7"]),
    ([["group", ["value", "--n"], here("n")]], {}, []),
    ([["group", ["value", "--s"], here("s")]], {"s": ""}, ["--s", ""]),
    ([["group", here("n"), here("s")]], {"n": 7}, []),
    ([["group", ["value", "--many"], here("many")]], {"many": [1, 2]}, ["--many", "1", "2"]),
    ([["group", ["value", "--many"], here("many")]], {"many": []}, []),
    ([["group", ["text", ["value", "--n="], here("n")]]], {}, []),
    ([["group", here("n")], ["value", "x"], ["group", here("s")]], {"s": "y"}, ["x", "y"]),
    ([["group", ["if", here("b"), ["value", "-v"], ["value", None]]]], {"b": True}, ["-v"]),
    ([["group", ["if", here("b"), ["value", "-v"], ["value", None]]]], {"b": False}, []),
    ([["run", "id"], ["run", "date"]], {}, [RUN["id"], RUN["date"]]),
]
PORTS = {"n": {"type": "integer"}, "f": {"type": "number"}, "b": FLAG, "s": STRING, "many": MANY}


@pytest.mark.parametrize(("trees", "values", "expected"), ARGUMENTS)
def test_values_become_arguments(trees: list[Any], values: dict[str, Any], expected: list[str], tmp_path: Path) -> None:
    process = prepared(tmp_path, values, command=[["value", "tool"], *trees], inputs=PORTS)

    assert ["tool", *expected] == process.argv


@pytest.mark.parametrize(("word", "first"), [("python", sys.executable), ("python3", sys.executable), ("bash", "bash")])
def test_python_as_the_first_word_is_the_interpreter_of_the_step(word: str, first: str, tmp_path: Path) -> None:
    assert [first, "python"] == prepared(tmp_path, command=[["value", word], ["value", "python"]]).argv


def test_a_script_is_run_by_a_strict_bash(tmp_path: Path) -> None:
    process = prepared(tmp_path, script="false | cat\necho $UNSET")

    assert ["bash", "-euo", "pipefail", "-c", "false | cat\necho $UNSET"] == process.argv


OUTPUTS = {
    "table": ({"type": "file", "format": "parquet"}, "table.parquet", False),
    "notes": ({"type": "file"}, "notes", False),
    "parts": ({"type": "folder", "format": "delta"}, "parts", True),
    "fitted": ({"type": "model"}, "fitted", True),
    "scores": ({"type": "metrics"}, "scores.json", False),
    "rmse": ({"type": "number"}, "rmse", False),
}


def test_folders_are_there_and_empty_and_files_have_their_parent(tmp_path: Path) -> None:
    process = prepared(
        tmp_path,
        command=[["value", "tool"], *(["here", "outputs", port] for port in OUTPUTS)],
        outputs={port: facts for port, (facts, _, _) in OUTPUTS.items()},
    )
    folder = Path(process.cwd).parent / "outputs"
    folders = {name for _, name, is_folder in OUTPUTS.values() if is_folder}

    assert {port: str(folder / name) for port, (_, name, _) in OUTPUTS.items()} == process.outputs
    assert list(process.outputs.values()) == process.argv[1:]
    assert folders == {path.name for path in folder.iterdir()}
    assert [] == [path for name in folders for path in (folder / name).iterdir()]
    assert {port: name for port, (_, name, _) in OUTPUTS.items()} == {
        port: output_name(port, facts) for port, (facts, _, _) in OUTPUTS.items()
    }


FROM_SPECFLOW = {
    "PYTHONUNBUFFERED": "1",
    "SPECFLOW_RUN_ID": RUN["id"],
    "SPECFLOW_PIPELINE": "p",
    "SPECFLOW_STEP": "s",
    "SPECFLOW_ATTEMPT": "2",
    "SPECFLOW_TARGET": "local",
}


def test_nothing_of_the_environment_around_comes_in_but_what_is_listed(tmp_path: Path) -> None:
    around = {name: f"the {name}" for name in BASE_VARIABLES}
    leaks = {"AWS_SECRET_ACCESS_KEY": "x", "PYTHONPATH": "/x", "VIRTUAL_ENV": "/x", "PS1": "$", "SPECFLOW_STEP": "x"}
    process = prepared(tmp_path, command=words(), around=around | leaks)
    path = f"{Path(sys.executable).parent}{os.pathsep}the PATH"

    assert around | FROM_SPECFLOW | {"PATH": path} == process.env
    assert process.env == dumped(process)[1]


def test_a_bare_environment_stays_bare(tmp_path: Path) -> None:
    process = prepared(tmp_path, command=words(), around={})

    assert FROM_SPECFLOW | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}"} == process.env


def test_variables_of_the_step_replace_and_null_unsets(tmp_path: Path) -> None:
    process = prepared(
        tmp_path,
        {"n": 7},
        command=words(),
        inputs={"n": {"type": "integer"}, "gone": STRING},
        env={
            "N": here("n"),
            "HOME": ["value", "/elsewhere"],
            "LANG": ["value", None],
            "GONE": here("gone"),
            "NEVER_SET": ["value", None],
            "YES": ["value", True],
            "EMPTY": ["value", ""],
        },
        around={"HOME": "/home", "LANG": "C", "USER": "me"},
    )
    own = {name: text for name, text in process.env.items() if name not in FROM_SPECFLOW and name != "PATH"}

    assert {"HOME": "/elsewhere", "USER": "me", "N": "7", "YES": "true", "EMPTY": ""} == own


def test_secrets_come_as_variables_and_nobody_overrides_specflows_own(tmp_path: Path) -> None:
    own = {name: text for name, text in FROM_SPECFLOW.items() if name.startswith("SPECFLOW_")}
    process = prepared(
        tmp_path,
        command=words(),
        env={"TOKEN": ["value", "from env"]} | {name: ["value", "mine"] for name in own},
        given={"TOKEN": "s3cret", "SPECFLOW_TARGET": "mine"},
    )

    assert {"TOKEN": "s3cret"} | own == {name: process.env[name] for name in ("TOKEN", *own)}


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"inputs": {"n": {"type": "integer"}}}, {"n": "7"}, 'input "n": "7" is not an integer'),
    ({"inputs": {"n": {"type": "number"}}}, {"n": "7"}, 'input "n": "7" is not a number'),
    (
        {"inputs": {"n": {"type": "integer", "minimum": 8}}},
        {"n": 7},
        'input "n": 7 is less than the minimum 8',
    ),
    ({"inputs": {"s": STRING}}, {"s": "a\0b"}, 'input "s": the text holds a NUL character'),
    ({"inputs": {"s": STRING}}, {"s": ["a"]}, 'input "s": the port takes one value, not a list'),
    ({"inputs": {"t": {"type": "file"}}}, {"t": "/no/such"}, 'input "t": there is nothing at "/no/such"'),
    (
        {"inputs": {"t": {"type": "file", "many": True}}},
        {"t": [sys.executable, "/no/such"]},
        'input "t": there is nothing at "/no/such"',
    ),
    (
        {"inputs": {"s": STRING}, "command": [["value", "tool"], here("s")]},
        {},
        "a value in the command is absent, and it does not stand inside $[[ ]]",
    ),
    (
        {"inputs": {"s": STRING}, "command": [["group", here("s")]]},
        {},
        "nothing is left of the command once absent values are gone",
    ),
]


@pytest.mark.parametrize(("step", "values", "sentence"), REFUSED)
def test_a_step_that_can_not_start_says_why(
    step: dict[str, Any], values: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(PrepareError) as caught:
        prepared(tmp_path, values, **({"command": [["value", "tool"]]} | step))

    assert sentence == str(caught.value)


def test_downloaded_inputs_are_copies_of_the_steps_own(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "a.txt").write_text("a")
    (source / "b.csv").write_text("b")
    download = {"access": "download"}
    process = prepared(
        tmp_path,
        {"folder": str(source), "files": [str(source / "b.csv"), str(source / "b.csv")]},
        command=[["value", "tool"], here("folder"), here("files")],
        inputs={"folder": {"type": "folder", **download}, "files": {"type": "file", "many": True, **download}},
    )
    folder, *files = map(Path, process.argv[1:])
    (folder / "deep" / "a.txt").write_text("changed")
    files[0].write_text("changed")

    assert ["source", "b.csv", "b.csv"] == [path.name for path in (folder, *files)]
    assert ("a", "b", "b") == (
        (source / "deep" / "a.txt").read_text(),
        (source / "b.csv").read_text(),
        files[1].read_text(),
    )
    assert all(str(path).startswith(str(Path(process.cwd).parent)) for path in (folder, *files))
