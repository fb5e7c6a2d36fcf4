"""A run as the Jobs API shows it → how it and its steps stand, in the words of every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from specflow.targets.base import ForeignState, Status, StepStatus
from specflow.targets.databricks.names import DECIDE, RECORD, RUNS, VERDICT

__all__ = ["attempts_at", "code_of", "error_of", "failed_tasks", "is_over", "status_of", "text_of_output", "to_repair"]

Run = Mapping[str, Any]
_OVER = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")
_WAITING = ("PENDING", "QUEUED", "BLOCKED", "WAITING_FOR_RETRY")
_WELL = ("SUCCESS", "SUCCESS_WITH_FAILURES")
_NEVER = ("UPSTREAM_FAILED", "UPSTREAM_CANCELED", "EXCLUDED", "DISABLED")
_AROUND = (DECIDE, RUNS, RECORD)

StepState = Literal["waiting", "running", "succeeded", "failed", "cancelled", "not run"]


def is_over(run: Run) -> bool:
    """Return whether a run has ended."""
    return run["state"]["life_cycle_state"] in _OVER


def code_of(task: Mapping[str, Any]) -> str:
    """Return where a task's code lies, if it has any."""
    body = task.get("spark_python_task") or task.get("notebook_task") or {}
    return str(body.get("python_file", body.get("notebook_path", "")))


def failed_tasks(run: Run) -> list[Mapping[str, Any]]:
    """Return the last attempts at tasks that failed."""
    return [task for task in _latest(run).values() if _of_task(task).state == "failed"]


def error_of(answer: Mapping[str, Any]) -> str:
    """Return in a line what a failed task's output says went wrong."""
    return " ".join(str(answer.get("error", "")).split())


def status_of(run: Run, errors: Mapping[int, str]) -> Status:
    """Return how a run stands, with its steps by id: a task's key is its step's id.

    `errors` say of failed task runs more than their state does.
    """
    latest = _latest(run)
    steps = {}
    for key in latest:
        if key != VERDICT and not key.endswith(_AROUND):
            step = _of_step(key, latest)
            told = errors.get(int(latest[key]["run_id"]))
            steps[key] = replace(step, message=told) if told and step.state == "failed" else step
    state = run["state"]
    return Status(_of_run(state), str(run.get("run_page_url", "")), steps, _message(state))


def attempts_at(run: Run, step: str) -> list[Mapping[str, Any]]:
    """Return the attempts at a step's tasks that have begun, in their order."""
    keys = [f"{step}{DECIDE}", step, f"{step}{RECORD}"]
    found = [task for task in run["tasks"] if task["task_key"] in keys and _has_begun(task)]
    return sorted(found, key=lambda task: (keys.index(task["task_key"]), task.get("attempt_number", 0)))


def text_of_output(answer: Mapping[str, Any]) -> str:
    """Return what a task's output says: its log, and the error where the platform has one beside it."""
    text = str(answer.get("logs", ""))
    if text and not text.endswith("\n"):
        text += "\n"
    error, trace = str(answer.get("error", "")), str(answer.get("error_trace", ""))
    if error and not error.startswith("StepFailed"):
        text += trace if trace else f"{error}\n"
    if trace and not text.endswith("\n"):
        text += "\n"
    return text


def to_repair(run: Run, steps: Iterable[str]) -> list[str]:
    """Return the tasks that run again so that these steps do: theirs, what hangs on them, and the verdict."""
    latest = _latest(run)
    below: dict[str, set[str]] = {}
    for key, task in latest.items():
        for one in task.get("depends_on", ()):
            below.setdefault(one["task_key"], set()).add(key)
    pending = [key for step in steps for key in (step, f"{step}{DECIDE}") if key in latest]
    found: set[str] = set()
    while pending:
        key = pending.pop()
        if key not in found:
            found.add(key)
            pending += below.get(key, ())
    return [key for key in latest if key in found or key == VERDICT]


def _latest(run: Run) -> dict[str, Mapping[str, Any]]:
    """Return the last attempt at each task."""
    found: dict[str, Mapping[str, Any]] = {}
    for task in run["tasks"]:
        known = found.get(task["task_key"])
        if known is None or task.get("attempt_number", 0) >= known.get("attempt_number", 0):
            found[task["task_key"]] = task
    return found


def _of_run(state: Mapping[str, Any]) -> ForeignState:
    if state["life_cycle_state"] not in _OVER:
        return "waiting" if state["life_cycle_state"] in _WAITING else "running"
    result = state.get("result_state", "")
    if result in _WELL:
        return "succeeded"
    return "cancelled" if result in ("CANCELED", "UPSTREAM_CANCELED") else "failed"


def _of_step(key: str, latest: Mapping[str, Mapping[str, Any]]) -> StepStatus:
    """Return how a step stands: of one with tasks around it, as the last of them that has anything to say."""
    tasks = [latest[name] for name in (f"{key}{RECORD}", key, f"{key}{DECIDE}") if name in latest]
    told = [_of_task(task) for task in tasks]
    if len(told) == 1:
        return told[0]
    record, own, decide = told
    if record.state not in ("waiting", "running"):
        return own if own.state in ("failed", "cancelled") else record
    return own if own.state == "running" else decide if decide.state == "running" else record


def _of_task(task: Mapping[str, Any]) -> StepStatus:
    state = task["state"]
    life, result = state["life_cycle_state"], state.get("result_state", "")
    known: StepState
    if life not in _OVER:
        known = "waiting" if life in _WAITING else "running"
    elif result in _WELL:
        known = "succeeded"
    elif result in _NEVER or life == "SKIPPED":
        known = "not run"
    elif result == "CANCELED":
        known = "cancelled" if _has_begun(task) else "not run"
    else:
        known = "failed"
    attempt = int(task.get("attempt_number", 0)) + 1
    return StepStatus(known, attempt, str(task.get("run_page_url", "")), _message(state))


def _has_begun(task: Mapping[str, Any]) -> bool:
    """Return whether a task's process was started: one that was cancelled before it was due took no time."""
    state = task["state"]
    if state["life_cycle_state"] in _WAITING:
        return False
    if state.get("result_state") == "CANCELED":
        return any(task.get(f"{part}_duration") for part in ("setup", "execution", "cleanup", "run"))
    return state.get("result_state") not in _NEVER


def _message(state: Mapping[str, Any]) -> str:
    return str(state.get("state_message", ""))
