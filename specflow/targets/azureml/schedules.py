"""A `schedule` as Azure ML's own: a cron trigger where its cron can say it, else a monthly recurrence.

Days and months of its cron expressions must be `*` ("CLI (v2) schedule YAML schema", Microsoft's documentation, 2025);
its time zones are those of Windows (azure-ai-ml 1.35.2, `TimeZone`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tzlocal.windows_tz import tz_win

from specflow.diagnostics import Diagnostic, error
from specflow.graph.model import Graph
from specflow.spec import model
from specflow.spec.cron import Cron, parse_cron

__all__ = ["schedule_document", "schedule_faults", "trigger", "windows_zone"]

_SCHEMA = "https://azuremlschemas.azureedge.net/latest/schedule.schema.json"
_ALIASES = {"GMT": "Etc/GMT", "EST5EDT": "America/New_York", "CST6CDT": "America/Chicago"}
_ALIASES |= {"MST7MDT": "America/Denver", "PST8PDT": "America/Los_Angeles", "US/East-Indiana": "America/Indianapolis"}
_ALIASES |= {"Europe/Uzhgorod": "Europe/Kiev", "Europe/Zaporozhye": "Europe/Kiev"}
"""Old names that the table leaves out, by a zone that has the same times."""
_UNKNOWN = frozenset(
    f"{place} Standard Time"
    for place in ("Alberta", "British Columbia", "Magallanes", "Manitoba", "Omsk", "Qyzylorda", "Sao Tome", "Saratov")
)
_UNKNOWN |= {"South Sudan Standard Time", "Sudan Standard Time", "UTC+13", "Volgograd Standard Time"}
_UNKNOWN |= {"Yukon Standard Time"}
"""Names of Windows that are younger than the list of azure-ai-ml 1.35.2; no older one has the same times."""
_NUMBERS = re.compile(r"[0-9*,/-]+")


def windows_zone(zone: str) -> str | None:
    """Return what Windows calls an IANA time zone; None for the few that it, or Azure ML, has no name for."""
    name = tz_win.get(_ALIASES.get(zone, zone))
    return None if name in _UNKNOWN else name


def schedule_faults(graph: Graph) -> tuple[Diagnostic, ...]:
    """Return what Azure ML's schedules can't say of the pipeline's."""
    schedule, file = graph.schedule, graph.file
    if schedule is None:
        return ()
    found = []
    if windows_zone(schedule.timezone) is None:
        message = f'azureml: schedules know the time zones of Windows, and "{schedule.timezone}" is none of them'
        found.append(error("unsupported", message, file.span("schedule", "timezone"), 'name a city\'s, or "UTC"'))
    if len(parse_cron(schedule.cron).months) != 12:
        message = "azureml: a schedule can't be restricted to months"
        help_ = "write * for the month, and let a step's `when` look at `run.date`"
        found.append(error("unsupported", message, file.span("schedule", "cron"), help_))
    return tuple(found)


def schedule_document(graph: Graph, schedule: model.Schedule) -> dict[str, Any]:
    """Return schedule.yml, which `az ml schedule create -f` takes; whether it is enabled is said after its making."""
    return {
        "$schema": _SCHEMA,
        "name": graph.name,
        "display_name": graph.name,
        "trigger": trigger(parse_cron(schedule.cron), windows_zone(schedule.timezone) or "UTC"),
        "create_job": {"type": "pipeline", "job": "./pipeline.yml", "experiment_name": graph.name},
    }


def trigger(cron: Cron, zone: str) -> Mapping[str, Any]:
    """Return the trigger of a schedule; weekdays go by number, since dialects of cron read their names differently."""
    if cron.is_day_restricted:
        pattern = {"hours": list(cron.hours), "minutes": list(cron.minutes), "month_days": list(cron.days)}
        return {"type": "recurrence", "frequency": "month", "interval": 1, "schedule": pattern, "time_zone": zone}
    minute, hour, _, _, _ = cron.fields
    weekday = ",".join(str(number) for number in cron.weekdays) if cron.is_weekday_restricted else "*"
    fields = (_as_written(minute, cron.minutes), _as_written(hour, cron.hours), "*", "*", weekday)
    return {"type": "cron", "expression": " ".join(fields), "time_zone": zone}


def _as_written(text: str, numbers: tuple[int, ...]) -> str:
    return text if _NUMBERS.fullmatch(text) else ",".join(map(str, numbers))
