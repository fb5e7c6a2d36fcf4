"""What the emulator assumes of Databricks, measured on a workspace: one small job for each assumption."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

from specflow.errors import SpecflowError
from specflow.targets.base import Measured
from specflow.targets.databricks.client import Api, RefusedError
from specflow.targets.databricks.compile import DEFAULT_STORE
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.laboratory import Laboratory, TooSlowError, last, result
from specflow.targets.databricks.login import login_for

__all__ = ["PROBES", "probe"]

_AT_ONCE = 6
_REPAIR = "/api/2.2/jobs/runs/repair"


def probe(settings: Mapping[str, Any], compute: Any) -> Iterator[Measured]:
    """Yield each assumption as it is found on the workspace; raise UnreachableError where that can't be asked."""
    api = Api(login_for(settings, os.environ))
    volume = str(settings.get("store") or DEFAULT_STORE).rstrip("/")
    laboratory = Laboratory(api, compute, volume)
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            names = [one.name for one in fields(Assumptions)]
            yield from pool.map(lambda name: _measured(name, laboratory), names)
    finally:
        laboratory.close()


def _measured(name: str, laboratory: Laboratory) -> Measured:
    assumed = bool(getattr(Assumptions(), name))
    try:
        return Measured(name, assumed, PROBES[name](laboratory))
    except RefusedError:
        return Measured(name, assumed, None, "the workspace refused the job")
    except TooSlowError:
        return Measured(name, assumed, None, "the job did not end within half an hour")
    except _OddError as odd:
        return Measured(name, assumed, None, odd.message)


class _OddError(SpecflowError):
    """Something came of it that says neither yes nor no."""


def _either(found: Any, yes: Any, no: Any) -> bool:
    """Return whether what was found means yes; raise _OddError if it is neither."""
    if found not in (yes, no):
        raise _OddError("what came of it says neither yes nor no")
    return bool(found == yes)


def _is_taken(work: Callable[[], Any]) -> bool:
    try:
        work()
    except RefusedError:
        return False
    return True


def hyphens(lab: Laboratory) -> bool:
    """Whether a task key may hold a hyphen."""
    return _is_taken(lambda: lab.create(lab.gate("a-b")))


