"""plan: what running would do, told before; held against what running then does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Here

# ruff: noqa: E501 - commands in one line each
# make ─→ read ─→ again        (make's result is known after a run; read's code is then changed)
SPEC = """\
    specflow: 1
    name: chain
    inputs: {word: {type: string, default: one}}
    steps:
      make:
        run: [python, -c, "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", "${{ outputs.o }}", "${{ inputs.word }}"]
        outputs: {o: {type: file}}
      read:
        run: [python, -c, "import sys; sys.argv; open(sys.argv[1], 'w').write('READ')", "${{ outputs.o }}", "${{ steps.make.outputs.o }}"]
        outputs: {o: {type: file}}
      again:
        run: [python, -c, "import sys; open(sys.argv[1])", "${{ steps.read.outputs.o }}"]
      daily:
        run: [python, -c, "", "${{ run.date }}"]
      never:
        when: ${{ inputs.word == 'two' }}
        run: [python, -c, ""]
"""


def steps_of(here: Here, *args: str) -> dict[str, tuple[str, list[str]]]:
    said = here.call("plan", "chain.yaml", "--format", "json", *args)
    assert said.code == 0, said.err
    return {step["label"]: (step["state"], step["why"]) for step in json.loads(said.out)["steps"]}


def test_each_step_here_is_foretold_with_its_reason(here: Here) -> None:
    here.write("chain.yaml", SPEC)

    none = ["there is no earlier result of it"]
    expected = {
        "make": ("runs", none),
        "read": ("may run", ["hangs on what make will give"]),
        "again": ("may run", ["hangs on what read will give"]),
        "daily": ("runs", ["it asks for the run's date"]),
        "never": ("skipped", ["condition false"]),
    }
    assert expected == steps_of(here)

    assert here.call("run", "chain.yaml", "-q").code == 0
    after = steps_of(here)
    assert {"make": "cached", "read": "cached", "again": "cached", "never": "skipped"} == {
        name: state for name, (state, _) in after.items() if name != "daily"
    }

    here.write("chain.yaml", SPEC.replace("READ", "RED"))
    changed = steps_of(here)
    assert ("cached", "runs", "may run") == (changed["make"][0], changed["read"][0], changed["again"][0])
    assert changed["read"][1] == ["the command changed"]
    assert steps_of(here, "-i", "word=two")["make"] == ("runs", ['the input "word" was "one", is "two"'])
    assert steps_of(here, "--no-cache")["make"] == ("runs", ["earlier results are not taken"])


def test_planning_changes_nothing_and_what_is_saved_is_what_runs(here: Here) -> None:
    here.write("chain.yaml", SPEC)
    said = here.call("plan", "chain.yaml", "-o", "build", "--format", "json")
    digest = json.loads(said.out)["digest"]

    assert said.err.endswith("saved in build/chain\n")
    assert here.call("runs").out == ""
    here.write("chain.yaml", SPEC.replace("READ", "RED"))
    assert here.call("run", "build/chain", "--expect", digest, "-q").code == 0
    again = here.call("plan", "build/chain", "--format", "json")
    assert json.loads(again.out)["digest"] == digest
    assert json.loads(again.out)["steps"][1]["state"] == "cached"


MIXED = """\
    specflow: 1
    name: mixed
    steps:
      there:
        target: databricks
        run: [python, -c, "import sys; open(sys.argv[1], 'w').write('12345')", "${{ outputs.o }}"]
        outputs: {o: {type: file}}
      here:
        run: [python, -c, "import sys; open(sys.argv[1])", "${{ steps.there.outputs.o }}"]
    """


def test_an_island_is_foretold_with_what_it_makes_and_what_crosses(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("mixed.yaml", MIXED)
    emulate("databricks")

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(here.call("plan", "mixed.yaml", "--format", "json").out)
        return found

    first = told()
    (island,) = first["islands"]
    assert island == {
        "name": "there",
        "target": "databricks",
        "state": "runs",
        "why": ["no job with this content has been run from here"],
        "creates": ['job "there" with 1 task'],
    }
    assert first["crossings"] == [
        {"step": "there", "port": "o", "type": "file", "source": "databricks", "reader": "local", "way": "downloaded", "bytes": None}
    ]  # fmt: skip
    assert [(step["compute"], step["state"]) for step in first["steps"]] == [
        ("serverless", "runs"),
        ("1 cpu", "may run"),
    ]

    assert here.call("run", "mixed.yaml", "--emulate", "-q").code == 0
    second = told()
    assert [(one["name"], one["state"]) for one in second["islands"]] == [("there", "cached")]
    assert [step["state"] for step in second["steps"]] == ["cached", "cached"]
    assert second["crossings"][0]["bytes"] == 5


def test_a_plan_is_compared_with_what_is_deployed(here: Here, emulate: Callable[..., Any]) -> None:
    spec = 'specflow: 1\nname: nightly\nsteps: {say: {run: [python, -c, "print(1)"]}}\n'
    here.write("nightly.yaml", spec)
    emulate("databricks")
    where = ("nightly.yaml", "--target", "databricks", "--emulate")

    def kind() -> str:
        (change,) = json.loads(here.call("plan", *where, "--deployed", "--format", "json").out)["deployed"]
        return str(change["kind"])

    assert kind() == "new"
    here.call("deploy", *where)
    assert kind() == "same"
    here.write("nightly.yaml", f"# a comment changes nothing\n{spec}")
    assert kind() == "same"
    here.write("nightly.yaml", spec.replace("print(1)", "print(2)"))
    assert kind() == "changed"
