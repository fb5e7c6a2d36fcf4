"""Which tasks of a job or run are meant. Source: `run_now` and `repair_run` of databricks-sdk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from specflow.targets.databricks.emulator.refusals import invalid, wrong_state
from specflow.targets.databricks.emulator.runs import Run

__all__ = ["check_sizes", "selected", "to_rerun"]


def check_sizes(overrides: Mapping[str, Any]) -> None:
    """Refuse parameters that are larger than run-now takes, or that it can't pass on."""
    for name, value in overrides.items():
        if len(json.dumps(value).encode()) > 10_000:
            raise invalid(f"The JSON of {name} has more than 10000 bytes")
    if any(not text.isascii() for text in overrides.get("python_params", ())):
        raise invalid("python_params must be ASCII")


def selected(settings: Mapping[str, Any], only: Sequence[str]) -> set[str]:
    """Return the tasks that `only` names: "a", "+a" with all above, "a+" with all below."""
    above = {task["task_key"]: [one["task_key"] for one in task.get("depends_on", ())] for task in settings["tasks"]}
    below: dict[str, list[str]] = {key: [] for key in above}
    for key, keys in above.items():
        for other in keys:
            below[other].append(key)
    found: set[str] = set()
    for word in only:
        key = word.strip("+")
        if key not in above:
            raise invalid(f"Task {key} of only is not defined in the job")
        found.add(key)
        for is_wanted, edges in ((word.startswith("+"), above), (word.endswith("+"), below)):
            found |= _reached(key, edges) if is_wanted else set()
    return found


def _reached(key: str, edges: Mapping[str, Sequence[str]]) -> set[str]:
    found, ahead = {key}, [key]
    while ahead:
        for other in edges[ahead.pop()]:
            if other not in found:
                found.add(other)
                ahead.append(other)
    return found


def to_rerun(run: Run, body: Mapping[str, Any], *, includes_upstream_failed: bool) -> list[str]:
    """Return the tasks that a repair starts again, in the job's order; refuse a choice of none."""
    named = body.get("rerun_tasks", ())
    unknown = [key for key in named if key not in run.units]
    if unknown:
        raise invalid(f"Tasks {unknown} are not in run {run.run_id}")
    if bool(named) == bool(body.get("rerun_all_failed_tasks")):
        raise invalid("Exactly one of rerun_tasks and rerun_all_failed_tasks is needed")
    well = ["SUCCESS", "EXCLUDED", "DISABLED"]
    if not includes_upstream_failed:
        well += ["UPSTREAM_FAILED", "UPSTREAM_CANCELED"]
    chosen = set(named) or {key for key, unit in run.units.items() if unit.last.result not in well}
    if not chosen:
        raise wrong_state(f"Run {run.run_id} has no failed tasks")
    if body.get("rerun_dependent_tasks"):
        run.index()
        edges = {key: [unit.key for unit in run.below.get(key, ())] for key in run.units}
        for key in list(chosen):
            chosen |= _reached(key, edges)
    return [key for key in run.units if key in chosen]