def repaired_id(lab: Laboratory) -> bool:
    """Whether the run's id is the same in a repair."""
    text = "import sys; print('id', sys.argv[1], flush=True); sys.exit(1)"
    run = lab.run(lab.script("a", text, parameters=["{{job.run_id}}"]))
    first = lab.log(run, "a")
    lab.api.call("POST", _REPAIR, {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    again = lab.log(lab.wait(run["run_id"]), "a")
    if "id " not in first or "id " not in again:
        raise _OddError("the log holds nothing of the task")
    return first == again


def child_output(lab: Laboratory) -> bool:
    """Whether the log holds what a child process writes."""
    text = (
        "import subprocess, sys\nprint('own', flush=True)\n"
        "subprocess.run([sys.executable, '-c', 'print(\"of the \" + \"child\")'])\n"
    )
    found = lab.log(lab.run(lab.script("a", text)), "a")
    if "own" not in found:
        raise _OddError("the log holds nothing of the task")
    return "of the child" in found


def script_values(lab: Laboratory) -> bool:
    """Whether a script can set a task value."""
    text = "from databricks.sdk.runtime import dbutils\ndbutils.jobs.taskValues.set(key='k', value=1)\n"
    return _either(result(lab.run(lab.script("a", text)), "a"), "SUCCESS", "FAILED")


def own_file(lab: Laboratory) -> bool:
    """Whether a script knows where it lies."""
    return _either(result(lab.run(lab.script("a", "print(__file__)")), "a"), "SUCCESS", "FAILED")


def neighbours(lab: Laboratory) -> bool:
    """Whether a script imports a module beside it."""
    task = lab.script("a", "import neighbour_of_it")
    folder = task["spark_python_task"]["python_file"].rpartition("/")[0]
    lab.write(f"{folder}/neighbour_of_it.py", "")
    return _either(result(lab.run(task), "a"), "SUCCESS", "FAILED")


def exits(lab: Laboratory) -> bool:
    """Whether the code of `sys.exit` decides how a task ends."""
    run = lab.run(lab.script("zero", "import sys; sys.exit(0)"), lab.script("two", "import sys; sys.exit(2)"))
    return _either((result(run, "zero"), result(run, "two")), ("SUCCESS", "FAILED"), ("FAILED", "FAILED"))


def appending(lab: Laboratory) -> bool:
    """Whether a file of a volume can be opened for appending."""
    folder = f"{lab.volume}/{lab.root.rpartition('/')[2]}"
    lab.api.make_volume_folder(folder)
    text = (
        "import os, sys\nopen(sys.argv[1], 'w').close()\n"
        "try:\n    open(sys.argv[1], 'a').close()\nexcept OSError:\n    sys.exit('no')\n"
        "finally:\n    os.remove(sys.argv[1])\n    os.rmdir(os.path.dirname(sys.argv[1]))\n"
    )
    return _either(result(lab.run(lab.script("a", text, parameters=[f"{folder}/f"])), "a"), "SUCCESS", "FAILED")


def submitted(lab: Laboratory) -> bool:
    """Whether a task of a one-time run is retried."""
    body = {"run_name": "specflow probe", "tasks": [lab.script("a", "1/0", max_retries=1)], **lab.environments()}
    run = lab.wait(int(lab.api.call("POST", "/api/2.2/jobs/runs/submit", body)["run_id"]))
    return any(one.get("attempt_number", 0) > 0 for one in run["tasks"])


def unasked(lab: Laboratory) -> bool:
    """Whether a serverless task that failed is tried again though nothing asks for it."""
    if "environment_key" not in lab.script("a", ""):
        raise _OddError("the profile's compute is a cluster, where nothing is tried again by itself")
    run = lab.run(lab.script("a", "1/0", disable_auto_optimization=False))
    return any(one.get("attempt_number", 0) > 0 for one in run["tasks"])


def repaired(lab: Laboratory) -> bool:
    """Whether repairing all that failed takes in what was held back by it: bad -> next."""
    run = lab.run(lab.script("bad", "1/0"), lab.script("next", "", "bad"))
    lab.api.call("POST", _REPAIR, {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    lab.wait(run["run_id"])
    repairs = lab.wait(run["run_id"]).get("repair_history", ())
    ran = {number for one in repairs if one.get("type") == "REPAIR" for number in one.get("task_run_ids", ())}
    again = {one["task_key"] for one in lab.wait(run["run_id"])["tasks"] if one["run_id"] in ran}
    if "bad" not in again:
        raise _OddError("the history of repairs does not say what ran")
    return "next" in again


def excluded(lab: Laboratory) -> bool:
    """Whether a branch not taken satisfies ALL_SUCCESS: gate -true-> yes -> join, gate -false-> no -> join."""
    run = lab.run(
        lab.gate("gate"), lab.gate("yes", "gate:true"), lab.gate("no", "gate:false"), lab.gate("join", "yes", "no")
    )
    found = result(run, "join")
    return _either("SUCCESS" if found == "SUCCESS" else "held back", "SUCCESS", "held back")


def failed_state(lab: Laboratory) -> bool:
    """Whether a failed run's life cycle ends as an internal error."""
    run = lab.run(lab.script("a", "1/0"))
    return _either(str(run["state"]["life_cycle_state"]), "INTERNAL_ERROR", "TERMINATED")


def cancelled_handlers(lab: Laboratory) -> bool:
    """Whether a task that runs in any case runs in a run that was cancelled: slow -> clean (ALL_DONE)."""
    slow = lab.script("slow", "import time\ntime.sleep(600)")
    run = lab.start(slow, lab.script("clean", "", "slow", run_if="ALL_DONE"))
    lab.wait(run, lambda found: last(found, "slow")["state"]["life_cycle_state"] == "RUNNING")
    lab.api.call("POST", "/api/2.2/jobs/runs/cancel", {"run_id": run})
    return result(lab.wait(run), "clean") == "SUCCESS"


def bad_reference(lab: Laboratory) -> bool:
    """Whether a bad name in a known namespace is refused with the job."""
    return not _is_taken(lambda: lab.create(lab.script("a", "", parameters=["{{job.naem}}"])))


def attempts(lab: Laboratory) -> bool:
    """Whether every attempt at a task is listed."""
    run = lab.run(lab.script("a", "1/0", max_retries=1))
    numbers = sorted(one.get("attempt_number", 0) for one in run["tasks"])
    return _either(numbers, [0, 1], [1])


def unselected(lab: Laboratory) -> bool:
    """Whether tasks that were not chosen are missing in the run."""
    run = lab.run(lab.gate("a"), lab.gate("b", "a"), only=["b"])
    return not any(one["task_key"] == "a" for one in run["tasks"])


_ECHO = "import sys; print('it', sys.argv[1], flush=True)"


def repaired_count(lab: Laboratory) -> bool:
    """Whether a repair counts on: the second execution of a task, then."""
    text = "import sys; print('it', sys.argv[1], flush=True); sys.exit(1)"
    run = lab.run(lab.script("a", text, parameters=["{{task.execution_count}}"]))
    lab.api.call("POST", _REPAIR, {"run_id": run["run_id"], "rerun_all_failed_tasks": True})
    return _either(lab.log(lab.wait(run["run_id"]), "a").split()[:2], ["it", "2"], ["it", "1"])


def defaults(lab: Laboratory) -> bool:
    """Whether a reference in the default of a job parameter is resolved."""
    task = lab.script("a", _ECHO, parameters=["{{job.parameters.p}}"])
    run = lab.trigger(lab.create(task, parameters=[{"name": "p", "default": "{{job.run_id}}"}]))
    return _either(lab.log(run, "a").split(), ["it", str(run["run_id"])], ["it", "{{job.run_id}}"])


def once(lab: Laboratory) -> bool:
    """Whether a reference in a text that a reference put in stays as it is."""
    first = lab.notebook("first", "dbutils.jobs.taskValues.set('k', '{' + '{task.name}' + '}')")
    run = lab.run(first, lab.script("a", _ECHO, "first", parameters=["{{tasks.first.values.k}}"]))
    return _either(lab.log(run, "a").split(), ["it", "{{task.name}}"], ["it", "a"])


PROBES: Mapping[str, Callable[[Laboratory], bool]] = {
    "task_keys_may_hold_hyphens": hyphens,
    "run_id_survives_repair": repaired_id,
    "child_output_is_logged": child_output,
    "scripts_can_set_task_values": script_values,
    "scripts_know_their_file": own_file,
    "script_folder_is_on_path": neighbours,
    "system_exit_follows_its_code": exits,
    "volumes_can_append": appending,
    "submitted_runs_retry": submitted,
    "serverless_retries_by_itself": unasked,
    "repair_includes_upstream_failed": repaired,
    "excluded_counts_as_success": excluded,
    "failed_run_is_internal_error": failed_state,
    "cancel_runs_failure_handlers": cancelled_handlers,
    "bad_reference_is_refused": bad_reference,
    "earlier_attempts_are_listed": attempts,
    "unselected_tasks_are_left_out": unselected,
    "execution_count_survives_repair": repaired_count,
    "defaults_resolve_references": defaults,
    "references_are_resolved_once": once,
}
