import zoneinfo
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specflow.spec.cron import Cron, CronError, next_times, parse_cron, unknown_timezone

EVERY_MINUTE, EVERY_HOUR = tuple(range(60)), tuple(range(24))
EVERY_DAY, EVERY_MONTH, EVERY_WEEKDAY = tuple(range(1, 32)), tuple(range(1, 13)), tuple(range(7))


def test_an_expression_becomes_sorted_numbers_and_keeps_its_texts() -> None:
    expected = Cron(
        minutes=(0, 15, 30, 45),
        hours=(6, 8, 22),
        days=EVERY_DAY,
        months=(1, 6, 7),
        weekdays=(0, 1),
        is_day_restricted=False,
        is_weekday_restricted=True,
        fields=("*/15", "22,6-9/2", "*", "jun-JUL,1", "Mon,7"),
    )

    assert expected == parse_cron(" */15  22,6-9/2\t* jun-JUL,1 Mon,7 ")


FIELDS = [
    ("minutes", "* * * * *", EVERY_MINUTE),
    ("minutes", "05,5,0 * * * *", (0, 5)),
    ("minutes", "10-12 * * * *", (10, 11, 12)),
    ("minutes", "10-30/10 * * * *", (10, 20, 30)),
    ("minutes", "*/40 * * * *", (0, 40)),
    ("minutes", "7-7 * * * *", (7,)),
    ("hours", "0 */5 * * *", (0, 5, 10, 15, 20)),
    ("hours", "0 * * * *", EVERY_HOUR),
    ("days", "0 0 */10 * *", (1, 11, 21, 31)),
    ("days", "0 0 29 2 *", (29,)),
    ("days", "0 0 30,31 2-3 *", (30, 31)),
    ("months", "0 0 * * *", EVERY_MONTH),
    ("months", "0 0 * */3 *", (1, 4, 7, 10)),
    ("months", "0 0 * Sep,OCT-dec/2 *", (9, 10, 12)),
    ("weekdays", "0 0 * * *", EVERY_WEEKDAY),
    ("weekdays", "0 0 * * 0-7", EVERY_WEEKDAY),
    ("weekdays", "0 0 * * 0", (0,)),
    ("weekdays", "0 0 * * 7", (0,)),
    ("weekdays", "0 0 * * 5-7", (0, 5, 6)),
    ("weekdays", "0 0 * * fri-SUN", (0, 5, 6)),
    ("weekdays", "0 0 * * sun-sun", (0,)),
    ("weekdays", "0 0 * * sun-tue", (0, 1, 2)),
    ("weekdays", "0 0 * * */2", (0, 2, 4, 6)),
    ("weekdays", "0 0 * * mon-5/2", (1, 3, 5)),
]


@pytest.mark.parametrize(("field", "text", "expected"), FIELDS)
def test_a_field_stands_for_numbers(field: str, text: str, expected: tuple[int, ...]) -> None:
    assert expected == getattr(parse_cron(text), field)


@pytest.mark.parametrize(
    ("text", "day", "weekday"),
    [
        ("0 0 * * *", False, False),
        ("0 0 1 * *", True, False),
        ("0 0 */1 * *", True, False),
        ("0 0 * * 0-6", False, True),
    ],
)
def test_a_day_field_is_restricted_when_it_is_anything_but_a_star(text: str, day: bool, weekday: bool) -> None:
    cron = parse_cron(text)

    assert (day, weekday) == (cron.is_day_restricted, cron.is_weekday_restricted)


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("30 6 * * mon", datetime(2024, 1, 1, 6, 30), True),
        ("30 6 * * mon", datetime(2024, 1, 1, 6, 30, 59), True),
        ("30 6 * * mon", datetime(2024, 1, 1, 6, 31), False),
        ("30 6 * * mon", datetime(2024, 1, 1, 7, 30), False),
        ("30 6 * * mon", datetime(2024, 1, 2, 6, 30), False),
        ("30 6 * * 0", datetime(2024, 1, 7, 6, 30), True),
        ("0 0 29 2 *", datetime(2024, 2, 29), True),
        ("0 0 29 * *", datetime(2024, 3, 1), False),
    ],
)
def test_a_cron_fires_at_the_local_minutes_it_describes(text: str, moment: datetime, expected: bool) -> None:
    assert expected == parse_cron(text).fires_at(moment)


