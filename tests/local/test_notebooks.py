"""Notebooks as steps: what their cells get, where their output goes, and how they fail."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from specflow.attempt.notebook import assignments
from tests.local.conftest import Project, is_alive, send, wait_for

HOSTILE = 'it\'s "x"; \\n \n\t$(reboot) {{job.id}} ${var.x} é\u2028🙂'


def notebook(*cells: str, tags: dict[int, list[str]] | None = None) -> str:
    """Return a notebook as a file has it; the first cell is tagged `parameters` unless said."""
    tagged = {0: ["parameters"]} if tags is None else tags
    made = [
        {
            "cell_type": "code",
            "execution_count": None,
            "metadata": {"tags": tagged.get(index, [])},
            "outputs": [],
            "source": source,
        }
        for index, source in enumerate(cells)
    ]
    kernel = {"name": "somebodys-own", "display_name": "Mine", "language": "python"}
    return json.dumps({"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4})


def executed(project: Project, result: dict[str, Any], step: str) -> dict[str, Any]:
    path = project.folder / ".specflow/runs" / result["run"] / "logs" / f"{step}.1.ipynb"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize(
    ("value", "facts", "source"),
    [
        ("a", {"type": "string"}, "x = 'a'"),
        (HOSTILE, {"type": "string"}, f"x = {HOSTILE!r}"),
        (3, {"type": "integer"}, "x = 3"),
        (3, {"type": "number"}, "x = 3.0"),
        (2**60 + 1, {"type": "number"}, f"x = {2**60 + 1}"),
        (0.1, {"type": "number"}, "x = 0.1"),
        (True, {"type": "boolean"}, "x = True"),
        (None, {"type": "file"}, "x = None"),
        ([1, 2], {"type": "number", "many": True}, "x = [1.0, 2.0]"),
        (["/a b", "/c"], {"type": "file", "many": True}, "x = ['/a b', '/c']"),
    ],
)
def test_a_port_is_assigned_as_python_of_its_type(value: Any, facts: dict[str, Any], source: str) -> None:
    assert source == assignments({"inputs": {"x": facts}, "outputs": {}}, {"x": value}, {})


def test_a_text_is_the_same_text_after_python_has_read_it() -> None:
    namespace: dict[str, Any] = {}
    texts = [HOSTILE, *map(chr, range(1, 0x300)), "'''", '"""', "\\", "\r\n"]
    step = {"inputs": {"x": {"type": "string", "many": True}}, "outputs": {"out": {"type": "file"}}}
    exec(assignments(step, {"x": texts}, {"out": "/a/'b"}), namespace)

    assert (texts, "/a/'b") == (namespace["x"], namespace["out"])


papermill = pytest.mark.usefixtures("_papermill")


@pytest.fixture
def _papermill() -> None:
    pytest.importorskip("papermill", reason='pip install "specflow[notebook]"')
    pytest.importorskip("ipykernel", reason='pip install "specflow[notebook]"')


@papermill
def test_a_hostile_text_arrives_and_cells_see_the_steps_own_code(project: Project) -> None:
    """The notebook lies outside the code folder; a module of the step's is named like one that papermill needs."""
    project.write("{braces}/n.ipynb", notebook("word = ''\nsaid = ''", "import nbformat\nnbformat.say(word, said)"))
    project.write(
        "code/nbformat.py", "def say(word, said):\n    open(said, 'w', newline='').write(word)\n    print('hi')"
    )
    project.pipeline(
        """
        say:
          notebook: "{braces}/n.ipynb"
          code: code
          inputs: {word: "${{ inputs.word }}"}
          outputs: {said: {type: file}}
        """,
        "inputs: {word: {type: string}}\noutputs: {said: {from: '${{ steps.say.outputs.said }}'}}\n",
    )

    result = project.run("-i", f"word={HOSTILE}")

    assert "succeeded" == result["state"], result
    assert HOSTILE.encode() == Path(result["outputs"]["said"]).read_bytes()
    assert "hi\n" == project.log(result, "say")
    assert ["injected-parameters"] == executed(project, result, "say")["cells"][1]["metadata"]["tags"]


