"""HTTP for jobs and their runs. Paths are those of databricks-sdk 0.156; 2.1 is answered like 2.2."""

from __future__ import annotations

from collections.abc import Callable

from specflow.emulation import Refusal, Request, Response, Routes, as_json
from specflow.targets.databricks.emulator.queries import body_of, flag_of, number_of, page_of
from specflow.targets.databricks.emulator.refusals import invalid, wrong_state
from specflow.targets.databricks.emulator.runs import Run
from specflow.targets.databricks.emulator.service import Workspace
from specflow.targets.databricks.emulator.views import PAGE, run_view, task_run_view

__all__ = ["JobsWire", "RunsWire"]

MAX_BYTES = 10 * 1024 * 1024
"""Of a request to the Jobs API; docs.databricks.com/resources/limits."""

_EMPTY = as_json({})


def _add(routes: Routes, method: str, path: str, handler: Callable[[Request], Response]) -> None:
    def limited(request: Request) -> Response:
        if len(request.body) > MAX_BYTES:
            raise Refusal(413, f"A request has at most {MAX_BYTES} bytes", "too-large")
        return handler(request)

    for version in ("2.2", "2.1"):
        routes.add(method, f"/api/{version}/jobs/{path}", limited)


class JobsWire:
    """The calls of jobs/."""

    def __init__(self, workspace: Workspace, routes: Routes) -> None:
        """Add them."""
        self.workspace = workspace
        _add(routes, "POST", "create", lambda request: as_json({"job_id": workspace.jobs.create(request.json())}))
        _add(routes, "POST", "reset", self._reset)
        _add(routes, "POST", "update", self._update)
        _add(routes, "POST", "delete", self._delete)
        _add(routes, "GET", "get", self._get)
        _add(routes, "GET", "list", self._list)

    def _reset(self, request: Request) -> Response:
        body = body_of(request, "job_id", "new_settings")
        self.workspace.jobs.reset(body["job_id"], body["new_settings"])
        return _EMPTY

    def _update(self, request: Request) -> Response:
        body = body_of(request, "job_id", optional=["new_settings", "fields_to_remove"])
        self.workspace.jobs.update(body["job_id"], body.get("new_settings", {}), body.get("fields_to_remove", ()))
        return _EMPTY

    def _delete(self, request: Request) -> Response:
        self.workspace.jobs.delete(body_of(request, "job_id")["job_id"])
        return _EMPTY

    def _get(self, request: Request) -> Response:
        """Answer with a job; its tasks in pages, of which later ones leave out what the first had."""
        job = self.workspace.jobs.get(number_of(request, "job_id"))
        start = number_of(request, "page_token", 0)
        settings, view = dict(job["settings"]), dict(job)
        tasks = settings.get("tasks", [])
        if len(tasks) > PAGE:
            settings["tasks"] = tasks[start : start + PAGE]
            if start + PAGE < len(tasks):
                view.update(has_more=True, next_page_token=str(start + PAGE))
            for name in ("job_clusters", "environments", "parameters") if start else ():
                settings.pop(name, None)
        return as_json({**view, "settings": settings})

    def _list(self, request: Request) -> Response:
        """Answer with jobs, newest first; tasks only if they are asked for."""
        name = request.query.get("name")
        expand = flag_of(request, "expand_tasks")
        found = []
        with self.workspace.lock:
            jobs = sorted(self.workspace.jobs.all.values(), key=lambda job: -job["job_id"])
        for job in jobs:
            settings = job["settings"]
            if name is not None and settings["name"].lower() != name.lower():
                continue
            hidden = () if expand else ("tasks", "job_clusters", "environments", "parameters")
            shown = {key: value for key, value in settings.items() if key not in hidden}
            if expand:
                shown["tasks"] = settings.get("tasks", [])[:PAGE]
            found.append({**job, "settings": shown})
        return as_json(page_of(request, found, "jobs", 20, 100))