SHAPE = "write five: minute hour day-of-month month day-of-week"
BOTH = 'which platforms read differently; write "*" in one of them'
REFUSALS = [
    # Other forms.
    ("", 0, 0, f"the cron expression has no fields; {SHAPE}"),
    (" \t", 0, 2, f"the cron expression has no fields; {SHAPE}"),
    ("@daily", 0, 6, '"@daily" is a nickname that not every platform knows; write "0 0 * * *"'),
    (" @Weekly", 1, 7, '"@Weekly" is a nickname that not every platform knows; write "0 0 * * 0"'),
    ("@reboot", 0, 7, f'"@reboot" is a nickname that not every platform knows; {SHAPE}'),
    ("@every 5m", 0, 9, f'"@every" is a nickname that not every platform knows; {SHAPE}'),
    ("5", 0, 1, f"1 field instead of five; {SHAPE}"),
    (" 0 6 * *", 1, 7, f"4 fields instead of five; {SHAPE}"),
    ("0 0 6 * * ?", 0, 11, f"6 fields are a Quartz expression, with seconds; {SHAPE}"),
    ("0 0 6 * * ? 2030", 0, 16, f"7 fields are a Quartz expression, with seconds and years; {SHAPE}"),
    ("0 0 6 * * ? 2030 x", 0, 18, f"8 fields instead of five; {SHAPE}"),
    # Quartz's signs, at the sign.
    ("0 6 ? * mon", 4, 1, '"?" is what Quartz writes for "no value"; write "*"'),
    ("0 6 L * *", 4, 1, '"L" is what Quartz writes for "last"; write a day that every month has, such as 28'),
    ("0 6 l-3 * *", 4, 1, '"L" is what Quartz writes for "last"; write a day that every month has, such as 28'),
    ("0 6 * * 1,friL", 13, 1, '"L" is what Quartz writes for "last"; write a day that every month has, such as 28'),
    ("0 6 15W * *", 6, 1, '"W" is what Quartz writes for "the nearest weekday"; write weekdays, such as "mon-fri"'),
    ("0 6 LW * *", 4, 1, '"L" is what Quartz writes for "last"; write a day that every month has, such as 28'),
    ("0 6 * * 6#3", 9, 1, '"#" is what Quartz writes for "the n-th weekday of a month"; write the weekday alone'),
    # Values.
    ("60 * * * *", 0, 2, 'minute "60" is out of range; write 0 to 59'),
    ("0 24 * * *", 2, 2, 'hour "24" is out of range; write 0 to 23'),
    ("0 6 0 * *", 4, 1, 'day-of-month "0" is out of range; write 1 to 31'),
    ("0 6 1-32 * *", 6, 2, 'day-of-month "32" is out of range; write 1 to 31'),
    ("0 6 * 13 *", 6, 2, 'month "13" is out of range; write 1 to 12, or jan to dec'),
    ("0 6 * * 1,8", 10, 1, 'day-of-week "8" is out of range; write 0 to 7, or sun to sat'),
    ("0 6 * * monday", 8, 6, '"monday" is no day-of-week; write "mon"'),
    ("0 6 * mon *", 6, 3, '"mon" is no month; write 1 to 12, or jan to dec'),
    ("0 jan * * *", 2, 3, '"jan" is no hour; write 0 to 23'),
    ("٣ * * * *", 0, 1, '"٣" is no minute; write 0 to 59'),
    ("1-2-3 * * * *", 2, 3, '"2-3" is no minute; write 0 to 59'),
    ("*-5 * * * *", 0, 1, '"*" is no minute; write 0 to 59'),
    ("** * * * *", 0, 2, '"**" is no minute; write 0 to 59'),
    ("0,,1 * * * *", 2, 0, "a minute is missing; write 0 to 59"),
    ("0 6 * 1, *", 8, 0, "a month is missing; write 1 to 12, or jan to dec"),
    ("-5 * * * *", 0, 0, "a minute is missing; write 0 to 59"),
    ("5- * * * *", 2, 0, "a minute is missing; write 0 to 59"),
    # Ranges and steps.
    ("0 22-6 * * *", 2, 4, 'range "22-6" runs backwards; write "22-23,0-6"'),
    ("0 6 * nov-Feb *", 6, 7, 'range "nov-Feb" runs backwards; write "nov-dec,jan-Feb"'),
    ("0 6 * * fri-mon", 8, 7, 'range "fri-mon" runs backwards; write "fri-sat,sun-mon"'),
    ("0 6 * * 5-2/2", 8, 3, 'range "5-2" runs backwards; write "5-7,0-2"'),
    ("0 6 * * 5-0", 8, 3, 'range "5-0" runs backwards; write "5-7"'),
    ("0 6 * * 7-2", 8, 3, 'range "7-2" runs backwards; write "0-2"'),
    ("*/0 * * * *", 2, 1, '"0" is no step; write a number from 1 to 59'),
    ("0 */24 * * *", 4, 2, '"24" is no step; write a number from 1 to 23'),
    ("*/ * * * *", 2, 0, '"" is no step; write a number from 1 to 59'),
    ("1,*/5/2 * * * *", 4, 3, '"5/2" is no step; write a number from 1 to 59'),
    ("0 3/6 * * *", 2, 3, '"3/6" has a step but no range; write "3-23/6"'),
    # Days.
    ("0 6 1 * mon", 8, 3, f'both day fields are restricted, "1" and "mon", {BOTH}'),
    ("0 6 1-31 * 0-6", 11, 3, f'both day fields are restricted, "1-31" and "0-6", {BOTH}'),
    ("0 6 30 2 *", 4, 2, 'month "2" has no day "30", so this never fires; write a day that the month has'),
    ("0 6 31 4,jun *", 4, 2, 'month "4,jun" has no day "31", so this never fires; write a day that the month has'),
]


