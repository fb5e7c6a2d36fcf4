"""A `schedule` as a Quartz expression with the same firing times, and what clock changes do to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from specflow.spec.cron import Cron, parse_cron

__all__ = ["fires_at_clock_changes", "quartz_of"]

_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIRST_YEAR, _YEARS = 2026, 8
"""The span in which clock changes are looked for: a fixed one, so that a spec compiles to the same on every day."""


def quartz_of(cron: str) -> str:
    """Return the six Quartz fields that fire at the same local minutes.

    Quartz wants `?` in one of the day fields, and counts weekdays from 1, so weekdays are written by name. Source:
    quartz-scheduler.org, "Cron Triggers Tutorial"; docs.databricks.com/jobs/scheduled.
    """
    parsed = parse_cron(cron)
    minutes, hours = _numbers(parsed.minutes, 0, 59), _numbers(parsed.hours, 0, 23)
    months = _numbers(parsed.months, 1, 12)
    if parsed.is_weekday_restricted and len(parsed.weekdays) < 7:
        return f"0 {minutes} {hours} ? {months} {_weekdays(parsed.weekdays)}"
    return f"0 {minutes} {hours} {_numbers(parsed.days, 1, 31)} {months} ?"


def fires_at_clock_changes(cron: str, zone: str) -> bool:
    """Return whether it fires at a local minute that a clock change of the zone leaves out or brings twice.

    What Databricks does then is only half said ("may be skipped or may appear to not fire for an hour or two"): outside
    of these minutes both readings agree.
    """
    parsed = parse_cron(cron)
    return any(_fires_within(parsed, start, end) for start, end in _ambiguous_spans(zone))


def _numbers(numbers: tuple[int, ...], first: int, last: int) -> str:
    """Return a field: `*` for all of them, else ranges and single values."""
    if numbers == tuple(range(first, last + 1)):
        return "*"
    return ",".join(str(start) if start == end else f"{start}-{end}" for start, end in _runs(numbers))


def _weekdays(numbers: tuple[int, ...]) -> str:
    names = ((_WEEKDAYS[start], _WEEKDAYS[end]) for start, end in _runs(numbers))
    return ",".join(start if start == end else f"{start}-{end}" for start, end in names)


def _runs(numbers: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each stretch of neighbours; two neighbours are no stretch."""
    start = 0
    for at in range(1, len(numbers) + 1):
        if at < len(numbers) and numbers[at] == numbers[at - 1] + 1:
            continue
        if at - start > 2:
            yield numbers[start], numbers[at - 1]
        else:
            yield from ((number, number) for number in numbers[start:at])
        start = at


def _ambiguous_spans(zone: str) -> Iterator[tuple[datetime, datetime]]:
    """Yield the local times, from and until, that clock changes leave out or bring twice."""
    where, day = ZoneInfo(zone), timedelta(days=1)
    start = datetime(_FIRST_YEAR, 1, 1, tzinfo=timezone.utc)
    for _ in range(_YEARS * 366):
        if _offset(start, where) != _offset(start + day, where):
            change = _change(start, start + day, where)
            walls = [change.replace(tzinfo=None) + _offset(at, where) for at in (change - timedelta(seconds=1), change)]
            yield min(walls), max(walls)
        start += day


def _offset(moment: datetime, where: ZoneInfo) -> timedelta:
    return moment.astimezone(where).utcoffset() or timedelta()


def _change(before: datetime, after: datetime, where: ZoneInfo) -> datetime:
    """Return the first instant with the later offset, to the second."""
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _offset(middle, where) == _offset(before, where):
            before = middle
        else:
            after = middle
    return after


def _fires_within(cron: Cron, start: datetime, end: datetime) -> bool:
    moment = start.replace(second=0, microsecond=0)
    while moment < end:
        if cron.fires_at(moment):
            return True
        moment += timedelta(minutes=1)
    return False
