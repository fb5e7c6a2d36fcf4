"""Runs as the API shows them. Source: the docstrings of `Run`, `RunTask` and what is in them (databricks-sdk)."""

from __future__ import annotations

from typing import Any

from specflow.targets.databricks.emulator.runs import Attempt, Run, Unit

__all__ = ["PAGE", "run_view", "status", "task_run_view"]

PAGE = 100
"""Tasks, or iterations, in one answer of `runs/get`."""

_V2 = {
    "WAITING_FOR_RETRY": "WAITING",
    "SKIPPED": "TERMINATED",
    "INTERNAL_ERROR": "TERMINATED",
}
_ENDS = {
    "SUCCESS": ("SUCCESS", "SUCCESS"),
    "SUCCESS_WITH_FAILURES": ("SUCCESS_WITH_FAILURES", "SUCCESS"),
    "FAILED": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    "TIMEDOUT": ("CANCELED", "CLIENT_ERROR"),  # "for example, if the maximum run duration was exceeded"
    "CANCELED": ("USER_CANCELED", "CLIENT_ERROR"),
    "UPSTREAM_FAILED": ("SKIPPED", "CLIENT_ERROR"),
    "UPSTREAM_CANCELED": ("SKIPPED", "CLIENT_ERROR"),
    "EXCLUDED": ("SKIPPED", "SUCCESS"),
    "DISABLED": ("DISABLED", "SUCCESS"),
    "MAXIMUM_CONCURRENT_RUNS_REACHED": ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR"),
}


def status(state: str, result: str, message: str) -> dict[str, Any]:
    """Return both descriptions of where a run is: the legacy `state` and the `status`."""
    legacy: dict[str, Any] = {"life_cycle_state": state, "state_message": message, "user_cancelled_or_timedout": False}
    current: dict[str, Any] = {"state": _V2.get(state, state)}
    if result:
        legacy["result_state"] = result
        legacy["user_cancelled_or_timedout"] = result in ("CANCELED", "TIMEDOUT")
        code, kind = _ENDS[result]
        current["termination_details"] = {"code": code, "type": kind, "message": message}
    if state == "QUEUED":
        current["queue_details"] = {"code": "MAX_CONCURRENT_RUNS_REACHED", "message": message}
        legacy["queue_reason"] = message
    return {"state": legacy, "status": current}


def run_view(run: Run, url: str, offset: int, *, lists_earlier: bool, with_history: bool = False) -> dict[str, Any]:
    """Return a run as `runs/get` does, its tasks from `offset` on."""
    shown = [
        (unit, attempt)
        for unit in run.units.values()
        for attempt in (unit.attempts if lists_earlier else unit.attempts[-1:])
    ]
    view = {
        **_head(run, url),
        **status(run.state, run.result, run.message),
        "tasks": [_attempt_view(run, unit, attempt, url) for unit, attempt in shown[offset : offset + PAGE]],
    }
    if offset + PAGE < len(shown):
        view.update(has_more=True, next_page_token=str(offset + PAGE))
    if offset == 0:
        settings = run.settings
        view["job_clusters"] = settings.get("job_clusters", [])
        view["job_parameters"] = _parameters(run)
    if with_history:
        view["repair_history"] = [
            {
                "id": repair.id,
                "type": "REPAIR" if number else "ORIGINAL",
                "start_time": _millis(repair.started),
                "end_time": _millis(repair.ended),
                "task_run_ids": repair.task_run_ids,
                **status(repair.state, repair.result, ""),
            }
            for number, repair in enumerate(run.repairs)
        ]
    return view


def task_run_view(run: Run, unit: Unit, attempt: Attempt, url: str, offset: int) -> dict[str, Any]:
    """Return one attempt at a task as `runs/get` does, the iterations of a for-each from `offset` on."""
    view = {**_head(run, url), **_attempt_view(run, unit, attempt, url), "job_run_id": run.run_id, "run_name": unit.key}
    if attempt is unit.last and unit.iterations:
        page = unit.iterations[offset : offset + PAGE]
        view["iterations"] = [_attempt_view(run, one, one.last, url) for one in page]
        if offset + PAGE < len(unit.iterations):
            view.update(has_more=True, next_page_token=str(offset + PAGE))
    return view


def _head(run: Run, url: str) -> dict[str, Any]:
    view: dict[str, Any] = {
        "job_id": run.job_id,
        "run_id": run.run_id,
        "job_run_id": run.run_id,
        "number_in_job": run.number,
        "original_attempt_run_id": run.run_id,
        "creator_user_name": "emulator@example.com",
        "run_name": run.settings.get("name", "Untitled"),
        "run_type": "SUBMIT_RUN" if run.is_submitted else "WORKFLOW_RUN" if run.parent_run else "JOB_RUN",
        "trigger": run.trigger,
        "run_page_url": f"{url}/?o=1#job/{run.job_id}/run/{run.run_id}",
        "format": "MULTI_TASK",
        "start_time": _millis(run.started or run.created),
        "end_time": _millis(run.ended),
        "run_duration": _millis(max(0.0, run.ended - run.started)) if run.ended else 0,
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
    }
    overriding = {key: value for key, value in run.overrides.items() if key != "job_parameters"}
    if overriding:
        view["overriding_parameters"] = overriding
    if run.settings.get("schedule"):
        view["schedule"] = run.settings["schedule"]
    if run.parent_run:
        view["trigger_info"] = {"run_id": run.parent_run}
    return view


def _attempt_view(run: Run, unit: Unit, attempt: Attempt, url: str) -> dict[str, Any]:
    view = {
        **unit.settings,
        "run_id": attempt.run_id,
        "attempt_number": attempt.number,
        "run_page_url": f"{url}/?o=1#job/{run.job_id}/run/{attempt.run_id}",
        "start_time": _millis(attempt.started),
        "end_time": _millis(attempt.ended),
        "setup_duration": 0,
        "execution_duration": _millis(max(0.0, attempt.ended - attempt.started)) if attempt.ended else 0,
        "cleanup_duration": 0,
        **status(attempt.state, attempt.result, attempt.message),
    }
    if attempt.resolved:
        view["resolved_values"] = attempt.resolved
    if attempt.outcome:
        view["condition_task"] = {**view["condition_task"], "outcome": attempt.outcome}
    if "for_each_task" in view and unit.iterations:
        view["for_each_task"] = {**view["for_each_task"], "stats": _stats(unit)}
    return view


def _stats(unit: Unit) -> dict[str, Any]:
    results = [iteration.last.result for iteration in unit.iterations]
    return {
        "task_run_stats": {
            "total_iterations": len(results),
            "scheduled_iterations": len(results),
            "active_iterations": sum(iteration.last.state == "RUNNING" for iteration in unit.iterations),
            "completed_iterations": sum(bool(result) for result in results),
            "succeeded_iterations": results.count("SUCCESS"),
            "failed_iterations": sum(bool(result) and result != "SUCCESS" for result in results),
        }
    }


def _parameters(run: Run) -> list[dict[str, str]]:
    defaults = {one["name"]: one["default"] for one in run.settings.get("parameters", ())}
    given = run.overrides.get("job_parameters", {})
    found = []
    for name in sorted({*defaults, *given}):
        one = {"name": name}
        if name in defaults:
            one["default"] = defaults[name]
        if name in given:
            one["value"] = given[name]
        found.append(one)
    return found


def _millis(seconds: float) -> int:
    return int(seconds * 1000)