class RunsWire:
    """The calls of jobs/runs/, and jobs/run-now."""

    def __init__(self, workspace: Workspace, routes: Routes) -> None:
        """Add them."""
        self.workspace = workspace
        _add(routes, "POST", "run-now", self._run_now)
        _add(
            routes, "POST", "runs/submit", lambda request: as_json({"run_id": workspace.submit(request.json()).run_id})
        )
        _add(routes, "GET", "runs/get", self._get)
        _add(routes, "GET", "runs/list", self._list)
        _add(routes, "GET", "runs/get-output", self._output)
        _add(routes, "POST", "runs/cancel", self._cancel)
        _add(routes, "POST", "runs/cancel-all", self._cancel_all)
        _add(routes, "POST", "runs/repair", lambda request: as_json({"repair_id": workspace.repair(request.json())}))
        _add(routes, "POST", "runs/delete", self._delete)
        routes.add("POST", "/_emulator/fire", self._fire)
        routes.add("POST", "/_emulator/clock", self._advance)

    def _run_now(self, request: Request) -> Response:
        run = self.workspace.run_now(request.json())
        return as_json({"run_id": run.run_id, "number_in_job": run.number})

    def _get(self, request: Request) -> Response:
        workspace, start = self.workspace, number_of(request, "page_token", 0)
        with workspace.lock:
            found = workspace.find(number_of(request, "run_id"))
            if isinstance(found, Run):
                lists = workspace.assumptions.earlier_attempts_are_listed
                history = flag_of(request, "include_history")
                return as_json(run_view(found, workspace.url, start, lists_earlier=lists, with_history=history))
            return as_json(task_run_view(*found, workspace.url, start))

    def _list(self, request: Request) -> Response:
        """Answer with runs, newest first."""
        query, workspace = request.query, self.workspace
        active, completed, expand = (
            flag_of(request, name) for name in ("active_only", "completed_only", "expand_tasks")
        )
        if active and completed:
            raise invalid("active_only and completed_only exclude each other")
        earliest, latest = number_of(request, "start_time_from", 0), number_of(request, "start_time_to", 1 << 62)
        found = []
        with workspace.lock:
            for run in sorted(workspace.runs.values(), key=lambda run: -run.run_id):
                if "job_id" in query and run.job_id != number_of(request, "job_id"):
                    continue
                if (active and run.is_over) or (completed and not run.is_over):
                    continue
                view = run_view(run, workspace.url, 0, lists_earlier=False)
                if not earliest <= view["start_time"] <= latest or query.get("run_type") not in (
                    None,
                    view["run_type"],
                ):
                    continue
                if not expand:
                    for name in ("tasks", "job_clusters", "has_more", "next_page_token"):
                        view.pop(name, None)
                found.append(view)
        return as_json(page_of(request, found, "runs", 20, 25))

    def _output(self, request: Request) -> Response:
        """Answer with a task's output; a run of several tasks has none of its own."""
        workspace = self.workspace
        with workspace.lock:
            found = workspace.find(number_of(request, "run_id"))
            if isinstance(found, Run):
                units = list(found.units.values())
                if len(units) != 1:
                    raise invalid(
                        "Retrieving the output of runs with multiple tasks is not supported. "
                        "Please retrieve the output of each individual task run instead."
                    )
                found = (found, units[0], units[0].last)
            run, unit, attempt = found
            view = {"metadata": task_run_view(run, unit, attempt, workspace.url, 0), **attempt.output}
            if attempt.child_run:
                view["run_job_output"] = {"run_id": attempt.child_run}
        logs, is_cut = workspace.processes.log(attempt)
        if logs:
            view.update(logs=logs, logs_truncated=is_cut)
        return as_json(view)

    def _cancel(self, request: Request) -> Response:
        self.workspace.cancel(body_of(request, "run_id")["run_id"])
        return _EMPTY

    def _cancel_all(self, request: Request) -> Response:
        body = body_of(request, optional=["job_id", "all_queued_runs"])
        if "job_id" in body:
            self.workspace.jobs.get(body["job_id"])
        elif not body.get("all_queued_runs"):
            raise invalid("job_id or all_queued_runs is needed")
        self.workspace.cancel_all(body.get("job_id"), all_queued=bool(body.get("all_queued_runs")))
        return _EMPTY

    def _delete(self, request: Request) -> Response:
        self.workspace.delete_run(body_of(request, "run_id")["run_id"])
        return _EMPTY

    def _fire(self, request: Request) -> Response:
        """Start a run as the job's schedule would, now; a control route."""
        job_id = body_of(request, "job_id")["job_id"]
        schedule = self.workspace.jobs.get(job_id)["settings"].get("schedule")
        if not schedule or schedule.get("pause_status") == "PAUSED":
            raise wrong_state(f"Job {job_id} has no schedule that is not paused")
        run = self.workspace.run_now({"job_id": job_id}, "PERIODIC")
        return as_json({"run_id": run.run_id})

    def _advance(self, request: Request) -> Response:
        """Move the emulator's clock on; a control route."""
        seconds = body_of(request, "seconds")["seconds"]
        if not isinstance(seconds, (int, float)) or seconds < 0:
            raise invalid("seconds must be a number, 0 or more")
        self.workspace.clock.advance(seconds)
        return as_json({"now": self.workspace.clock.now()})
