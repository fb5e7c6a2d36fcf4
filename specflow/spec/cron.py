"""The times of a `schedule`: what its cron expression means, to the minute.

Five fields, `minute hour day-of-month month day-of-week`, with spaces between them. A field is a list, with commas, of
`*`, a value, a range `a-b`, or a step `*/n` or `a-b/n`. Months are also `jan` to `dec` and weekdays `sun` to `sat`, in
any case; 0 and 7 are both Sunday. A day field is restricted when it is anything but `*`. Two restricted day fields are
refused, because platforms differ on whether they mean "and" or "or"; so is an expression that never fires.

Times are local times in the schedule's zone. A local minute that a clock change leaves out does not fire. One that a
clock change brings twice fires once, the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, timedelta, timezone, tzinfo
from itertools import islice, product


class CronError(ValueError):
    """A cron expression is refused: `message` says why and what to write, `offset` and `length` where the fault is.

    The length is 0 where something is missing.
    """

    def __init__(self, message: str, offset: int, length: int) -> None:
        """Keep what is wrong, and where."""
        super().__init__(message, offset, length)
        self.message = message
        self.offset = offset
        self.length = length

    def __str__(self) -> str:
        """Return the message; showing the position is the caller's part."""
        return self.message


@dataclass(frozen=True, slots=True)
class Cron:
    """The numbers that each field stands for, sorted; a weekday is 0 (Sunday) to 6. `fields` are the texts as written.

    The numbers are the meaning. Dialects read some texts differently, such as `fri-sun`, so compilers write numbers.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    is_day_restricted: bool
    is_weekday_restricted: bool
    fields: tuple[str, str, str, str, str]

    def fires_at(self, moment: datetime) -> bool:
        """Return whether a local minute is one of those described; the moment's seconds and zone play no part."""
        return self.fires_on(moment.date()) and moment.hour in self.hours and moment.minute in self.minutes

    def fires_on(self, day: date) -> bool:
        """Return whether a local day has minutes among those described."""
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()  # of the numbers from `first` on

    @property
    def choices(self) -> str:
        numbers = f"{self.first} to {self.last}"
        return f"{numbers}, or {self.names[0]} to {self.names[-1]}" if self.names else numbers


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day-of-month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 0, 7, _WEEKDAYS),
)
_SHAPE = "write five: minute hour day-of-month month day-of-week"
_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_QUARTZ = {
    "?": 'for "no value"; write "*"',
    "#": 'for "the n-th weekday of a month"; write the weekday alone',
    "L": 'for "last"; write a day that every month has, such as 28',
    "W": 'for "the nearest weekday"; write weekdays, such as "mon-fri"',
}
_DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # 29 February does come


def parse_cron(text: str) -> Cron:
    """Return what the expression describes; raises CronError for its first fault."""
    words = tuple(_words(text))
    _refuse_other_forms(text, words)
    minutes, hours, days, months, weekdays = (
        _numbers(field, word, offset) for field, (word, offset) in zip(_FIELDS, words, strict=True)
    )
    minute, hour, day, month, weekday = (word for word, _ in words)
    if day != "*" and weekday != "*":
        message = f'both day fields are restricted, "{day}" and "{weekday}", which platforms read differently'
        raise CronError(f'{message}; write "*" in one of them', words[4][1], len(weekday))
    if not any(number <= _DAYS_OF_MONTHS[place - 1] for place in months for number in days):
        message = f'month "{month}" has no day "{day}", so this never fires; write a day that the month has'
        raise CronError(message, words[2][1], len(day))
    return Cron(
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        is_day_restricted=day != "*",
        is_weekday_restricted=weekday != "*",
        fields=(minute, hour, day, month, weekday),
    )


def next_times(cron: Cron, after: datetime, zone: str, count: int) -> list[datetime]:
    """Return the first `count` instants later than `after`, in the IANA zone; fewer only where the calendar ends.

    The module says what clock changes do. Convert to UTC before comparing: Python holds a local time that comes twice
    equal to no time of another zone. Raises ValueError where `after` has no zone of its own, and zoneinfo's
    ZoneInfoNotFoundError for a zone that `unknown_timezone` tells.
    """
    from zoneinfo import ZoneInfo

    if after.tzinfo is None:
        raise ValueError("after needs a time zone")
    return list(islice(_times(cron, after, ZoneInfo(zone)), count))


def unknown_timezone(name: str) -> str | None:
    """Return help that names the nearest zones, for a name that is no IANA time zone on this machine; else None."""
    import difflib
    import zoneinfo

    # "localtime" is a file of some machines, and another zone on each of them.
    known = zoneinfo.available_timezones() - {"localtime", "Factory"}
    if name in known:
        return None
    if not known:
        return 'this machine has no time zone data; install the package "tzdata"'
    spellings: dict[str, str] = {}
    for zone in sorted(known):
        spellings.setdefault(zone.rpartition("/")[2].lower(), zone)
        spellings[zone.lower()] = zone
    spelling = name.lower().replace(" ", "_")
    near = [spelling] if spelling in spellings else difflib.get_close_matches(spelling, spellings, n=3, cutoff=0.75)
    if not near:
        return 'write an IANA name, such as "Europe/Berlin" or "UTC"'
    return "did you mean " + " or ".join(dict.fromkeys(f'"{spellings[one]}"' for one in near)) + "?"


