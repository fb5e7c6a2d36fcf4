"""What is written in each box, cut to fit, and how large the box is for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from specflow.graph.draw.picture import Box, Group, Picture
from specflow.graph.draw.states import tally
from specflow.graph.draw.svg.metrics import folded, shortened, text_width

__all__ = ["LABEL_SIZE", "SLOT", "Face", "faces", "title_lines", "title_width"]

TITLE_SIZE = 13.0
SUB_SIZE = 11.0
LABEL_SIZE = 10.5
SLOT = 16
"""Pixels from one labelled edge to the next where they leave a box."""
PADDING = 12
ENTRY, MOST_ENTRIES = 6, 30
"""Pixels that an edge gets where it enters a box, and how many edges make a box taller."""
SIZES = {"lane-name": 12.0, "group-name": SUB_SIZE, "when": SUB_SIZE}
BOLD = ("lane-name", "group-name")
"""Of the lines at the top of a frame: how large they are, and which are bold."""
NARROWEST = 72
MAX_STEP = 250
MAX_END = 170
MAX_TITLE = 200
SIGN = 22
"""Room for the sign of a state."""


@dataclass(frozen=True, slots=True)
class Face:
    """A box as it looks: its lines with their roles (`title`, `detail`, `when`, `tally`), and its least size."""

    lines: tuple[tuple[str, str], ...]
    width: float
    height: float


def faces(picture: Picture, states: Mapping[str, str], exits: Mapping[str, int]) -> dict[str, Face]:
    """Return the face of every box; `exits` says at how many places edges leave it."""
    entries = Counter(edge.target for edge in picture.edges)
    return {
        box.id: _step(box, states, exits.get(box.id, 0), entries[box.id]) if box.kind == "step" else _end(box)
        for box in picture.boxes.values()
    }


def _step(box: Box, states: Mapping[str, str], exits: int, entries: int) -> Face:
    told = tally(box.nodes, states) if len(box.nodes) > 1 else ""
    beside, room = SIGN if states else 0, MAX_STEP - 2 * PADDING
    title = shortened(box.title, room - beside, TITLE_SIZE, bold=True)
    lines = [
        *([("detail", shortened(box.detail, room, SUB_SIZE))] if box.detail else []),
        *(("when", line) for line in (folded(f"when {box.when}", room, SUB_SIZE) if box.when else ())),
        *([("tally", shortened(told, room, SUB_SIZE))] if told else []),
    ]
    widths = [text_width(title, TITLE_SIZE, bold=True) + beside, *(text_width(line, SUB_SIZE) for _, line in lines)]
    height = max(24 + 16 * (len(lines) + 1), SLOT * exits + 10, ENTRY * min(entries, MOST_ENTRIES) + 12)
    return Face((("title", title), *lines), max(*widths, NARROWEST) + 2 * PADDING, height)


def title_lines(group: Group) -> tuple[tuple[str, str], ...]:
    """Return what stands at the top of a group's frame, as lines with their roles."""
    lines = [("group-name", shortened(group.title, MAX_TITLE, SUB_SIZE, bold=True))]
    lines += [("when", shortened(f"when {group.when}", MAX_TITLE, SUB_SIZE))] * bool(group.when)
    return tuple(lines)


def title_width(lines: Iterable[tuple[str, str]]) -> float:
    """Return the width of what stands at the top of a frame."""
    return max(text_width(line, SIZES[role], bold=role in BOLD) for role, line in lines)


def _end(box: Box) -> Face:
    line = shortened(box.name, MAX_END - 2 * PADDING, SUB_SIZE)
    return Face((("end", line),), max(56, text_width(line, SUB_SIZE) + 2 * PADDING), 26)
