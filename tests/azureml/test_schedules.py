"""Cron expressions and IANA zones as Azure ML's schedules say them."""

from __future__ import annotations

import zoneinfo
from typing import Any

import pytest
from tzlocal.windows_tz import tz_win

from specflow.spec.cron import parse_cron
from specflow.targets.azureml.schedules import trigger, windows_zone
from tests.azureml.test_compile import Make

STEP = "steps:\n  say: {run: echo hello}\n"


def cron(expression: str) -> dict[str, Any]:
    return {"type": "cron", "expression": expression, "time_zone": "UTC"}


def monthly(hours: list[int], minutes: list[int], days: list[int]) -> dict[str, Any]:
    pattern = {"hours": hours, "minutes": minutes, "month_days": days}
    return {"type": "recurrence", "frequency": "month", "interval": 1, "schedule": pattern, "time_zone": "UTC"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 6 * * 1", cron("0 6 * * 1")),
        ("*/15 * * * *", cron("*/15 * * * *")),
        ("0 6-18/6 * * mon-fri", cron("0 6-18/6 * * 1,2,3,4,5")),
        ("0 6 * * 7", cron("0 6 * * 0")),  # dialects differ on whether there is a 7
        ("0 6 * * fri-sun", cron("0 6 * * 0,5,6")),
        ("30 6,18 1,15 * *", monthly([6, 18], [30], [1, 15])),
    ],
)
def test_a_cron_expression_becomes_a_trigger(text: str, expected: dict[str, Any]) -> None:
    assert expected == trigger(parse_cron(text), "UTC")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "UTC"),
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("America/New_York", "Eastern Standard Time"),
        ("Asia/Kolkata", "India Standard Time"),
        ("US/East-Indiana", "US Eastern Standard Time"),
        ("Antarctica/Troll", None),
    ],
)
def test_a_zone_has_its_name_of_windows(zone: str, expected: str | None) -> None:
    assert expected == windows_zone(zone)


def test_a_zone_has_a_name_that_the_sdk_knows_or_none() -> None:
    from azure.ai.ml.constants import TimeZone

    known = {zone.value for zone in TimeZone}
    zones = zoneinfo.available_timezones() - {"localtime", "Factory"}

    assert set() == {windows_zone(zone) for zone in zones} - known - {None}
    assert {"Antarctica/Troll"} == {zone for zone in zones if windows_zone(zone) is None and zone not in tz_win}


def test_a_schedule_is_a_file_beside_the_job(project: Make) -> None:
    artifact = project(f'schedule: {{cron: "0 6 * * 1", timezone: Europe/Berlin}}\n{STEP}')

    expected = """\
# Made by specflow from pipeline.yaml: change that, and compile again.
# az ml schedule create -f schedule.yml
$schema: https://azuremlschemas.azureedge.net/latest/schedule.schema.json
name: demo
display_name: demo
trigger: {type: cron, expression: "0 6 * * 1", time_zone: W. Europe Standard Time}
create_job: {type: pipeline, job: ./pipeline.yml, experiment_name: demo}
"""
    assert expected == artifact.text("schedule.yml")


def test_a_schedule_that_is_switched_off_says_what_its_file_can_not(project: Make) -> None:
    artifact = project(f'schedule: {{cron: "0 6 * * 1", enabled: false}}\n{STEP}')

    told = artifact.text("schedule.yml").splitlines()[2]
    assert "# It is to be switched off: az ml schedule disable --name demo" == told


def test_what_no_trigger_can_say_is_refused_at_its_place(project: Make) -> None:
    artifact = project(f'schedule: {{cron: "0 6 1 jan *", timezone: Antarctica/Troll}}\n{STEP}')

    expected = [
        "error unsupported 3: azureml: schedules know the time zones of Windows, and "
        '"Antarctica/Troll" is none of them',
        "error unsupported 3: azureml: a schedule can't be restricted to months",
    ]
    assert expected == artifact.told
