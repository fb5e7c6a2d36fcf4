"""Schedules: kept, switched on and off, and fired on demand; the emulator has no clock that fires them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from specflow.targets.azureml.emulator.assets import stamp
from specflow.targets.azureml.emulator.fields import ill_formed
from specflow.targets.azureml.emulator.jobs import check_job
from specflow.targets.azureml.emulator.names import name_problem
from specflow.targets.azureml.emulator.refusals import Problem, Refused, invalid, missing
from specflow.targets.azureml.emulator.service import Service

__all__ = ["Schedules"]

_FIELD = re.compile(r"[\d*/,A-Za-z-]+")
_FREQUENCIES = {"minute", "hour", "day", "week", "month"}


class Schedules:
    """The schedules of a workspace by name."""

    def __init__(self, service: Service) -> None:
        """Serve what the service's state holds."""
        self.service, self.state = service, service.state

    def put(self, name: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Return the schedule and whether it is new; its job is checked as if it were submitted."""
        if odd := list(ill_formed(body)):
            raise invalid(odd)
        properties = body.get("properties") or {}
        if problems := list(self._problems(name, properties)):
            raise invalid(problems)
        is_new = self.state.get("schedules", name) is None
        made = {
            "id": f"{self.service.workspace.id}/schedules/{name}",
            "name": name,
            "type": "Microsoft.MachineLearningServices/workspaces/schedules",
            "properties": {"isEnabled": True, **properties, "provisioningState": "Succeeded"},
            "systemData": {"createdAt": stamp(self.service.clock.now()), "createdBy": "emulator"},
        }
        self.state.put("schedules", name, made)
        return made, is_new

    def _problems(self, name: str, properties: Mapping[str, Any]) -> Iterator[Problem]:
        assumed = self.service.assumed
        if assumed.refuses_odd_names and (odd := name_problem("schedules", name)):
            yield odd
        yield from _trigger_problems(properties.get("trigger") or {})
        action = properties.get("action") or {}
        if action.get("actionType") != "CreateJob":
            yield Problem("only the action CreateJob is emulated", "properties.action.actionType", "NotEmulated")
            return
        job = action.get("jobDefinition") or {}
        if "jobs" in job or "componentId" in job:
            for each in check_job(job, self.service.assets, assumed).problems:
                yield Problem(each.message, f"properties.action.jobDefinition.{each.target}", each.code)

    def get(self, name: str) -> dict[str, Any]:
        """Return a schedule; refuse a name that there isn't."""
        found: dict[str, Any] | None = self.state.get("schedules", name)
        if found is None:
            raise missing("schedules", name)
        return found

    def all(self, view: str) -> list[dict[str, Any]]:
        """Return the schedules of a view: EnabledOnly (the default), DisabledOnly or All."""
        wanted = {"DisabledOnly": (False,), "All": (True, False)}.get(view, (True,))
        return [each for each in self.state.all("schedules").values() if each["properties"]["isEnabled"] in wanted]

    def remove(self, name: str) -> None:
        """Forget a schedule; refuse one that is enabled, as the service does ("Schedule ML jobs", Microsoft's docs)."""
        if self.get(name)["properties"]["isEnabled"]:
            raise Refused(400, "UserError", f'schedule "{name}" is enabled: disable it first', "schedules")
        self.state.drop("schedules", name)

    def fire(self, name: str) -> str:
        """Return the name of the job that the schedule has made now."""
        properties = self.get(name)["properties"]
        if not properties["isEnabled"]:
            raise Refused(400, "UserError", f'schedule "{name}" is disabled', "schedules")
        job = dict(properties["action"]["jobDefinition"])
        kept = job.get("properties") or {}
        job["properties"] = {**kept, "azureml.scheduleName": name, "azureml.Schedules": name}
        return self.service.resubmit(job, name)


def _trigger_problems(trigger: Mapping[str, Any]) -> Iterator[Problem]:
    kind, where = str(trigger.get("triggerType", "")), "properties.trigger"
    check: Callable[[Mapping[str, Any], str], Iterator[Problem]] | None
    check = {"Cron": _cron_problems, "Recurrence": _recurrence_problems}.get(kind)
    if check is None:
        yield Problem(f'"{kind}" is no trigger; there are Cron and Recurrence', f"{where}.triggerType")
        return
    yield from check(trigger, where)


def _cron_problems(trigger: Mapping[str, Any], where: str) -> Iterator[Problem]:
    parts = str(trigger.get("expression", "")).split()
    if len(parts) != 5 or not all(_FIELD.fullmatch(each) for each in parts):
        yield Problem("a cron expression has five fields: minute, hour, day, month, weekday", f"{where}.expression")
    elif parts[2] != "*" or parts[3] != "*":
        # "DAYS and MONTHS must be *": CLI (v2) schedule YAML schema, Microsoft's documentation, 2025.
        yield Problem("days and months of a cron expression are *", f"{where}.expression")


def _recurrence_problems(trigger: Mapping[str, Any], where: str) -> Iterator[Problem]:
    if str(trigger.get("frequency", "")).lower() not in _FREQUENCIES:
        yield Problem(f"a frequency is one of {', '.join(sorted(_FREQUENCIES))}", f"{where}.frequency")
    if not isinstance(trigger.get("interval"), int) or trigger["interval"] < 1:
        yield Problem("an interval is 1 or more", f"{where}.interval")
