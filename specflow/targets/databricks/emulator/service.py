"""The workspace: its runs, what each call to it means, and what is kept when it is stopped."""

from __future__ import annotations

import threading
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import Children, Clock, State
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.engine import Engine
from specflow.targets.databricks.emulator.files import Tree
from specflow.targets.databricks.emulator.jobs import check_parameters, with_defaults
from specflow.targets.databricks.emulator.messages import check_message
from specflow.targets.databricks.emulator.objects import Objects
from specflow.targets.databricks.emulator.processes import Processes
from specflow.targets.databricks.emulator.refusals import invalid, missing, wrong_state
from specflow.targets.databricks.emulator.runs import Attempt, Run, Unit
from specflow.targets.databricks.emulator.saved import Jobs
from specflow.targets.databricks.emulator.secrets import Secrets
from specflow.targets.databricks.emulator.selection import check_sizes, selected, to_rerun

__all__ = ["Workspace"]

_OVERRIDES = ("job_parameters", "notebook_params", "python_params", "python_named_params")
_IDS = 1000
"""Numbers are taken from the state file in blocks of so many."""


class Workspace:
    """One workspace under one folder. Its methods may be called from any thread."""

    def __init__(
        self,
        root: FilePath,
        *,
        assumptions: Assumptions | None = None,
        clock: Clock | None = None,
        limit: int | None = None,
    ) -> None:
        """Open what is kept under the root; runs that were active when it was closed have failed."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self.url, self.token = "", ""
        self.assumptions = assumptions or Assumptions()
        self.clock = clock or Clock()
        self.state = State(root / "state.db")
        self.objects = Objects(Tree("/Workspace", root / "workspace"), self.state, self.next_id)
        self.volumes = Tree("/Volumes", root / "volumes")
        self.jobs = Jobs(self.state, self.lock, self.clock, self.next_id, self.assumptions)
        self.secrets = Secrets(self.state, self.lock)
        self.children = Children(limit)
        self.processes = Processes(
            root,
            self.objects.tree,
            self.volumes,
            self.children,
            self.assumptions,
            lambda: (self.url, self.token),
            self.secrets.get,
        )
        self.engine = Engine(self, self.processes, self.assumptions)
        self._ids = iter(range(0))
        self.runs: dict[int, Run] = {}
        self._task_runs: dict[int, Run] = {}
        self._load_runs()

    def close(self) -> None:
        """End every process and close the state; active runs are found failed at the next start."""
        with self.lock:
            self.engine.close()
        self.clock.close()
        self.children.close()
        self.state.close()

    def next_id(self) -> int:
        """Return a number that was never used."""
        with self.lock:
            number = next(self._ids, None)
            if number is None:
                start = self.state.get("meta", "ids", 100_000_000_000)
                self.state.put("meta", "ids", start + _IDS)
                self._ids = iter(range(start + 1, start + _IDS + 1))
                number = next(self._ids)
            return number

    def run_now(self, body: dict[str, Any], trigger: str = "ONE_TIME", parent: int = 0) -> Run:
        """Return a new run of a job, or the one that was started with the same idempotency token."""
        check_message(body, "RunNow")
        with self.lock:
            token = body.get("idempotency_token", "")
            known = self._by_token(token)
            if known is not None:
                return known
            job = self.jobs.get(body["job_id"])
            settings = job["settings"]
            overrides = {key: body[key] for key in _OVERRIDES if key in body}
            if len(overrides) > 1 and "job_parameters" in overrides:
                raise invalid("job_parameters can't be combined with parameters of single kinds of tasks")
            given = overrides.get("job_parameters", {})
            check_parameters(given, settings)
            check_sizes(overrides)
            parameters = {one["name"]: one["default"] for one in settings.get("parameters", ())} | given
            chosen = selected(settings, body["only"]) if "only" in body else None
            run = self._new_run(job["job_id"], settings, parameters, overrides, trigger)
            run.parent_run = parent
            self._add_units(run, chosen)
            self._remember_token(token, run)
            self._start_or_queue(run, body.get("queue", settings.get("queue", {})).get("enabled", False))
            return run

    def submit(self, body: dict[str, Any]) -> Run:
        """Return a one-time run of tasks that belong to no job."""
        check_message(body, "SubmitRun")
        settings = {key: value for key, value in body.items() if key not in ("run_name", "idempotency_token")}
        settings["name"] = body.get("run_name", "Untitled")
        self.jobs.check(settings)
        with self.lock:
            token = body.get("idempotency_token", "")
            known = self._by_token(token)
            if known is not None:
                return known
            run = self._new_run(0, with_defaults(settings), {}, {}, "ONE_TIME")
            run.is_submitted = True
            self._add_units(run, None)
            self._remember_token(token, run)
            self.engine.begin(run)
            return run

    def repair(self, body: dict[str, Any]) -> int:
        """Return the id of a repair: failed or named tasks of a run that is over start again under its run id."""
        check_message(body, "RepairRun")
        with self.lock:
            run = self.run(body["run_id"])
            if not run.is_over or run.state == "SKIPPED":
                raise wrong_state(f"Run {run.run_id} can't be repaired while it is {run.state}")
            latest = run.repairs[-1].id if len(run.repairs) > 1 else None
            if body.get("latest_repair_id") != latest:
                raise invalid(f"latest_repair_id must be {latest or 'absent at the first repair'}")
            if run.job_id in self.jobs.all:  # "They use the current job and task settings"
                run.settings = self.jobs.get(run.job_id)["settings"]
                self._renew_units(run)
            given = body.get("job_parameters", {})
            check_parameters(given, run.settings)
            run.parameters = {**run.parameters, **given}
            run.overrides = {**run.overrides, **{key: body[key] for key in _OVERRIDES if key in body}}
            is_wide = self.assumptions.repair_includes_upstream_failed
            keys = to_rerun(run, body, includes_upstream_failed=is_wide)
            repair_id = self.next_id()
            self.engine.repair(run, repair_id, keys)
            self._index(run)
            return repair_id

    def cancel(self, run_id: Any) -> None:
        """Cancel a run, or one task of it by its task run id; nothing happens to what is over."""
        with self.lock:
            found = self.find(run_id)
            if isinstance(found, Run):
                if found.state == "QUEUED":
                    found.stopping = "CANCELED"
                    self._end_unstarted(found, "TERMINATED", "CANCELED", "Run cancelled.")
                else:
                    self.engine.stop(found, "CANCELED")
            else:
                self.engine.stop_task(found[0], found[1], "CANCELED")

    def cancel_all(self, job_id: int | None, *, all_queued: bool) -> None:
        """Cancel every active run of a job, or every queued run there is."""
        with self.lock:
            for run in list(self.runs.values()):
                if not run.is_over and ((all_queued and run.state == "QUEUED") or run.job_id == job_id):
                    self.cancel(run.run_id)

    def delete_run(self, run_id: Any) -> None:
        """Forget a run that is over."""
        with self.lock:
            run = self.run(run_id)
            if not run.is_over:
                raise wrong_state(f"Run {run_id} is active")
            del self.runs[run.run_id]
            self.state.drop("runs", run.run_id)

    def run(self, run_id: Any) -> Run:
        """Return a run by its own id."""
        found = self.runs.get(run_id)
        if found is None:
            raise missing(f"Run {run_id} does not exist.")
        return found

    def find(self, run_id: Any) -> Run | tuple[Run, Unit, Attempt]:
        """Return a run by its own id, or the run, task and attempt of a task run id."""
        if run_id in self.runs:
            return self.runs[run_id]
        owner = self._task_runs.get(run_id)
        for run in [owner] if owner else list(self.runs.values()):
            found = run.find(run_id)
            if found is not None and run.run_id in self.runs:
                return run, *found
        raise missing(f"Run {run_id} does not exist.")

    def _new_run(
        self, job_id: int, settings: dict[str, Any], parameters: dict[str, str], overrides: dict[str, Any], trigger: str
    ) -> Run:
        number = 1 + sum(run.job_id == job_id for run in self.runs.values())
        run = Run(self.next_id(), job_id, number, settings, parameters, overrides, trigger, self.clock.now())
        self.runs[run.run_id] = run
        return run

    def _add_units(self, run: Run, selected: set[str] | None) -> None:
        for task in run.settings.get("tasks", ()):
            is_selected = selected is None or task["task_key"] in selected
            if not is_selected and self.assumptions.unselected_tasks_are_left_out:
                continue
            unit = Unit(task["task_key"], task, [Attempt(self.next_id(), 0)], is_selected=is_selected)
            run.units[unit.key] = unit
        self._index(run)

    def _renew_units(self, run: Run) -> None:
        tasks = {task["task_key"]: task for task in run.settings.get("tasks", ())}
        for key, unit in run.units.items():
            unit.settings = tasks.get(key, unit.settings)

    def _index(self, run: Run) -> None:
        for unit in run.units.values():
            for attempt in unit.attempts:
                self._task_runs[attempt.run_id] = run

    def _by_token(self, token: str) -> Run | None:
        if len(token) > 64:
            raise invalid("idempotency_token has at most 64 characters")
        run_id = self.state.get("tokens", token) if token else None
        if run_id is None:
            return None
        if run_id not in self.runs:
            raise invalid(f"The run of the idempotency token was deleted: {run_id}")
        return self.runs[run_id]

    def _remember_token(self, token: str, run: Run) -> None:
        if token:
            self.state.put("tokens", token, run.run_id)

    def _start_or_queue(self, run: Run, is_queue: bool) -> None:
        most = run.settings.get("max_concurrent_runs", 1)
        active = sum(other.job_id == run.job_id and not other.is_over for other in self.runs.values()) - 1
        if active < most:
            self.engine.begin(run)
        elif is_queue and most > 0:
            run.state, run.message = "QUEUED", "Queued due to reaching maximum concurrent runs of 1."
            self.changed(run, None)
        else:
            told = "An active run already exists." if most else "The job allows no runs."
            self._end_unstarted(run, "SKIPPED", "MAXIMUM_CONCURRENT_RUNS_REACHED", told)

    def _end_unstarted(self, run: Run, state: str, result: str, message: str) -> None:
        run.state, run.result, run.message, run.ended = state, result, message, self.clock.now()
        for unit in run.units.values():
            unit.done = True
            unit.last.state, unit.last.result = "TERMINATED" if state == "TERMINATED" else state, result
        self.changed(run, None)
        self.engine.run_over(run)

    def changed(self, run: Run, unit: Unit | None) -> None:
        """Keep a run, or a task of it, as it is now."""
        if unit is not None:
            self.state.put("units", f"{run.run_id}/{unit.key}", unit.as_data())
            for attempt in unit.attempts:
                self._task_runs[attempt.run_id] = run
        elif run.is_over or run.state in ("RUNNING", "QUEUED"):
            self.state.put("runs", run.run_id, run.as_data())

    def start_job(self, task: dict[str, Any], parent: int) -> Run:
        """Start the job of a run_job_task; parameters that it does not declare are not handed on."""
        declared = {one["name"] for one in self.jobs.get(task["job_id"])["settings"].get("parameters", ())}
        given = {name: value for name, value in task["job_parameters"].items() if name in declared}
        body = {key: task[key] for key in _OVERRIDES if key in task and key != "job_parameters"}
        return self.run_now({"job_id": task["job_id"], **body, "job_parameters": given}, "RUN_JOB_TASK", parent)

    def stop_run(self, run_id: int, result: str) -> None:
        """End a run before its time."""
        self.engine.stop(self.runs[run_id], result)

    def over(self, run: Run) -> None:
        """Start the run of the job that has been queued for longest, and tell who waits for this one."""
        self.engine.run_over(run)
        queued = [other for other in self.runs.values() if other.job_id == run.job_id and other.state == "QUEUED"]
        active = sum(other.job_id == run.job_id and not other.is_over for other in self.runs.values()) - len(queued)
        if queued and active < run.settings.get("max_concurrent_runs", 1):
            queued[0].message = ""
            self.engine.begin(queued[0])

    def _load_runs(self) -> None:
        units: dict[str, dict[str, Any]] = {}
        for name, data in self.state.all("units").items():
            run_id, _, key = name.partition("/")
            units.setdefault(run_id, {})[key] = data
        for run_id, data in sorted(self.state.all("runs").items(), key=lambda item: int(item[0])):
            run = Run.from_data(data, units.get(run_id, {}))
            self.runs[run.run_id] = run
            self._index(run)
            if not run.is_over:
                run.state, run.result, run.ended = "INTERNAL_ERROR", "FAILED", self.clock.now()
                run.message = "The emulator was stopped while this run was active."
                for unit in run.units.values():
                    if not unit.last.result:
                        unit.last.state, unit.last.result = "INTERNAL_ERROR", "FAILED"
                        unit.last.message = run.message
                        self.changed(run, unit)
                self.changed(run, None)
