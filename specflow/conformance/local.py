"""Runs a plan with the local engine, as `specflow run` does, and watches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.values import PATH_TYPES
from specflow.bridging.bridge import Bridges
from specflow.conformance.observed import Given, Observed, ObservedStep
from specflow.plan import Plan
from specflow.targets.local.journal import Event
from specflow.targets.local.processes import Processes
from specflow.targets.local.session import run_plan
from specflow.targets.local.steps import Options, Result
from specflow.targets.local.workspace import RunFolder, Workspace

__all__ = ["run_here"]


def run_here(plan: Plan, given: Given) -> Observed:
    """Return what the run of a plan showed that this machine coordinates: other platforms are their emulators.

    Outputs are published where the pipeline says.
    """
    workspace = Workspace(given.project)
    processes = Processes()
    watch = _Watch(processes, given.cancel_at)
    with Bridges(workspace.path / "emulators", emulates=True, secrets=given.secrets) as bridges:
        options = Options(given.jobs, given.environ, given.secrets, bridges=bridges)
        result = run_plan(plan, given.inputs, workspace, options, watch, processes, watch.interrupts).result
    outputs = {name: _paths(value, plan.document["outputs"][name]) for name, value in result.outputs.items()}
    steps = _steps(plan, result, watch, workspace.run(result.run))
    registered = {**_registered(workspace, result.run), **result.registered}
    return Observed(result.state, result.reason, outputs, steps, registered)


class _Watch:
    """Takes down the events of one run, and cancels it where that is asked for."""

    def __init__(self, processes: Processes, cancel_at: str | None) -> None:
        self.processes, self.cancel_at = processes, cancel_at
        self.events: list[Event] = []
        self.cancelled = 0

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if event["event"] == "step_started" and event["step"] == self.cancel_at:
            self.cancelled = 1
            self.processes.wake()

    def interrupts(self) -> int:
        return self.cancelled

    def moment(self, kind: str, label: str) -> float | None:
        """Return the place of a step's first event of a kind among all events."""
        found = (i for i, event in enumerate(self.events) if event["event"] == kind and event["step"] == label)
        return next(found, None)

    def hint(self, label: str) -> str:
        """Return what was added to a step's failure."""
        ends = (event for event in self.events if event["event"] == "step_finished" and event["step"] == label)
        return str(next(ends).get("hint", ""))


def _steps(plan: Plan, result: Result, watch: _Watch, folder: RunFolder) -> dict[str, ObservedStep]:
    ids = {step["label"]: step["id"] for step in plan.document["steps"]}
    at_home = {step["id"] for step in plan.document["steps"] if step["island"] is None}
    found = {}
    for label, step in result.steps.items():
        logs = [folder.log(ids[label], attempt + 1) for attempt in range(step.attempts)]
        found[label] = ObservedStep(
            step.outcome.state,
            step.outcome.reason,
            step.attempts,
            step.seconds,
            watch.moment("step_started", label),
            watch.moment("step_finished", label) or 0.0,
            "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists()),
            # Only a plan fresh from its spec knows the project around it, and so what a step may have missed there; and
            # only of steps that ran here.
            watch.hint(label) if plan.root is not None and ids[label] in at_home else None,
            result.metrics.get(label, {}),
        )
    return found


def _paths(value: Any, declared: Mapping[str, Any]) -> Any:
    """Return an output with its paths as such."""
    if value is None or declared["type"] not in PATH_TYPES:
        return value
    return [FilePath(item) for item in value] if isinstance(value, list) else FilePath(value)


def _registered(workspace: Workspace, run_id: str) -> dict[str, str]:
    found = {}
    for file in sorted(workspace.registry("").glob("*/*/entry.json")):
        entry = json.loads(file.read_text(encoding="utf-8"))
        if entry["run"] == run_id:
            found[entry["output"]] = f"{file.parent.parent.name}:{file.parent.name}"
    return found
