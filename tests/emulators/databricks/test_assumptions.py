"""What each switch changes: the same job, the switch as it is and flipped."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.server import Emulator
from tests.emulators.databricks.conftest import VOLUME, Jobs, client, last, results, task

DOCS = Path(__file__).parents[3] / "docs/emulators.md"


def hyphens(jobs: Jobs) -> Any:
    return told(lambda: jobs.create(task("a-b", notebook_task={"notebook_path": "/x"})))


def told(work: Any) -> str:
    from databricks.sdk.errors import DatabricksError

    try:
        work()
    except DatabricksError as fault:
        return str(fault)
    return "taken"


def repaired_id(jobs: Jobs) -> Any:
    run = jobs.run(jobs.script("a", "import sys; print(sys.argv[1]); assert 0", parameters=["{{job.run_id}}"]))
    jobs.call("POST", "runs/repair", {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    return jobs.log(jobs.wait(run["run_id"]), "a") == f"{run['run_id']}\n"


def child_output(jobs: Jobs) -> Any:
    text = "import subprocess, sys\nprint('own', flush=True)\nsubprocess.run([sys.executable, '-c', 'print(1)'])"
    return jobs.log(jobs.run(jobs.script("a", text)), "a")


def script_values(jobs: Jobs) -> Any:
    text = "from databricks.sdk.runtime import dbutils\ndbutils.jobs.taskValues.set(key='k', value=1)"
    return results(jobs.run(jobs.script("a", text)))["a"]


def own_file(jobs: Jobs) -> Any:
    run = jobs.run(jobs.script("a", "print(__file__)"))
    return jobs.output(run, "a").get("error", "known")


def neighbours(jobs: Jobs) -> Any:
    jobs.code("", "neighbour.py")
    return results(jobs.run(jobs.script("a", "import neighbour")))["a"]


def exits(jobs: Jobs) -> Any:
    ends = results(
        jobs.run(jobs.script("zero", "import sys; sys.exit(0)"), jobs.script("two", "import sys; sys.exit(2)"))
    )
    return ends["zero"], ends["two"]


def appending(jobs: Jobs) -> Any:
    text = "import sys\nopen(sys.argv[1], 'w').close()\nopen(sys.argv[1], 'a').close()"
    jobs.sdk.files.create_directory(VOLUME)
    run = jobs.run(jobs.script("a", text, parameters=[f"{VOLUME}/f"]))
    return jobs.output(run, "a").get("error", "").split("]")[0]


def submitted(jobs: Jobs) -> Any:
    body = {"environments": [{"environment_key": "default", "spec": {"client": "4"}}]}
    body["tasks"] = [jobs.script("a", "1/0", max_retries=1)]
    return len(jobs.wait(jobs.call("POST", "runs/submit", body)["run_id"])["tasks"])


def unasked(jobs: Jobs) -> Any:
    ours = jobs.script("a", "1/0")
    return [len(jobs.run({**ours, "disable_auto_optimization": says})["tasks"]) for says in (False, True)]


def gate(key: str, *after: Any) -> dict[str, Any]:
    return task(key, *after, condition_task={"op": "EQUAL_TO", "left": "1", "right": "1"})


def repaired(jobs: Jobs) -> Any:
    """bad -> next"""
    run = jobs.run(jobs.script("bad", "1/0"), jobs.script("next", "", "bad"))
    jobs.call("POST", "runs/repair", {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    return [one["task_key"] for one in jobs.wait(run["run_id"])["tasks"]]


def excluded(jobs: Jobs) -> Any:
    """gate -true-> yes -> join, gate -false-> no -> join"""
    run = jobs.run(
        gate("gate"), gate("yes", ("gate", "true")), gate("no", ("gate", "false")), gate("join", "yes", "no")
    )
    return results(run)["join"]


def failed_state(jobs: Jobs) -> Any:
    run = jobs.run(jobs.script("a", "1/0"))
    return run["state"]["life_cycle_state"], run["tasks"][0]["state"]["life_cycle_state"]


def cancelled_handlers(jobs: Jobs) -> Any:
    """slow -> next, slow -> clean (ALL_DONE)"""
    slow = jobs.script("slow", "import time\ntime.sleep(60)")
    run_id = jobs.start(slow, jobs.script("next", "", "slow"), jobs.script("clean", "", "slow", run_if="ALL_DONE"))
    jobs.wait(run_id, lambda run: last(run, "slow")["state"]["life_cycle_state"] == "RUNNING")
    jobs.call("POST", "runs/cancel", {"run_id": run_id})
    run = jobs.wait(run_id)
    return run["state"]["result_state"], results(run)["next"], results(run)["clean"]


def bad_reference(jobs: Jobs) -> Any:
    def work() -> None:
        script = jobs.script("a", "import sys; print(sys.argv[1])", parameters=["{{job.naem}}"])
        assert "{{job.naem}}\n" == jobs.log(jobs.run(script), "a")

    return told(work)


def attempts(jobs: Jobs) -> Any:
    return [one["attempt_number"] for one in jobs.run(jobs.script("a", "1/0", max_retries=1))["tasks"]]


def unselected(jobs: Jobs) -> Any:
    return results(jobs.run(gate("a"), gate("b", "a"), now={"only": ["b"]}))


ECHO = "import sys; print(sys.argv[1])"


def repaired_count(jobs: Jobs) -> Any:
    run = jobs.run(jobs.script("a", f"{ECHO}; assert 0", parameters=["{{task.execution_count}}"]))
    jobs.call("POST", "runs/repair", {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    return jobs.log(jobs.wait(run["run_id"]), "a")


def defaults(jobs: Jobs) -> Any:
    one = jobs.script("a", ECHO, parameters=["{{job.parameters.p}}"])
    return jobs.log(jobs.run(one, parameters=[{"name": "p", "default": "{{job.name}}"}]), "a")


def once(jobs: Jobs) -> Any:
    first = jobs.notebook("first", "dbutils.jobs.taskValues.set('k', '{{task.name}} {{task.naem}}')")
    return jobs.log(jobs.run(first, jobs.script("a", ECHO, "first", parameters=["{{tasks.first.values.k}}"])), "a")


CASES: dict[str, tuple[Any, Any, Any]] = {
    "task_keys_may_hold_hyphens": (hyphens, "taken", 'Invalid task_key "a-b"'),
    "run_id_survives_repair": (repaired_id, True, False),
    "child_output_is_logged": (child_output, "own\n", "own\n1\n"),
    "scripts_can_set_task_values": (script_values, "FAILED", "SUCCESS"),
    "scripts_know_their_file": (own_file, "known", "NameError: name '__file__' is not defined"),
    "script_folder_is_on_path": (neighbours, "SUCCESS", "FAILED"),
    "system_exit_follows_its_code": (exits, ("SUCCESS", "FAILED"), ("FAILED", "FAILED")),
    "volumes_can_append": (appending, "OSError: [Errno 95", ""),
    "submitted_runs_retry": (submitted, 1, 2),
    "serverless_retries_by_itself": (unasked, [2, 1], [1, 1]),
    "repair_includes_upstream_failed": (repaired, ["bad", "bad", "next", "next"], ["bad", "bad", "next"]),
    "excluded_counts_as_success": (excluded, "SUCCESS", "UPSTREAM_FAILED"),
    "failed_run_is_internal_error": (failed_state, ("INTERNAL_ERROR", "TERMINATED"), ("TERMINATED", "TERMINATED")),
    "cancel_runs_failure_handlers": (
        cancelled_handlers,
        ("CANCELED", "CANCELED", "CANCELED"),
        ("CANCELED", "UPSTREAM_CANCELED", "SUCCESS"),
    ),
    "bad_reference_is_refused": (bad_reference, "Task a: {{job.naem}} can't be resolved", "taken"),
    "earlier_attempts_are_listed": (attempts, [0, 1], [1]),
    "unselected_tasks_are_left_out": (unselected, {"b": "SUCCESS"}, {"a": "DISABLED", "b": "SUCCESS"}),
    "execution_count_survives_repair": (repaired_count, "2\n", "1\n"),
    "defaults_resolve_references": (defaults, "demo\n", "{{job.name}}\n"),
    "references_are_resolved_once": (once, "{{task.name}} {{task.naem}}\n", "a {{task.naem}}\n"),
}


def test_every_switch_has_its_case() -> None:
    assert [one.name for one in fields(Assumptions)] == list(CASES)


@pytest.mark.parametrize("is_flipped", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_switch_changes_what_it_says(root: Path, name: str, is_flipped: bool) -> None:
    work, default, flipped = CASES[name]
    before = Assumptions()
    assumptions = replace(before, **{name: not getattr(before, name)}) if is_flipped else before
    with Emulator(root, assumptions=assumptions) as emulator:
        found = work(Jobs(emulator, client(emulator)))

    assert (flipped if is_flipped else default) == found


def test_the_docs_have_the_table_of_the_switches() -> None:
    assert Assumptions.table() in DOCS.read_text()
