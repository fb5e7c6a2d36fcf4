"""Random jobs against a second reading of the documentation: which tasks run, and how the run ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from specflow.targets.databricks.emulator.service import Workspace

RUN_IFS = ["ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED"]
ENDS = {"true": ("EQUAL_TO", "1", "1"), "false": ("EQUAL_TO", "1", "2"), "fails": ("LESS_THAN", "one", "2")}
"""Conditions need no process: the law is about order and outcomes."""


@st.composite
def jobs(draw: st.DrawFn) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 9))):
        end = draw(st.sampled_from(sorted(ENDS)))
        above = draw(st.lists(st.integers(0, number - 1), unique=True, max_size=4)) if number else []
        depends_on = []
        for key in above:
            outcome = draw(st.sampled_from(["", "", "true", "false"]))
            depends_on.append({"task_key": f"t{key}", **({"outcome": outcome} if outcome else {})})
        op, left, right = ENDS[end]
        task = {"task_key": f"t{number}", "condition_task": {"op": op, "left": left, "right": right}}
        tasks.append({**task, "depends_on": depends_on, "run_if": draw(st.sampled_from(RUN_IFS))})
    order = draw(st.permutations(range(len(tasks))))
    return [tasks[number] for number in order]


def expected(tasks: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return each task's result and outcome, read from the page "Configure task dependencies" alone."""
    found: dict[str, tuple[str, str]] = {}
    while len(found) < len(tasks):
        for task in tasks:
            above = [one["task_key"] for one in task["depends_on"]]
            if task["task_key"] in found or not set(above) <= set(found):
                continue
            states = []
            for one in task["depends_on"]:
                result, outcome = found[one["task_key"]]
                is_other = result == "SUCCESS" and one.get("outcome", outcome) != outcome
                states.append("EXCLUDED" if is_other else result)
            failed = [state for state in states if state in ("FAILED", "UPSTREAM_FAILED")]
            found[task["task_key"]] = _ended(task, states, len(failed))
    return found


def _ended(task: dict[str, Any], states: list[str], failed: int) -> tuple[str, str]:
    run_if = task["run_if"]
    if states and set(states) == {"EXCLUDED"}:
        return "EXCLUDED", ""
    if states and run_if == "AT_LEAST_ONE_FAILED" and not failed:
        return "EXCLUDED", ""
    if states and run_if == "ALL_FAILED" and failed < len(states):
        return "EXCLUDED", ""
    if states and run_if in ("ALL_SUCCESS", "NONE_FAILED") and failed:
        return "UPSTREAM_FAILED", ""
    if states and run_if == "AT_LEAST_ONE_SUCCESS" and "SUCCESS" not in states:
        return "UPSTREAM_FAILED", ""
    body = task["condition_task"]
    if body["op"] == "LESS_THAN":
        return "FAILED", ""
    return "SUCCESS", "true" if body["left"] == body["right"] else "false"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = Workspace(tmp_path_factory.mktemp("laws"))
    yield found
    found.close()


@given(tasks=jobs())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tasks_and_runs_end_as_documented(workspace: Workspace, tasks: list[dict[str, Any]]) -> None:
    run = workspace.run_now({"job_id": workspace.jobs.create({"tasks": tasks})})
    oracle = expected(tasks)
    leaves = set(oracle) - {one["task_key"] for task in tasks for one in task["depends_on"]}
    is_bad = {key for key, (result, _) in oracle.items() if result in ("FAILED", "UPSTREAM_FAILED")}
    result = "FAILED" if is_bad & leaves else "SUCCESS_WITH_FAILURES" if is_bad else "SUCCESS"

    assert oracle == {key: (unit.last.result, unit.last.outcome) for key, unit in run.units.items()}
    assert result == run.result


@given(tasks=jobs())
@settings(max_examples=50, deadline=None)
def test_a_repair_of_all_that_failed_ends_as_the_run_did(workspace: Workspace, tasks: list[dict[str, Any]]) -> None:
    """Conditions say the same every time: what failed fails again, and nothing that was well runs twice."""
    run = workspace.run_now({"job_id": workspace.jobs.create({"tasks": tasks})})
    before = {key: (unit.last.result, len(unit.attempts)) for key, unit in run.units.items()}
    bad = {key for key, (result, _) in before.items() if result in ("FAILED", "UPSTREAM_FAILED")}
    if bad:
        workspace.repair({"run_id": run.run_id, "rerun_all_failed_tasks": True})
    after = {key: (unit.last.result, len(unit.attempts)) for key, unit in run.units.items()}

    assert {key: result for key, (result, _) in before.items()} == {key: result for key, (result, _) in after.items()}
    assert {key: 2 if key in bad else 1 for key in before} == {key: tries for key, (_, tries) in after.items()}


def test_the_state_of_a_workspace_is_its_owners(tmp_path: Path) -> None:
    Workspace(tmp_path / "root").close()

    assert 0o700 == (tmp_path / "root").stat().st_mode & 0o777
    assert 0o600 == (tmp_path / "root/state.db").stat().st_mode & 0o777