@pytest.mark.parametrize(("text", "offset", "length", "message"), REFUSALS)
def test_a_refusal_says_where_and_what_to_write(text: str, offset: int, length: int, message: str) -> None:
    with pytest.raises(CronError) as caught:
        parse_cron(text)

    assert (message, offset, length) == (str(caught.value), caught.value.offset, caught.value.length)


@pytest.mark.parametrize("text", ["{} * * * *", "*/{} * * * *", "0 0 * {} *"])
def test_a_number_of_many_digits_is_refused(text: str) -> None:
    with pytest.raises(CronError):
        parse_cron(text.format("9" * 10_000))


SUGGESTIONS = [row for row in REFUSALS if '; write "' in row[3] and row[2] and 'write "*"' not in row[3]]


@pytest.mark.parametrize(("text", "offset", "length", "message"), SUGGESTIONS)
def test_what_a_refusal_says_to_write_is_accepted(text: str, offset: int, length: int, message: str) -> None:
    suggestion = message.rpartition('write "')[2].removesuffix('"')

    assert parse_cron(text[:offset] + suggestion + text[offset + length :])


@given(st.text("0123456789*/-,LW#?@ monsufrj", max_size=24))
def test_any_text_is_a_cron_or_a_located_refusal(text: str) -> None:
    try:
        end = parse_cron(text) and 0
    except CronError as error:
        end = error.offset + error.length

    assert 0 <= end <= len(text)


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=timezone.utc)  # type: ignore[arg-type, misc]


# Clocks in Berlin went from 02:00 to 03:00 on 31 March 2024, and from 03:00 back to 02:00 on 27 October 2024.
CLOCK_CHANGES = [
    # 02:30 does not exist on the 31st: nothing fires that day.
    ("30 2 * * *", utc(2024, 3, 30), [utc(2024, 3, 30, 1, 30), utc(2024, 4, 1, 0, 30)]),
    # Every half hour, the missing hour is left out without a gap in time.
    ("*/30 * * * *", utc(2024, 3, 31, 0, 15), [utc(2024, 3, 31, 0, 30), utc(2024, 3, 31, 1, 0)]),
    # 02:30 comes twice on the 27th: it fires the first time, at 00:30 in UTC.
    ("30 2 * * *", utc(2024, 10, 26, 12), [utc(2024, 10, 27, 0, 30), utc(2024, 10, 28, 1, 30)]),
    # From within the repeated hour, the next is after it.
    ("*/30 * * * *", utc(2024, 10, 27, 0, 30), [utc(2024, 10, 27, 2, 0), utc(2024, 10, 27, 2, 30)]),
    ("0 6 29 2 *", utc(2024, 3, 1), [utc(2028, 2, 29, 5), utc(2032, 2, 29, 5)]),
]


@pytest.mark.parametrize(("text", "after", "expected"), CLOCK_CHANGES)
def test_clock_changes_skip_what_does_not_exist_and_repeat_nothing(
    text: str, after: datetime, expected: list[datetime]
) -> None:
    times = next_times(parse_cron(text), after, "Europe/Berlin", 2)

    assert expected == in_utc(times)
    assert {ZoneInfo("Europe/Berlin")} == {time.tzinfo for time in times}


def test_a_day_that_a_zone_left_out_does_not_fire() -> None:
    # Samoa crossed the date line: 29 December 2011 was followed by the 31st.
    times = next_times(parse_cron("0 12 * * *"), utc(2011, 12, 29), "Pacific/Apia", 3)

    assert [29, 31, 1] == [time.day for time in times]


