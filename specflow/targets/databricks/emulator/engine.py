"""Runs the tasks of runs: in order, with retries, timeouts and cancelling, for-eaches and other jobs.

Sources: docs.databricks.com/jobs (run-if, for-each, run-job, "Set retry policies", "Configure timeouts"), and the
docstrings of `Task`, `RunLifeCycleState` and `RunResultState` in databricks-sdk. The caller holds the lock.
"""

from __future__ import annotations

import contextlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from specflow.emulation import Ended, Refusal
from specflow.targets.databricks.emulator.assumptions import Assumptions
from specflow.targets.databricks.emulator.host import Host
from specflow.targets.databricks.emulator.jobs import CLUSTERS, kind_of
from specflow.targets.databricks.emulator.lookups import Lookup
from specflow.targets.databricks.emulator.outcomes import holds, run_result, verdict
from specflow.targets.databricks.emulator.processes import EXECUTED, Processes, Unable
from specflow.targets.databricks.emulator.references import BadReference
from specflow.targets.databricks.emulator.runs import Attempt, Repair, Run, Unit

__all__ = ["FAILURE", "Engine"]

FAILURE = "Workload failed, see run output for details"
"""What a failed task's state says; measured by the acceptance tests of databricks/cli."""


class Engine:
    """Moves runs on when something has happened to them."""

    def __init__(self, host: Host, processes: Processes, assumptions: Assumptions) -> None:
        """Keep who runs what."""
        self.host, self.processes, self.assumptions = host, processes, assumptions
        self._ready: deque[tuple[Run, Unit]] = deque()
        self._loops: deque[tuple[Run, Unit]] = deque()
        self._is_busy = False
        self._is_closed = False
        self._waiting: dict[int, tuple[Run, Unit]] = {}
        """Runs of run_job_tasks by their run id, and which task waits for them."""

    def close(self) -> None:
        """Start nothing any more: what ends from now on ends because the emulator does, and is left as it was."""
        self._is_closed = True

    def begin(self, run: Run) -> None:
        """Start a run's tasks."""
        run.state, run.started = "RUNNING", self.host.clock.now()
        task_runs = [unit.last.run_id for unit in run.units.values()]
        run.repairs.append(Repair(run.run_id, run.started, task_runs))
        self._go(run, list(run.units.values()))

    def repair(self, run: Run, repair_id: int, keys: Sequence[str]) -> None:
        """Start some tasks of a run that is over again, as new attempts."""
        units = [run.units[key] for key in keys]
        for unit in units:
            unit.attempts.append(Attempt(self.host.next_id(), unit.last.number + 1))
            unit.done, unit.tries = False, 1
        run.state, run.result, run.message, run.stopping, run.ended = "RUNNING", "", "", "", 0.0
        run.repairs.append(Repair(repair_id, self.host.clock.now(), [unit.last.run_id for unit in units]))
        self._go(run, units)

    def stop(self, run: Run, result: str) -> None:
        """End a run before its time, `CANCELED` or `TIMEDOUT`."""
        if run.is_over or run.stopping:
            return
        run.stopping, run.state = result, "TERMINATING"
        with self._batch():
            for unit in list(run.units.values()):
                if unit.last.state == "BLOCKED" and self.assumptions.cancel_runs_failure_handlers:
                    continue  # its own run_if says whether it still runs
                self.stop_task(run, unit, result)
            self._finish_if_done(run)

    def stop_task(self, run: Run, unit: Unit, result: str) -> None:
        """End a task before its time, and what it started."""
        attempt = unit.last
        if unit.done or attempt.stopping:
            return
        with self._batch():
            if attempt.state in ("BLOCKED", "WAITING_FOR_RETRY"):
                if attempt.timer:
                    attempt.timer.cancel()
                self._close(run, unit, "CANCELED" if unit.parent or attempt.state == "BLOCKED" else result)
                return
            attempt.stopping = result
            attempt.state = "TERMINATING"
            if attempt.process:
                attempt.process.end()
            for iteration in unit.iterations:
                self.stop_task(run, iteration, result)
            for child, (_, waiting) in list(self._waiting.items()):
                if waiting is unit:
                    self.host.stop_run(child, result)

    def run_over(self, run: Run) -> None:
        """Take note that a run is over which a run_job_task may wait for."""
        found = self._waiting.pop(run.run_id, None)
        if found is None:
            return
        outer, unit = found
        is_well = run.result in ("SUCCESS", "SUCCESS_WITH_FAILURES")
        result = unit.last.stopping or ("SUCCESS" if is_well else "CANCELED" if run.result == "CANCELED" else "FAILED")
        with self._batch():
            self._end(
                outer, unit, result, "" if is_well else f"Run {run.run_id} of job {run.job_id} ended {run.result}"
            )

    def _go(self, run: Run, units: list[Unit]) -> None:
        limit = run.settings.get("timeout_seconds", 0)
        if limit:
            run.timer = self.host.clock.after(limit, self._locked(lambda: self.stop(run, "TIMEDOUT")))
        run.index()
        with self._batch():
            for unit in units:
                unit.last.state = "BLOCKED"
                above = [one["task_key"] for one in unit.settings.get("depends_on", ())]
                unit.waits_for = sum(key in run.units and not run.units[key].done for key in above)
                if not unit.waits_for:
                    self._ready.append((run, unit))
            self.host.changed(run, None)
            for unit in units:
                self.host.changed(run, unit)
            self._finish_if_done(run)

    @contextlib.contextmanager
    def _batch(self) -> Iterator[None]:
        """Do what follows from a change once the change is complete; nested ones wait for the outermost."""
        if self._is_busy:
            yield
            return
        self._is_busy = True
        try:
            yield
            while self._ready or self._loops:
                if self._loops:
                    self._next_iterations(*self._loops.popleft())
                else:
                    self._consider(*self._ready.popleft())
        finally:
            self._is_busy = False

    def _locked(self, action: Callable[[], None]) -> Callable[[], None]:
        def locked() -> None:
            with self.host.lock:
                action()

        return locked

    def _consider(self, run: Run, unit: Unit) -> None:
        """Start a task whose dependencies are all done, or say why it does not run."""
        if unit.done or unit.last.stopping:
            return
        if not unit.is_selected or unit.settings.get("disabled"):
            self._close(run, unit, "DISABLED")
            return
        results = [
            self._result_of(run, one) for one in unit.settings.get("depends_on", ()) if one["task_key"] in run.units
        ]
        run_if = unit.settings.get("run_if", "ALL_SUCCESS")
        spares = self.assumptions.excluded_counts_as_success
        ended = verdict(run_if, results, excluded_counts_as_success=spares)
        if ended:
            self._close(run, unit, ended)
        elif run.stopping and not self.assumptions.cancel_runs_failure_handlers:
            self._close(run, unit, "CANCELED")
        else:
            self._launch(run, unit)

    def _result_of(self, run: Run, dependency: dict[str, str]) -> str:
        attempt = run.units[dependency["task_key"]].last
        if "outcome" in dependency and attempt.result == "SUCCESS" and attempt.outcome != dependency["outcome"]:
            return "EXCLUDED"
        return attempt.result

    def _launch(self, run: Run, unit: Unit) -> None:
        attempt, kind = unit.last, kind_of(unit.settings)
        attempt.state, attempt.started = "PENDING", self.host.clock.now()
        lookup = Lookup(run, unit, self.host.url, self.assumptions)
        try:
            if kind in EXECUTED:
                self._launch_process(run, unit, kind, lookup)
                return
            self._run_now_on(run, unit, attempt)
            if kind == "condition_task":
                self._decide(run, unit, lookup)
            elif kind == "for_each_task":
                self._loop(run, unit, lookup)
            elif kind == "run_job_task":
                body = unit.settings[kind]
                child = self.host.start_job(
                    {**body, "job_parameters": {**lookup.parameters(), **lookup.all(body.get("job_parameters", {}))}},
                    attempt.run_id,
                )
                attempt.child_run = child.run_id
                if child.is_over:
                    self._end(run, unit, "FAILED", f"Run {child.run_id} did not start: {child.message}")
                else:
                    self._waiting[child.run_id] = (run, unit)
            else:
                raise Unable(f"the emulator runs no {kind}")
        except (Unable, BadReference, Refusal) as fault:
            attempt.output = {"error": str(fault), "error_trace": ""}
            self._end(run, unit, "FAILED", str(fault))

    def _run_now_on(self, run: Run, unit: Unit, attempt: Attempt) -> None:
        attempt.state, attempt.started = "RUNNING", self.host.clock.now()
        limit = unit.settings.get("timeout_seconds", 0)
        if limit:
            attempt.timer = self.host.clock.after(limit, self._locked(lambda: self.stop_task(run, unit, "TIMEDOUT")))

    def _launch_process(self, run: Run, unit: Unit, kind: str, lookup: Lookup) -> None:
        attempt = unit.last

        def on_start() -> None:
            with self.host.lock:
                if not attempt.stopping:
                    self._run_now_on(run, unit, attempt)

        def on_end(ended: Ended) -> None:
            result, output, values = self.processes.result(attempt, ended)
            with self.host.lock, self._batch():
                if self._is_closed:
                    return
                attempt.output, attempt.values, attempt.process = output, values, None
                result = attempt.stopping or result
                self._end(run, unit, result, FAILURE if result == "FAILED" else "")

        self.processes.start(run, unit, kind, lookup, on_start, on_end)

    def _decide(self, run: Run, unit: Unit, lookup: Lookup) -> None:
        body = unit.settings["condition_task"]
        left, right = lookup.text(body["left"]), lookup.text(body["right"])
        unit.last.resolved = {"condition_task": {"left": left, "right": right}}
        try:
            unit.last.outcome = "true" if holds(body["op"], left, right) else "false"
        except ValueError:
            raise Unable(f'{body["op"]} compares numbers, not "{left}" and "{right}"') from None
        self._end(run, unit, "SUCCESS")

    def _loop(self, run: Run, unit: Unit, lookup: Lookup) -> None:
        body = unit.settings["for_each_task"]
        try:
            inputs = json.loads(lookup.text(body["inputs"]))
        except ValueError:
            inputs = None
        if not isinstance(inputs, list):
            raise Unable("The inputs of a for-each task must be a JSON array")
        before = unit.iterations
        unit.iterations = []
        for number, value in enumerate(inputs):
            # A repair runs only the iterations again that did not succeed.
            old = before[number] if number < len(before) else None
            if old is not None and old.last.result == "SUCCESS" and old.input == value:
                unit.iterations.append(old)
                continue
            attempt = Attempt(self.host.next_id(), 0)
            unit.iterations.append(Unit(body["task"]["task_key"], body["task"], [attempt], unit, value))
        self._loops.append((run, unit))

    def _next_iterations(self, run: Run, unit: Unit) -> None:
        """Start as many iterations as may run at once; end the for-each when all are done."""
        limit = unit.settings["for_each_task"].get("concurrency", 1)
        running = sum(not one.done and one.last.state != "BLOCKED" for one in unit.iterations)
        for iteration in unit.iterations:
            if running >= limit:
                return
            if not iteration.done and iteration.last.state == "BLOCKED":
                self._launch(run, iteration)
                running += not iteration.done
        if unit.done or not all(iteration.done for iteration in unit.iterations):
            return
        bad = sum(iteration.last.result != "SUCCESS" for iteration in unit.iterations)
        told = f"{bad} of {len(unit.iterations)} iterations did not succeed" if bad else ""
        self._end(run, unit, unit.last.stopping or ("FAILED" if bad else "SUCCESS"), told)

    def _end(self, run: Run, unit: Unit, result: str, message: str = "") -> None:
        """End a task's attempt; try again if its settings and the run allow it."""
        attempt, settings = unit.last, unit.settings
        if attempt.timer:
            attempt.timer.cancel()
        attempt.state, attempt.result, attempt.message = "TERMINATED", result, message
        attempt.ended = self.host.clock.now()
        most = settings.get("max_retries", 0)
        if most == 0 and self.assumptions.serverless_retries_by_itself and _is_optimized(settings):
            most = 1
        if run.is_submitted and not self.assumptions.submitted_runs_retry:
            most = 0
        may_retry = result == "FAILED" or (result == "TIMEDOUT" and settings.get("retry_on_timeout", False))
        if not may_retry or run.stopping or (most != -1 and unit.tries > most):
            self._done(run, unit)
            return
        unit.tries += 1
        again = Attempt(self.host.next_id(), attempt.number + 1, "WAITING_FOR_RETRY")
        # From the start of the failed attempt to that of the next.
        due = attempt.started + settings.get("min_retry_interval_millis", 0) / 1000
        unit.attempts.append(again)
        self.host.changed(run, unit)
        again.timer = self.host.clock.after(due - self.host.clock.now(), self._locked(lambda: self._retry(run, unit)))

    def _retry(self, run: Run, unit: Unit) -> None:
        if not unit.done and unit.last.state == "WAITING_FOR_RETRY":
            with self._batch():
                self._launch(run, unit)

    def _close(self, run: Run, unit: Unit, result: str) -> None:
        """End a task that never ran."""
        now, attempt = self.host.clock.now(), unit.last
        attempt.state, attempt.result, attempt.started, attempt.ended = "TERMINATED", result, now, now
        self._done(run, unit)

    def _done(self, run: Run, unit: Unit) -> None:
        unit.done = True
        if unit.parent is not None:
            if (run, unit.parent) not in self._loops:
                self._loops.append((run, unit.parent))
            return
        self.host.changed(run, unit)
        for other in run.below.get(unit.key, ()):
            if not other.done:
                other.waits_for -= 1
                if other.waits_for == 0:
                    self._ready.append((run, other))
        self._finish_if_done(run)

    def _finish_if_done(self, run: Run) -> None:
        if run.is_over or not all(unit.done for unit in run.units.values()):
            return
        results = {key: unit.last.result for key, unit in run.units.items()}
        leaves = [result for key, result in results.items() if key not in run.below]
        run.result = run.stopping or run_result(list(results.values()), leaves)
        run.state, run.ended = "TERMINATED", self.host.clock.now()
        if run.result == "FAILED":
            first = next((key for key, result in results.items() if result == "FAILED"), None)
            run.message = f"Task {first} failed with message: {run.units[first].last.message}." if first else FAILURE
            run.state = "INTERNAL_ERROR" if self.assumptions.failed_run_is_internal_error else "TERMINATED"
        if run.timer:
            run.timer.cancel()
        last = run.repairs[-1]
        last.state, last.result, last.ended = run.state, run.result, run.ended
        self.host.changed(run, None)
        self.host.over(run)


def _is_optimized(settings: Mapping[str, Any]) -> bool:
    """Return whether a task runs on serverless compute, which may try it again unless that is switched off."""
    is_serverless = kind_of(settings) in EXECUTED and not any(key in settings for key in CLUSTERS)
    return is_serverless and not settings.get("disable_auto_optimization", False)
