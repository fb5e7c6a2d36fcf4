"""Cron against Quartz, minute by minute: both read a year of one zone, clock changes included."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from specflow.spec.cron import next_times, parse_cron
from specflow.targets.databricks.schedule import fires_at_clock_changes, quartz_of

YEAR = 2026  # clocks change on 29 March and 25 October in Berlin, on 8 March and 1 November in New York
CRONS = (
    "0 6 * * 1",
    "*/15 * * * *",
    "30 2 * * *",
    "0 3 * * *",
    "59 1 * * *",
    "5,35 0-23/2 * * *",
    "0 0 1 * *",
    "0 0 29-31 * *",
    "0 12 * jan,jul *",
    "17 4 * * fri-sun",
    "0 9-17 * * mon-fri",
    "0 22 * * 0",
    "0 22 * * 7",
    "45 23 31 12 *",
    "*/7 1-3 * 3,10 *",
    "1-59/13 */6 * * sat,sun",
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


NAMES = {name: str(number) for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}


class Quartz:
    """An expression as Quartz's own tutorial says it: seconds, minutes, hours, day of month, month, day of week.

    A day field is "?" in exactly one of the two. Weekdays are 1 (Sunday) to 7, or names.
    """

    def __init__(self, text: str) -> None:
        seconds, minutes, hours, days, months, weekdays = text.split()
        assert "0" == seconds
        assert 1 == (days, weekdays).count("?")
        self.minutes, self.hours = self.numbers(minutes, 0, 59), self.numbers(hours, 0, 23)
        self.days, self.months = self.numbers(days, 1, 31), self.numbers(months, 1, 12)
        for name, number in NAMES.items():
            weekdays = weekdays.replace(name, number)
        self.weekdays = self.numbers(weekdays, 1, 7)

    @staticmethod
    def numbers(field: str, first: int, last: int) -> frozenset[int]:
        found: set[int] = set()
        for part in field.split(","):
            low, _, high = part.partition("-")
            start, end = (first, last) if part in ("*", "?") else (int(low), int(high or low))
            assert first <= start <= end <= last
            found |= set(range(start, end + 1))
        return frozenset(found)

    def fires_within(self, local: datetime) -> list[int]:
        """Return after how many minutes it fires in the quarter of an hour that begins at a local time."""
        if local.hour not in self.hours or local.month not in self.months or local.day not in self.days:
            return []
        if local.isoweekday() % 7 + 1 not in self.weekdays:
            return []
        return [after for after in range(15) if local.minute + after in self.minutes]


@cache
def quarters(zone: str) -> list[tuple[datetime, datetime]]:
    """Return every quarter of an hour of the year, and what the clock shows: no clock changes within one."""
    where = ZoneInfo(zone)
    start, end = year(zone)
    count = int((end - start).total_seconds()) // 900
    moments = [start + timedelta(minutes=15 * number) for number in range(count)]
    return [(moment, moment.astimezone(where)) for moment in moments]


def year(zone: str) -> tuple[datetime, datetime]:
    start, end = (datetime(number, 1, 1, tzinfo=ZoneInfo(zone)) for number in (YEAR, YEAR + 1))
    return start.astimezone(timezone.utc), end.astimezone(timezone.utc)


def ours(cron: str, zone: str, start: datetime, end: datetime) -> set[datetime]:
    """Return every instant between two at which a cron expression of the language fires."""
    parsed, found = parse_cron(cron), set[datetime]()
    moment = start - timedelta(minutes=1)
    while moment < end:
        times = [time.astimezone(timezone.utc) for time in next_times(parsed, moment, zone, 1000)]
        found |= {time for time in times if time < end}
        moment = times[-1] if times else end
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
def test_quartz_fires_at_the_same_minutes_of_a_year(cron: str, zone: str) -> None:
    quartz = Quartz(quartz_of(cron))
    theirs, again = set[datetime](), False
    for moment, local in quarters(zone):
        fired = {moment + timedelta(minutes=after) for after in quartz.fires_within(local)}
        # What the clock shows twice in one night is one firing for us; whether it is for Databricks, nobody says.
        again = again or bool(fired and local.fold)
        theirs |= set() if local.fold else fired

    assert ours(cron, zone, *year(zone)) == theirs
    assert not again or fires_at_clock_changes(cron, zone)


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", True),  # 02:30 is left out in March, and comes twice in October
        ("59 1 * * *", "Europe/Berlin", False),
        ("0 3 * * *", "Europe/Berlin", False),
        ("30 1 * * *", "America/New_York", True),  # comes twice in November
        ("30 2 * * *", "America/New_York", True),  # is left out in March
        ("0 3 * * *", "America/New_York", False),
        ("45 1 * * *", "Australia/Lord_Howe", True),  # whose clocks change by half an hour
        ("15 1 * * *", "Australia/Lord_Howe", False),
        ("30 2 * * *", "UTC", False),
        ("30 2 * * 1", "Europe/Berlin", False),  # clocks change on Sundays
        ("*/5 * * * *", "Asia/Tokyo", False),
    ],
)
def test_what_fires_at_a_clock_change_is_known(cron: str, zone: str, expected: bool) -> None:
    assert expected == fires_at_clock_changes(cron, zone)


@pytest.mark.parametrize(
    ("cron", "quartz"),
    [
        ("0 6 * * 1", "0 0 6 ? * MON"),
        ("*/15 * * * *", "0 0,15,30,45 * * * ?"),
        ("0 9-17 * * mon-fri", "0 0 9-17 ? * MON-FRI"),
        ("30 4 1,15 * *", "0 30 4 1,15 * ?"),
        ("0 0 * jan-mar 0-7", "0 0 0 * 1-3 ?"),
        ("0 22 * * fri-sun", "0 0 22 ? * SUN,FRI,SAT"),
    ],
)
def test_an_expression_reads_as_one_would_write_it(cron: str, quartz: str) -> None:
    assert quartz == quartz_of(cron)
