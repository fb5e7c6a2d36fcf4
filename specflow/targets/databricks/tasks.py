"""A step as a task: its launch by the launcher, its place in the order, its retries and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from specflow.attempt.launch import MAX_DELAY_S
from specflow.graph.model import Node
from specflow.lowering import holds_after_failure
from specflow.targets.databricks.computes import Machine
from specflow.targets.databricks.environments import FILES
from specflow.targets.databricks.folders import Place
from specflow.targets.databricks.names import LAUNCHER, ROOT_PARAMETER, RUN_PARAMETER

__all__ = ["ONLY_OUR_RETRIES", "Around", "halt_text", "outlives_failures", "script_task", "task_of", "with_order"]

GRACE_S = 60
"""Seconds that the platform's own limit stands behind the launcher's: it ends what the launcher could not."""

ONLY_OUR_RETRIES = {"disable_auto_optimization": True}
"""Of a task on serverless: else the platform tries a failed one again by itself, whatever `max_retries` says.

Source: "Run your Lakeflow Jobs with serverless compute" of Databricks' documentation; that 0 retries do not prevent it
is told by users of it. Never tried live.
"""


@dataclass(frozen=True, slots=True)
class Around:
    """What a task has around it: its machine, its environment's key or its libraries, the names of parameters."""

    machine: Machine
    environment: str = ""
    libraries: Sequence[Mapping[str, Any]] = ()
    parameters: Mapping[str, str] | None = None
    data: Mapping[str, str] | None = None
    secrets: Mapping[str, str] | None = None
    fail_fast: bool = False
    store: str = ""
    """The exchange store, where the launcher has to know it: in a pipeline that Databricks coordinates."""


def outlives_failures(node: Node) -> bool:
    """Return whether a step may run although something before it failed: its launcher has to be asked then."""
    return any(holds_after_failure(condition.when) for condition in node.conditions)


def task_of(node: Node, note: Mapping[str, Any], place: Place, around: Around, before: Sequence[str]) -> dict[str, Any]:
    """Return the task of a step that the launcher runs; `before` are the tasks that it waits for."""
    arguments = [*place.arguments, "--attempt={{task.execution_count}}", "--repair={{job.repair_count}}"]
    arguments += [f"--input={name}={{{{job.parameters.{(around.parameters or {})[name]}}}}}" for name in note["inputs"]]
    arguments += [f"--data={key}={(around.data or {}).get(key, '')}" for key in note["data"]]
    arguments += [f"--bind={name}={(around.secrets or {})[name]}" for name in node.secrets]
    if around.store:
        arguments.append(f"--store={around.store}")
    if node.engine == "spark":
        arguments.append("--in-process")
    if around.fail_fast:
        arguments.append(f"--halt={halt_text()}")
    task = script_task(node.id, place.note, arguments, around)
    task = with_order(task, before, always=outlives_failures(node))
    return {**task, **_patience(node, note)}


def script_task(key: str, note: str, arguments: Sequence[str], around: Around) -> dict[str, Any]:
    """Return the task that starts the launcher with a note of the bundle."""
    parameters = [
        f"{FILES}/{note}",
        "--target=databricks",
        f"--run={{{{job.parameters.{RUN_PARAMETER}}}}}",
        "--date={{job.start_time.iso_date}}",
        f"--root={root_text()}",
        *arguments,
    ]
    task: dict[str, Any] = {"task_key": key, **machine_words(around)}
    task["spark_python_task"] = {"python_file": f"../{LAUNCHER}/start.py", "parameters": parameters}
    return task


def root_text() -> str:
    """Return where the records and outputs of a run lie, in the platform's words."""
    return f"{{{{job.parameters.{ROOT_PARAMETER}}}}}/{{{{job.parameters.{RUN_PARAMETER}}}}}"


def halt_text() -> str:
    """Return the file that says that a step of this run has failed, in the platform's words."""
    return f"{root_text()}/failed-{{{{job.repair_count}}}}"


def machine_words(around: Around) -> dict[str, Any]:
    """Return what says on which machine a task runs, and what is installed there."""
    machine = around.machine
    if machine.kind == "serverless":
        return {"environment_key": around.environment, **ONLY_OUR_RETRIES}
    key = "existing_cluster_id" if machine.kind == "existing" else "job_cluster_key"
    libraries = {"libraries": list(around.libraries)} if around.libraries else {}
    return {key: machine.name, **libraries}


def with_order(task: dict[str, Any], before: Sequence[str], *, always: bool) -> dict[str, Any]:
    """Return a task behind others; `always` lets it start whatever became of them."""
    if not before:
        return task
    kind = next(key for key in task if key.endswith("_task"))
    head = {key: value for key, value in task.items() if key != kind}
    order = {"depends_on": [{"task_key": key} for key in before], **({"run_if": "ALL_DONE"} if always else {})}
    return {**head, **order, kind: task[kind]}


def _patience(node: Node, note: Mapping[str, Any]) -> dict[str, Any]:
    """Return retries and the limit on an attempt.

    `min_retry_interval_millis` counts from the start of the attempt that failed, so the launcher waits instead; that is
    why the platform's limit has room for the longest wait.
    """
    retry, found = note["retry"], dict[str, Any]()
    if retry["attempts"] > 1:
        found["max_retries"] = retry["attempts"] - 1
    if note["timeout_s"] is not None:
        longest = min(retry["delay_s"] * retry["backoff"] ** max(0, retry["attempts"] - 2), MAX_DELAY_S)
        waits = longest if retry["attempts"] > 1 else 0
        own_limit = 0 if node.engine == "spark" else GRACE_S
        found["timeout_seconds"] = int(note["timeout_s"] + waits + own_limit)
        if retry["attempts"] > 1:
            found["retry_on_timeout"] = True
    return found
