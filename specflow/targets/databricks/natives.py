"""Steps that the platform runs by itself, between two tasks of ours: native steps, and Databricks source notebooks.

    look__decide   a notebook: shall it run? It tells the values of its ports as task values
    look__runs     a condition on what was decided
    look           the native task, or the notebook with its ports as widgets
    look__record   takes down how it ended, and what it left

Task values can be set in notebooks only (docs.databricks.com/jobs/task-values), so a notebook decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.launch import MAX_DELAY_S
from specflow.attempt.prepare import output_name
from specflow.graph.model import Node
from specflow.targets.databricks.environments import FILES
from specflow.targets.databricks.folders import Place
from specflow.targets.databricks.names import DECIDE, LAUNCHER, RECORD, RUN_PARAMETER, RUNS, folder_of
from specflow.targets.databricks.tasks import (
    ONLY_OUR_RETRIES,
    Around,
    halt_text,
    machine_words,
    root_text,
    script_task,
    with_order,
)

__all__ = ["end_of", "is_between", "native_tasks"]


def is_between(node: Node) -> bool:
    """Return whether a step's own task is not the launcher's."""
    return node.kind == "native" or (node.notebook is not None and node.notebook.suffix == ".py")


def end_of(node: Node) -> str:
    """Return the task that ends a step: those behind it wait for that one."""
    return f"{node.id}{RECORD}" if is_between(node) else node.id


def native_tasks(
    node: Node,
    note: Mapping[str, Any],
    place: Place,
    around: Around,
    before: Sequence[str],
    files: dict[str, bytes | FilePath],
) -> list[dict[str, Any]]:
    """Return the four tasks of a step that the platform runs by itself."""
    decide = _decide(node, note, place, around)
    runs = {"left": f"{{{{tasks.{node.id}{DECIDE}.values.specflow_runs}}}}", "right": "true"}
    condition = {"task_key": f"{node.id}{RUNS}", "condition_task": {"op": "EQUAL_TO", **runs}}
    own = _own_task(node, note, around, files)
    shown = [argument for argument in place.arguments if argument.startswith("--id=")]
    arguments = [
        *shown,
        f"--ended={{{{tasks.{node.id}.result_state}}}}",
        f"--attempt={{{{tasks.{node.id}.execution_count}}}}",
        "--repair={{job.repair_count}}",
    ]
    if around.fail_fast:
        arguments.append(f"--halt={halt_text()}")
    record = script_task(f"{node.id}{RECORD}", place.note, arguments, around)
    behind_condition = {"task_key": f"{node.id}{RUNS}", "outcome": "true"}
    return [
        with_order(decide, before, always=True),
        with_order(condition, [f"{node.id}{DECIDE}"], always=False),
        {"task_key": node.id, "depends_on": [behind_condition], **own},
        # Behind the first as well: a task is left out whose only dependency was.
        with_order(record, [f"{node.id}{DECIDE}", node.id], always=True),
    ]


def _decide(node: Node, note: Mapping[str, Any], place: Place, around: Around) -> dict[str, Any]:
    """Return the task that decides; its widgets are the options of the launcher."""
    parameters = {
        "specflow_note": f"{FILES}/{place.note}",
        "specflow_place": root_text(),
        "specflow_run": f"{{{{job.parameters.{RUN_PARAMETER}}}}}",
        "specflow_date": "{{job.start_time.iso_date}}",
        "specflow_repair": "{{job.repair_count}}",
        "specflow_options": " ".join(place.arguments),
    }
    if around.fail_fast:
        parameters["specflow_halt"] = halt_text()
    for name in note["inputs"]:
        parameters[f"input.{name}"] = f"{{{{job.parameters.{(around.parameters or {})[name]}}}}}"
    for key in note["data"]:
        parameters[f"data.{key}"] = (around.data or {}).get(key, "")
    body = {"notebook_path": f"../{LAUNCHER}/decide.py", "base_parameters": parameters}
    return {"task_key": f"{node.id}{DECIDE}", **_machine_of_notebook(around), "notebook_task": body}


def _own_task(
    node: Node, note: Mapping[str, Any], around: Around, files: dict[str, bytes | FilePath]
) -> dict[str, Any]:
    patience: dict[str, Any] = {}
    retry = note["retry"]
    if retry["attempts"] > 1:
        delay_s = int(min(retry["delay_s"], MAX_DELAY_S))
        patience = {"max_retries": retry["attempts"] - 1, "min_retry_interval_millis": delay_s * 1000}
    if note["timeout_s"] is not None:
        patience["timeout_seconds"] = note["timeout_s"]
        if retry["attempts"] > 1:
            patience["retry_on_timeout"] = True
    if node.kind == "native":
        return patience
    assert node.notebook is not None
    path = f"{folder_of(node.id, is_instance=bool(node.matrix))}/{_place_in_code(node.notebook, node.code)}"
    files[path] = node.notebook
    ports = {port: f"{{{{tasks.{node.id}{DECIDE}.values.{port}}}}}" for port in node.inputs}
    # Each attempt has a place of its own: it sees nothing of those before it.
    place = f"{root_text()}/{node.id}/outputs-{{{{task.execution_count}}}}"
    ports |= {port: f"{place}/{output_name(port, facts)}" for port, facts in note["attempt"]["outputs"].items()}
    return {
        **_machine_of_notebook(around),
        **patience,
        "notebook_task": {"notebook_path": f"../{path}", **({"base_parameters": ports} if ports else {})},
    }


def _place_in_code(notebook: FilePath, code: FilePath | None) -> str:
    """Return where a notebook lies in its step's folder: where it is in the step's code, whose modules it imports."""
    if code is None:
        return notebook.name
    return f"code/{notebook.relative_to(code).as_posix() if notebook.is_relative_to(code) else notebook.name}"


def _machine_of_notebook(around: Around) -> dict[str, Any]:
    """Return what says where a notebook runs: on serverless nothing does, it has its environment inside."""
    return dict(ONLY_OUR_RETRIES) if around.machine.is_serverless else machine_words(around)