@papermill
def test_a_secret_is_not_seen_in_the_executed_notebook(project: Project) -> None:
    secret = 'one "two" é three'
    project.write("n.ipynb", notebook("", "import os; print(os.environ['TOKEN']); os.environ['TOKEN']"))
    project.pipeline("say: {notebook: n.ipynb, secrets: [TOKEN]}")

    said = project.call("run", "p.yaml", "--format", "json", "--allow-secret", "TOKEN", env={"TOKEN": secret})

    result = json.loads(said.stdout.splitlines()[-1])
    logs = project.folder / ".specflow/runs" / result["run"] / "logs"
    shown = json.dumps(executed(project, result, "say"), ensure_ascii=False)
    assert 0 == said.returncode
    assert "***" in shown
    for text in (shown, *(path.read_text() for path in logs.iterdir())):
        assert "three" not in text


@papermill
def test_a_changed_notebook_runs_again_and_an_unchanged_one_does_not(project: Project) -> None:
    project.pipeline("say: {notebook: n.ipynb}")
    states = []
    for cell in ("1 + 1", "1 + 1", "1 + 2"):
        project.write("n.ipynb", notebook(cell))
        states.append(project.run()["steps"]["say"]["state"])

    assert ["succeeded", "cached", "succeeded"] == states
    assert "the notebook changed" in project.call("why", "say").stdout


@papermill
def test_a_failing_cell_fails_the_step_with_its_last_line_as_the_hint(project: Project) -> None:
    project.write("n.ipynb", notebook("print('so far')", "raise ValueError('first\\nlast words')"))
    project.pipeline("say: {notebook: n.ipynb}")

    result = project.run()

    end = next(json.loads(line) for line in result["events"].splitlines() if "step_finished" in line)
    log = project.log(result, "say")
    assert ("failed", "exit code 1") == (end["state"], end["reason"])
    assert end["hint"].startswith("the notebook failed in cell [2]: last words; all of it is in "), end["hint"]
    assert log.startswith("so far\n")
    assert "\x1b" not in log
    assert "ValueError" in str(executed(project, result, "say")["cells"][-1]["outputs"])


@papermill
def test_a_kernel_that_dies_is_told_without_a_traceback(project: Project) -> None:
    project.write("n.ipynb", notebook("import os\nos._exit(3)"))
    project.pipeline("say: {notebook: n.ipynb}")

    result = project.run()

    told = "the notebook failed: its kernel died; a cell ended it, or there was not enough memory\n"
    log = project.log(result, "say")
    assert ("failed", True, False) == (result["state"], log.endswith(told), "Traceback" in log), log


@papermill
def test_no_kernel_survives_a_runner_that_is_killed(project: Project, tmp_path: Path) -> None:
    source = f"import os, pathlib, time\npathlib.Path('{tmp_path}/new').write_text(str(os.getpid()))\n"
    source += f"os.rename('{tmp_path}/new', '{tmp_path}/pid')\ntime.sleep(600)"
    project.write("n.ipynb", notebook(source))
    project.pipeline("say: {notebook: n.ipynb}")
    runner = project.start("run", "p.yaml")
    wait_for(tmp_path / "pid")
    kernel = int((tmp_path / "pid").read_text())
    send(runner, signal.SIGKILL)
    runner.communicate()

    end = time.monotonic() + 30
    while is_alive(kernel) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_alive(kernel)


def test_a_notebook_without_papermill_is_refused_before_anything_runs(project: Project, tmp_path: Path) -> None:
    project.write("n.ipynb", notebook("1"))
    project.pipeline(f"""
        first: {{run: touch {tmp_path}/ran}}
        say: {{notebook: n.ipynb, environment: {{dependencies: ["click<0.1"]}}}}
        """)

    done = project.call("run", "p.yaml")

    message = 'say: error: the step "say" is a notebook, and its environment has no papermill and ipykernel'
    help_ = "  = help: add papermill and ipykernel to the step's `dependencies`"
    assert (1, False) == (done.returncode, (tmp_path / "ran").exists())
    assert [f"{message} [missing-extra]", help_] == done.stderr.splitlines()[:2], done.stderr
