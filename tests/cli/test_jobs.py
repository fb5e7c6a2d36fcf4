"""What a run makes of the ends of its jobs: nothing is called done that was not, and nothing broken stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from specflow.targets.azureml.emulator.mishaps import Mishap
from tests.cli.conftest import Here

PLACE = "azureml://datastores/workspaceblobstore/paths/out"
PLACED = f"""\
    specflow: 1
    name: placed
    inputs: {{who: {{type: string, default: me}}}}
    steps:
      make:
        run: [python, -c, "import sys; open(sys.argv[2], 'w').write(sys.argv[1])", "${{{{ inputs.who }}}}", "${{{{ outputs.o }}}}"]
        outputs: {{o: {{type: file}}}}
    outputs:
      first: {{from: "${{{{ steps.make.outputs.o }}}}", register: {{name: made}}}}
      second: {{from: "${{{{ steps.make.outputs.o }}}}", location: "{PLACE}/x.txt"}}
"""  # noqa: E501 - a command in one line
WHERE = ("--target", "azureml", "--emulate")


def written(emulated: Any, name: str) -> list[str]:
    return [path.read_text() for path in Path(emulated.emulator.service.root).rglob(name) if path.is_file()]


def last(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def test_a_job_that_fails_beside_its_steps_fails_the_run(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("placed.yaml", PLACED)
    emulated = emulate("azureml")
    emulated.emulator.service.mishaps.set([Mishap("copy__second", "fail")])

    said = here.call("run", "placed.yaml", *WHERE, "--format", "json")

    result = last(said.out)
    assert (1, "failed") == (said.code, result["state"])
    assert "copy__second" in result["reason"]
    assert [] == written(emulated, "x.txt")
    assert not (here.folder / ".specflow/registry").exists()
    emulated.emulator.service.mishaps.set([])
    assert 0 == here.call("run", "placed.yaml", *WHERE, "-q").code
    assert ["me"] == written(emulated, "x.txt")


def test_what_goes_to_an_address_is_there_whatever_ran_before(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("placed.yaml", PLACED)
    emulated = emulate("azureml")

    for who in ("me", "you", "me"):
        assert 0 == here.call("run", "placed.yaml", *WHERE, "-q", "-i", f"who={who}").code
        assert [who] == written(emulated, "x.txt")


MIXED = """\
    specflow: 1
    name: mixed
    steps:
      make:
        target: azureml
        run: [python, -c, "import sys; open(sys.argv[1], 'w').write('fine')", "${{ outputs.o }}"]
        outputs: {o: {type: file}}
      read: {run: [cat, "${{ steps.make.outputs.o }}"]}
"""
PROJECT = """\
    specflow: 1
    profile: here
    profiles:
      here:
        store: {local: exchange, azureml: azureml://datastores/exchange/paths/x}
        targets: {azureml: {emulate: true}}
"""


def test_a_damaged_output_of_a_job_is_made_again(here: Here, emulate: Callable[..., Any]) -> None:
    here.write("specflow.yaml", PROJECT)
    here.write("mixed.yaml", MIXED)
    assert 0 == here.call("run", "mixed.yaml", "-q").code
    (made,) = (path for path in (here.folder / "exchange").rglob("*") if path.is_file() and path.read_text() == "fine")
    made.chmod(0o644)
    made.write_text("damaged")

    said = here.call("run", "mixed.yaml", "--format", "json", "--force", "read")

    result = last(said.out)
    assert (0, "succeeded") == (said.code, result["steps"]["make"]["state"])
    log = here.folder / ".specflow/runs" / result["run"] / "logs/read.1.log"
    assert "fine" == log.read_text()