def test_the_instants_are_later_than_the_one_given() -> None:
    at_noon = datetime(2024, 5, 1, 12, tzinfo=ZoneInfo("Asia/Tokyo"))

    assert [at_noon + timedelta(days=1)] == next_times(parse_cron("0 12 * * *"), at_noon, "Asia/Tokyo", 1)
    assert [at_noon] == next_times(parse_cron("0 12 * * *"), at_noon - timedelta(microseconds=1), "Asia/Tokyo", 1)


def test_there_are_fewer_instants_only_where_the_calendar_ends() -> None:
    expected = [utc(9998, 12, 31)]

    assert expected == next_times(parse_cron("0 0 31 12 *"), utc(9998, 6, 1), "UTC", 5)


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="after needs a time zone"):
        next_times(parse_cron("* * * * *"), datetime(2024, 1, 1), "UTC", 1)


def by_scanning(cron: Cron, after: datetime, zone: str, minutes: int) -> list[datetime]:
    """Return the same instants, in UTC, the slow way: look at the clock of the zone once a minute."""
    fired = []
    for minute in range(1, minutes + 1):
        instant = after + timedelta(minutes=minute)
        shown = instant.astimezone(ZoneInfo(zone))
        is_first_time = shown.fold == 0
        if is_first_time and cron.fires_at(shown.replace(tzinfo=None)):
            fired.append(instant)
    return fired


def in_utc(times: list[datetime]) -> list[datetime]:
    return [time.astimezone(timezone.utc) for time in times]


# Summer time is half an hour in Lord Howe, begins at midnight in Havana, stops for Ramadan in Casablanca.
ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Kolkata",
]


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_instants_is_what_a_scan_of_its_minutes_finds(zone: str) -> None:
    cron = parse_cron("*/15 0-3,23 * * *")
    expected = by_scanning(cron, utc(2024, 1, 1), zone, 366 * 24 * 60)

    assert expected == in_utc(next_times(cron, utc(2024, 1, 1), zone, len(expected)))


def lists(first: int, last: int) -> st.SearchStrategy[str]:
    numbers = st.integers(first, last)
    spans = st.tuples(numbers, numbers).map(lambda two: f"{min(two)}-{max(two)}")
    steps = st.tuples(st.one_of(spans, st.just("*")), st.integers(1, last)).map(lambda two: f"{two[0]}/{two[1]}")
    return st.lists(st.one_of(numbers.map(str), spans, steps), min_size=1, max_size=3).map(",".join)


DAY_FIELDS = st.one_of(st.tuples(lists(1, 28), st.just("*")), st.tuples(st.just("*"), lists(0, 7)), st.just(("*", "*")))
TEXTS = st.builds(
    lambda minute, hour, days, month: f"{minute} {hour} {days[0]} {month} {days[1]}",
    lists(0, 59),
    st.one_of(st.just("*"), lists(0, 23)),
    DAY_FIELDS,
    st.one_of(st.just("*"), lists(1, 12)),
)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from(ZONES), st.integers(0, 366))
def test_any_instants_are_what_a_scan_of_minutes_finds(text: str, zone: str, day: int) -> None:
    cron, after = parse_cron(text), utc(2024, 1, 1) + timedelta(days=day)
    expected = by_scanning(cron, after, zone, 30 * 24 * 60)
    actual = in_utc(next_times(cron, after, zone, len(expected) + 1))

    assert expected == actual[:-1]
    assert actual[-1] > after + timedelta(days=30)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Europe/Berlin", None),
        ("UTC", None),
        ("europe/berlin", 'did you mean "Europe/Berlin"?'),
        ("Berlin", 'did you mean "Europe/Berlin"?'),
        ("New York", 'did you mean "America/New_York"?'),
        ("utc", 'did you mean "UTC"?'),
        ("Europe/Kopenhagen", 'did you mean "Europe/Copenhagen"?'),
        ("W. Europe Standard Time", 'write an IANA name, such as "Europe/Berlin" or "UTC"'),
        ("", 'write an IANA name, such as "Europe/Berlin" or "UTC"'),
        ("localtime", 'write an IANA name, such as "Europe/Berlin" or "UTC"'),
        ("../etc/passwd", 'write an IANA name, such as "Europe/Berlin" or "UTC"'),
    ],
)
def test_an_unknown_time_zone_brings_the_nearest_names(name: str, expected: str | None) -> None:
    assert expected == unknown_timezone(name)


def test_a_machine_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    expected = 'this machine has no time zone data; install the package "tzdata"'

    assert expected == unknown_timezone("Europe/Berlin")
