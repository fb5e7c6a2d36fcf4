"""A job whose bridges run steps elsewhere, seen as if all of its steps were its platform's own.

What happens elsewhere is told in the bridges' logs, line by line: when a step began, and its record once it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from specflow.attempt.records import line_of
from specflow.attempt.relay import told_in
from specflow.targets.base import Client, Status, StepStatus

__all__ = ["ThroughBridges"]

Bridges = Mapping[str, Mapping[str, Any]]


class ThroughBridges:
    """A client of a platform that coordinates; `bridges` name the steps that each stands for."""

    def __init__(self, client: Client, bridges: Bridges) -> None:
        """Ask the platform as before, and its bridges for the steps elsewhere."""
        self.client, self.bridges = client, bridges
        self.of_step = {step: bridge for bridge, facts in bridges.items() for step in facts["steps"]}
        self.told: dict[str, list[dict[str, Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        """Return what the platform's client does as it is: outputs of steps elsewhere lie where both see them."""
        return getattr(self.client, name)

    def status(self, job: str) -> Status:
        """Return how a job stands, with the steps elsewhere in place of its bridges."""
        found = self.client.status(job)
        steps = {name: status for name, status in found.steps.items() if name not in self.bridges}
        for bridge, facts in self.bridges.items():
            steps |= self._steps(job, bridge, facts["steps"], found.steps.get(bridge))
        return Status(found.state, found.url, steps, found.message, found.registered)

    def _steps(self, job: str, bridge: str, names: list[str], own: StepStatus | None) -> dict[str, StepStatus]:
        if own is None or own.state in ("waiting", "not run"):
            return {name: StepStatus("waiting" if own is None else own.state) for name in names}
        # Once it has ended, all of it is there; until then an attempt's log may be that of the one before.
        self.told[bridge] = told_in(self.client.log(job, bridge), own.attempt if own.state == "running" else 1)
        return {name: self._step(name, bridge, own) for name in names}

    def _step(self, name: str, bridge: str, own: StepStatus) -> StepStatus:
        """Return how a step elsewhere stands; one without a record, whose bridge has ended, ended with that."""
        own_events = [event for event in self.told[bridge] if event.get("step") == name]
        began = [event for event in own_events if event["event"] == "step_started"]
        attempt, url = (int(began[-1]["attempt"]), str(began[-1]["url"])) if began else (1, own.url)
        for event in own_events:
            if event["event"] == "step_ended":
                state = event["record"]["state"]
                return StepStatus("succeeded" if state in ("skipped", "cached") else state, attempt, url)
        if own.state == "running":
            return StepStatus("running" if began else "waiting", attempt, url)
        return StepStatus(own.state if own.state in ("failed", "cancelled") else "not run", attempt, url, own.message)

    def log(self, job: str, step: str) -> str:
        """Return what a step has written; of one elsewhere, what its bridge relayed, and its record."""
        bridge = self.of_step.get(step)
        if bridge is None:
            return self.client.log(job, step)
        if bridge not in self.told:
            self.told[bridge] = told_in(self.client.log(job, bridge))
        for event in self.told[bridge]:
            if event["event"] == "step_ended" and event["step"] == step:
                text = str(event["text"])
                return f"{text}{'' if not text or text.endswith(chr(10)) else chr(10)}{line_of(event['record'])}\n"
        return ""

    def resume(self, job: str, steps: tuple[str, ...]) -> bool:
        """Have the platform run steps again; of those elsewhere, their bridges."""
        return self.client.resume(job, tuple(dict.fromkeys(self.of_step.get(step, step) for step in steps)))