def _times(cron: Cron, after: datetime, zone: tzinfo) -> Iterator[datetime]:
    day = after.astimezone(zone).date()
    while day.year < MAXYEAR:
        for hour, minute in product(cron.hours, cron.minutes) if cron.fires_on(day) else ():
            local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)  # fold=0: the first of two
            # By way of UTC: within one zone, Python compares what the clocks show, not the instants.
            instant = local.astimezone(timezone.utc)
            exists = instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None)
            if exists and instant > after:
                yield local
        day += timedelta(days=1)


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Yield each word of the text with its offset."""
    start = 0
    for end, character in enumerate([*text, " "]):
        if character in " \t\r\n":
            if start < end:
                yield text[start:end], start
            start = end + 1


def _refuse_other_forms(text: str, words: tuple[tuple[str, int], ...]) -> None:
    if not words:
        raise CronError(f"the cron expression has no fields; {_SHAPE}", 0, len(text))
    (first, start), (last, offset) = words[0], words[-1]
    length = offset + len(last) - start
    if first.startswith("@"):
        expression = _NICKNAMES.get(first.lower())
        way_out = f'write "{expression}"' if expression else _SHAPE
        raise CronError(f'"{first}" is a nickname that not every platform knows; {way_out}', start, length)
    if len(words) in (6, 7):
        extra = "seconds" if len(words) == 6 else "seconds and years"
        raise CronError(f"{len(words)} fields are a Quartz expression, with {extra}; {_SHAPE}", start, length)
    if len(words) != 5:
        count = "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise CronError(f"{count} instead of five; {_SHAPE}", start, length)


def _numbers(field: _Field, text: str, offset: int) -> tuple[int, ...]:
    """Return the numbers that the text of a field stands for, sorted."""
    numbers: set[int] = set()
    for part in text.split(","):
        numbers.update(_part(field, part, offset))
        offset += len(part) + 1
    # Only weekdays are counted to 7, and their 7 is 0.
    return tuple(sorted({number % 7 for number in numbers} if field.last == 7 else numbers))


def _part(field: _Field, text: str, offset: int) -> range:
    """Return the numbers of one entry of a list: `*`, a value or a range, perhaps with a step."""
    span, slash, step = text.partition("/")
    low, dash, high = span.partition("-")
    if span == "*":
        first, last = field.first, field.last
    else:
        first = last = _number(field, low, offset)
    if dash:
        last = _number(field, high, offset + len(low) + 1)
        if high.lower() == "sun" and first > 0:
            last = 7  # "fri-sun" means what it reads like
    if last < first:
        message = f'range "{span}" runs backwards; write "{_forwards(field, first, low, high)}"'
        raise CronError(message, offset, len(span))
    if not slash:
        return range(first, last + 1)
    if span != "*" and not dash:
        message = f'"{text}" has a step but no range; write "{span}-{field.last}/{step}"'
        raise CronError(message, offset, len(text))
    return range(first, last + 1, _step(field, step, offset + len(span) + 1))


def _forwards(field: _Field, first: int, low: str, high: str) -> str:
    """Return what means the range that runs from `low` to `high` by way of the field's end."""
    if field.last == 7 and _digits(high) == 0:
        return f"{low}-7"
    if first == 7:
        return f"0-{high}"
    is_named = low.lower() in field.names
    end, begin = (field.names[-1], field.names[0]) if is_named else (field.last, field.first)
    return f"{low}-{end},{begin}-{high}"


def _step(field: _Field, text: str, offset: int) -> int:
    step = _digits(text)
    if step is None or not 1 <= step <= field.last:
        raise CronError(f'"{text}" is no step; write a number from 1 to {field.last}', offset, len(text))
    return step


def _number(field: _Field, text: str, offset: int) -> int:
    """Return the number that a value stands for."""
    if not text:
        raise CronError(f"a {field.name} is missing; write {field.choices}", offset, 0)
    number = _digits(text)
    if number is not None and field.first <= number <= field.last:
        return number
    if number is not None:
        raise CronError(f'{field.name} "{text}" is out of range; write {field.choices}', offset, len(text))
    if text.lower() in field.names:
        return field.first + field.names.index(text.lower())
    sign = _quartz_sign(field, text)
    if sign is not None:
        letter = text[sign].upper()
        raise CronError(f'"{letter}" is what Quartz writes {_QUARTZ[letter]}', offset + sign, 1)
    name = text[:3].lower()
    way_out = f'"{name}"' if name in field.names else field.choices
    raise CronError(f'"{text}" is no {field.name}; write {way_out}', offset, len(text))


def _digits(text: str) -> int | None:
    """Return the number that ASCII digits write; None for any other text."""
    if not (text.isascii() and text.isdigit()):
        return None
    # int() refuses thousands of digits; no field has a number of more than two.
    return int(text[-4:]) if not text[:-4].strip("0") else 10_000


def _quartz_sign(field: _Field, text: str) -> int | None:
    """Return where the value has a sign that only Quartz knows: `?`, `#`, or a last `L`, `W` or `LW`."""
    for sign in "?#":
        if sign in text:
            return text.index(sign)
    rest = text.upper().rstrip("LW").lower()
    if len(rest) < len(text) and (not rest or _digits(rest) is not None or rest in field.names):
        return len(rest)
    return None
