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


# first (here) ─→ there (databricks) ─→ last (here)
MIXED = """\
    specflow: 1
    name: mixed
    steps:
      first:
        run: [python, -c, "import sys; open(sys.argv[1], 'w').write('123')", "${{ outputs.o }}"]
        outputs: {o: {type: file}}
      there:
        target: databricks
        run: [python, -c, "import sys; open(sys.argv[1], 'w').write(open(sys.argv[2]).read() + '45')", "${{ outputs.o }}", "${{ steps.first.outputs.o }}"]
        outputs: {o: {type: file}}
      last:
        run: [python, -c, "import sys; open(sys.argv[1])", "${{ steps.there.outputs.o }}"]
"""


def test_an_island_is_foretold_with_what_it_makes_and_what_crosses(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("mixed.yaml", MIXED)
    emulate("databricks")

    def told() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(here.call("plan", "mixed.yaml", "--format", "json").out)
        return found

    def states(found: dict[str, Any]) -> list[tuple[str, str]]:
        return [(step["label"], step["state"]) for step in found["steps"]]

    def crossing(found: dict[str, Any]) -> list[tuple[Any, ...]]:
        keys = ("step", "port", "type", "source", "reader", "way", "bytes")
        return [tuple(one[key] for key in keys) for one in found["crossings"]]

    first = told()
    assert [("first", "runs"), ("there", "may run"), ("last", "may run")] == states(first)
    (island,) = first["islands"]
    assert island == {
        "name": "there",
        "target": "databricks",
        "state": "may run",
        "why": ["hangs on what first will give"],
        "creates": ['job "mixed__there" with 1 task'],
    }
    assert [
        ("first", "o", "file", "local", "databricks", "uploaded", None),
        ("there", "o", "file", "databricks", "local", "downloaded", None),
    ] == crossing(first)
    assert ["1 cpu", "serverless", "1 cpu"] == [step["compute"] for step in first["steps"]]

    assert here.call("run", "mixed.yaml", "--emulate", "-q").code == 0
    second = told()
    assert [("first", "cached"), ("there", "cached"), ("last", "cached")] == states(second)
    assert [3, 5] == [one["bytes"] for one in second["crossings"]]

    here.write("mixed.yaml", MIXED.replace("'45'", "'54'"))
    third = told()
    assert [("first", "cached"), ("there", "runs"), ("last", "may run")] == states(third)
    assert ["no job with this content has been run from here"] == third["islands"][0]["why"]


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
