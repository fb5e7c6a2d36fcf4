"""Single elements of a picture as SVG text. Every text of the user's goes through `escaped`."""

from __future__ import annotations

import html
from collections.abc import Sequence

from specflow.graph.draw.picture import Box, Edge, Group
from specflow.graph.draw.svg.layout import Label, Rect, Route
from specflow.graph.draw.svg.metrics import shortened
from specflow.graph.draw.svg.sizes import BOLD, PADDING, SIZES, Face

__all__ = ["box", "edge", "escaped", "frame", "group", "heading", "label", "number", "sign", "written"]

_SIGNS = {
    "succeeded": "M-3.4 .2 -1 2.7 3.5-2.5",
    "cached": "M-3.2-1.7H3.2M-3.2 1.7H3.2",
    "failed": "M-2.7-2.7 2.7 2.7M2.7-2.7-2.7 2.7",
    "skipped": "M-3-2.6-.4 0-3 2.6M.6-2.6 3.2 0 .6 2.6",
    "cancelled": "M-2.2-2.2H2.2V2.2H-2.2Z",
    "running": "M-1.6-2.9 2.9 0-1.6 2.9Z",
}
"""Strokes within a circle of radius 7 around 0, 0."""


def escaped(text: str) -> str:
    """Return a text as it stands in XML, between tags or quotes."""
    return html.escape(text, quote=True)


def number(value: float) -> str:
    """Return a coordinate, to a tenth of a pixel."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def written(kind: str, x: float, y: float, text: str, anchor: str = "") -> str:
    """Return a line of text of some kind; `y` is where its letters stand."""
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="sf-{kind}" x="{number(x)}" y="{number(y)}"{placed}>{escaped(text)}</text>'


def frame(kind: str, rect: Rect, radius: float) -> str:
    """Return a rectangle of some kind."""
    place = " ".join(
        f'{name}="{number(value)}"'
        for name, value in (("x", rect.x), ("y", rect.y), ("width", rect.width), ("height", rect.height))
    )
    return f'<rect class="sf-{kind}" {place} rx="{number(radius)}"/>'


def group(one: Group, rect: Rect) -> str:
    """Return the frame of a group, and what a pointer over it shows."""
    told = f"{one.title}\nwhen {one.when}" if one.when else one.title
    return f"<g><title>{escaped(told)}</title>{frame('group', rect, 8)}</g>"


def heading(rect: Rect, lines: Sequence[tuple[str, str]]) -> str:
    """Return the lines at the top of a frame, cut to what it has room for."""
    room = rect.width - 2 * PADDING
    return "".join(
        written(
            f"{role} sf-over",
            rect.x + PADDING,
            rect.y + 19 + 16 * index,
            shortened(text, room, SIZES[role], bold=role in BOLD),
        )
        for index, (role, text) in enumerate(lines)
    )


def sign(state: str, x: float, y: float) -> str:
    """Return the sign of a state around a point."""
    place = f'transform="translate({number(x)} {number(y)})"'
    return f'<g class="sf-sign" {place}><circle r="7"/><path d="{_SIGNS[state]}"/></g>'


def box(one: Box, face: Face, rect: Rect, state: str, tooltip: Sequence[str]) -> str:
    """Return a box with its lines, its sign, and what a pointer over it shows."""
    held = f' class="sf-is-{state}"' if state else ""
    parts = [f'<g{held} data-box="{escaped(one.id)}"><title>{escaped(chr(10).join(tooltip))}</title>']
    if one.kind != "step":
        parts.append(frame(one.kind, rect, 4 if one.kind == "data" else rect.height / 2))
        text = face.lines[0][1]
        parts.append(written("end-name", rect.x + rect.width / 2, rect.y + rect.height / 2 + 4, text, "middle"))
        return "".join([*parts, "</g>"])
    if one.count > 1:
        parts += (
            frame("step sf-behind", Rect(rect.x + 2 * i, rect.y + 3 * i, rect.width, rect.height), 7) for i in (2, 1)
        )
    parts.append(frame("step", rect, 7))
    top = rect.y + (rect.height - 16 * len(face.lines)) / 2 + 12.5
    parts += (written(role, rect.x + PADDING, top + 16 * i, line) for i, (role, line) in enumerate(face.lines))
    if state:
        parts.append(sign(state, rect.x + rect.width - PADDING - 4, top - 4.5))
    return "".join([*parts, "</g>"])


def edge(one: Edge, route: Route, tooltip: Sequence[str]) -> str:
    """Return an edge: its line, curved where its height changes, its head, and what a pointer over it shows."""
    (x, y), *rest = route
    end, height = rest.pop()
    path = [f"M{number(x)} {number(y)}"]
    for right, low in rest:
        if abs(low - y) < 0.05:
            path.append(f"H{number(right)}")
        else:
            middle = number((x + right) / 2)
            path.append(f"C{middle} {number(y)} {middle} {number(low)} {number(right)} {number(low)}")
        x, y = right, low
    line = "".join([*path, f"H{number(end - 6)}"])
    head = f"M{number(end - 1)} {number(height)}l-7.5-3.6v7.2z"
    return (
        f'<g class="sf-edge sf-by-{one.kind}"><title>{escaped(chr(10).join(tooltip))}</title>'
        f'<path class="sf-near" d="{line}"/><path class="sf-line" d="{line}"/><path class="sf-head" d="{head}"/></g>'
    )


def label(one: Label) -> str:
    """Return the names of what passes, right above the line."""
    return written("label sf-over", one.x, one.y - 3.5, one.text)
