"""When each step ran, on which target: a lane per target, a bar per step, a tick where a result was there already."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from specflow.report.facts import RunFacts, StepFacts
from specflow.report.markup import Markup, count, joined, tag

__all__ = ["seconds_text", "time_line"]

ROW_EACH = 40
"""Up to so many steps have a row of their own, with their name; more share rows."""
MAX_ROWS = 60
MAX_BARS = 2000
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200)


def seconds_text(seconds: float) -> str:
    """Return a duration as people read it: `0.1 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 2 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s" if seconds >= 0.095 or seconds == 0 else f"{seconds:.2f} s"
    whole = round(seconds)
    for length, unit, below, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= length:
            rest = whole % length // below
            return f"{whole // length} {unit} {rest} {small}" if rest else f"{whole // length} {unit}"
    return f"{whole} s"


def time_line(facts: RunFacts) -> Markup:
    """Return the time line of a run, with its axis."""
    begun = [step for step in facts.steps if step.started is not None]
    ticks = _ticks(facts)
    if not begun and not ticks:
        return tag("p", "No step has started.", class_="note")
    drawn = [*begun, *(step for step in facts.steps if step.id in ticks)]
    left_out = len(drawn) - MAX_BARS
    ends = [step.started + step.seconds - facts.started for step in begun if step.started is not None]
    length = max([facts.seconds, *ends, 0.01])
    named = len(drawn) <= ROW_EACH
    lanes: dict[str, list[StepFacts]] = {}
    chosen = {step.id for step in drawn[:MAX_BARS]}
    for step in facts.steps:
        if step.id in chosen:
            lanes.setdefault(step.target, []).append(step)
    body = [_lane(target, steps, ticks, facts.started, length, named=named) for target, steps in lanes.items()]
    note = tag("p", f"{count(left_out, 'step')} left out for want of room.", class_="note") if left_out > 0 else ""
    return joined(tag("div", *body, _axis(length), class_="time" if named else "time packed"), note)


def _ticks(facts: RunFacts) -> dict[str, float]:
    """Return when each cached step was done, by id: as soon as all that it needs was."""
    ends: dict[str, float] = {}
    ticks: dict[str, float] = {}
    for step in facts.steps:
        ready = max((ends.get(need, facts.started) for need in step.needs), default=facts.started)
        if step.started is None and step.state == "cached":
            ticks[step.id] = ready - facts.started
        ends[step.id] = ready if step.started is None else step.started + step.seconds
    return ticks


def _lane(
    target: str, steps: Sequence[StepFacts], ticks: Mapping[str, float], began: float, length: float, *, named: bool
) -> Markup:
    shares: dict[str, tuple[float, float]] = {}
    for step in steps:
        at = ticks[step.id] if step.started is None else max(0.0, step.started - began)
        shares[step.id] = (100 * min(at, length) / length, 100 * min(step.seconds, length - min(at, length)) / length)
    bars = {step.id: _bar(step, *shares[step.id]) for step in steps}
    if named:
        rows = [
            joined(tag("span", step.label, class_="name"), tag("div", bars[step.id], class_="track")) for step in steps
        ]
    else:
        packed = list(_packed(steps, shares))
        rows = [tag("div", *(bars[id_] for id_ in row), class_="track") for row in packed[:MAX_ROWS]]
        hidden = sum(map(len, packed[MAX_ROWS:]))
        rows += [tag("p", f"{count(hidden, 'step')} more at the same time, not drawn", class_="note")] * bool(hidden)
    title = joined(tag("strong", target), f" {count(len(steps), 'step')}")
    return tag("div", tag("p", title, class_="lane-name"), tag("div", *rows, class_="rows"), class_="lane")


def _packed(steps: Sequence[StepFacts], shares: Mapping[str, tuple[float, float]]) -> Iterator[list[str]]:
    """Yield rows of step ids such that no two of one row ran at the same time."""
    rows: list[list[str]] = []
    free: list[float] = []
    for step in sorted(steps, key=lambda one: shares[one.id][0]):
        left, width = shares[step.id]
        # A bar is never thinner than can be seen.
        end = left + max(width, 0.25)
        row = next((i for i, until in enumerate(free) if until <= left + 1e-9), None)
        if row is None:
            rows.append([])
            free.append(end)
            row = len(rows) - 1
        rows[row].append(step.id)
        free[row] = end
    yield from rows


def _bar(step: StepFacts, left: float, width: float) -> Markup:
    times = f", {count(step.attempts, 'attempt')}" if step.attempts > 1 else ""
    if step.started is None:
        told, said, class_ = f"{step.label}: cached", "cached", "tick is-cached"
    else:
        said = f"{seconds_text(step.seconds)}{times}"
        told, class_ = f"{step.label}: {step.state}, {said}", f"bar is-{step.state}"
        class_ += " again" if step.attempts > 1 else ""
    # Beside the bar where there is room on its right, else before it; a bar that leaves no room is long enough itself.
    side = "after" if left + width < 70 else "before" if left > 40 else "inside"
    style = f"left:{left:.2f}%;width:{width:.2f}%"
    return tag("div", tag("span", said, class_=side), class_=class_, style=style, title=told)


def _axis(length: float) -> Markup:
    step = next((s for s in _STEPS if length / s <= 6), 86400.0 * math.ceil(length / 86400 / 6))
    marks = [i * step for i in range(int(length / step + 1e-9) + 1)]
    shown = [
        tag("span", _mark(at, step), style=f"left:{100 * at / length:.2f}%", class_="end" if at > 0.93 * length else "")
        for at in marks
    ]
    return tag("div", tag("div", *shown, class_="track"), class_="axis", aria_hidden="true")


def _mark(at: float, step: float) -> str:
    if at == 0:
        return "0 s"
    if step < 1:
        return f"{at:.{2 if step < 0.1 else 1}f} s"
    return seconds_text(at) if at >= 60 else f"{at:.0f} s"
