"""Metrics as tables, and as bars where several steps can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specflow.report.facts import StepFacts
from specflow.report.markup import Markup, count, joined, tag

__all__ = ["metrics_section", "number_text"]

MAX_ROWS = 100
MAX_BARS = 40
MAX_NAMES = 30

Row = tuple[str, Sequence[float]]


def number_text(value: float) -> str:
    """Return a metric as `runs show` prints it: six digits that mean something, whole numbers whole."""
    return str(value) if isinstance(value, int) else f"{value:.6g}"


def metrics_section(steps: Iterable[StepFacts]) -> Markup:
    """Return a table for each set of names that steps measured, and below it a chart for each name."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for step in steps:
        for port, values in (step.metrics or {}).items():
            label = step.label if len(step.metrics or {}) == 1 else f"{step.label} {port}"
            groups.setdefault(tuple(values), []).append((label, tuple(values.values())))
    return joined(*(_group(names, rows) for names, rows in groups.items() if names))


def _group(names: Sequence[str], rows: Sequence[Row]) -> Markup:
    head = tag("tr", tag("th", "step", scope="col"), *(_head(name) for name in names[:MAX_NAMES]))
    body = [
        tag(
            "tr",
            tag("th", label, scope="row"),
            *(tag("td", number_text(value), class_="n") for value in values[:MAX_NAMES]),
        )
        for label, values in rows[:MAX_ROWS]
    ]
    table = tag("table", tag("thead", head), tag("tbody", *body))
    left_out = [
        *([f"{MAX_ROWS} of {count(len(rows), 'step')}"] if len(rows) > MAX_ROWS else []),
        *([f"{MAX_NAMES} of {count(len(names), 'metric')}"] if len(names) > MAX_NAMES else []),
    ]
    note = tag("p", f"Shown are {' and '.join(left_out)}.", class_="note") if left_out else ""
    charts = [_chart(name, i, rows) for i, name in enumerate(names[:MAX_NAMES])] if len(rows) > 1 else []
    drawn = tag("div", *charts, class_="charts") if charts else ""
    return joined(tag("div", table, class_="scroll", tabindex="0"), note, drawn)


def _head(name: str) -> Markup:
    return tag("th", name, scope="col", class_="n")


def _chart(name: str, index: int, rows: Sequence[Row]) -> Markup:
    """Return one metric as bars from zero, one per step."""
    shown = [(label, values[index]) for label, values in rows[:MAX_BARS]]
    low = min(0.0, *(value for _, value in shown))
    high = max(0.0, *(value for _, value in shown))
    # Halved first: the two ends of what a float can hold are further apart than a float can say.
    span = (high / 2 - low / 2) or 1.0
    zero = 50 * abs(low) / span
    bars = []
    for label, value in shown:
        width = 50 * abs(value) / span
        left = zero - width if value < 0 else zero
        style = f"left:{min(left, 99.6):.2f}%;width:{max(width, 0.4):.2f}%"
        bar = tag("div", class_="value below" if value < 0 else "value", style=style)
        line = tag("div", class_="zero", style=f"left:{zero:.2f}%") if low < 0 else ""
        bars.append(
            tag(
                "div",
                tag("span", label, class_="name", title=label),
                tag("div", bar, line, class_="track"),
                tag("span", number_text(value), class_="n"),
                class_="row",
            )
        )
    more = len(rows) - MAX_BARS
    note = tag("p", f"{count(more, 'step')} more in the table", class_="note") if more > 0 else ""
    return tag("figure", tag("figcaption", name), *bars, note)
