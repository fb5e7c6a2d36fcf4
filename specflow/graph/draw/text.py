"""A picture as lines for a terminal: one step a line, each after those that it needs, with their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from specflow.graph.draw.columns import Span, clipped, columns, padded, painted, wrapped
from specflow.graph.draw.needs import needs
from specflow.graph.draw.nesting import Place, places
from specflow.graph.draw.picture import Box, Picture
from specflow.graph.draw.states import sign_of, state_of

__all__ = ["text"]

MIN_WIDTH = 50
"""Columns that are used however narrow the terminal is."""
MIN_NEEDS = 24
"""Columns that the needs get before the names of steps get more."""
MAX_LANE = 16
MAX_LINES = 4
"""Lines that the needs of one step may take; how many more there are is said."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A step or a group in the listing; `rails` draw the tree before it, `under` beside its further lines."""

    rails: str
    under: str
    name: str
    lane: str = ""
    stage: str = ""
    state: str = ""
    needs: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True, slots=True)
class _Widths:
    """Columns of each part of the listing."""

    sign: int
    stage: int
    step: int
    lane: int
    needs: int


def text(picture: Picture, states: Mapping[str, str], *, colour: bool, width: int) -> str:
    """Return the lines, none wider than `width`; `colour` adds ANSI codes."""
    width = max(width, MIN_WIDTH)
    lines = [
        *_head(picture, width),
        *_ends(picture.of_kind("data"), "data", width),
        *_ends(picture.of_kind("input"), "inputs", width),
        *_listing(picture, states, width),
        *_ends(picture.of_kind("output"), "outputs", width),
    ]
    return "".join(f"{painted(line, colour=colour)}\n" for line in lines)


def _head(picture: Picture, width: int) -> Iterator[list[Span]]:
    said = f": {picture.summary}"
    yield [(picture.name, "heading"), (clipped(said, width - columns(picture.name)), "")]
    for line in (*wrapped(picture.description.split(), width, ""), *wrapped(picture.note.split(), width, "")):
        yield [(line, "faint")]


def _ends(boxes: Sequence[Box], heading: str, width: int) -> Iterator[list[Span]]:
    """Yield the table of the pipeline's data sources, inputs or outputs."""
    if not boxes:
        return
    yield []
    yield [(heading, "faint")]
    names = min(max(columns(box.name) for box in boxes), width // 3)
    types = min(max(columns(box.detail) for box in boxes), width // 4)
    for box in boxes:
        rest = f"  {padded(box.detail, types)}  {' · '.join(box.facts)}"
        yield _stripped([(f"  {padded(box.name, names)}", "step"), (clipped(rest, width - names - 2), "")])


def _listing(picture: Picture, states: Mapping[str, str], width: int) -> Iterator[list[Span]]:
    rows = tuple(_Listing(picture, states).rows(places(picture)))
    widths = _widths(rows, width, has_signs=bool(states))
    yield []
    heads = _Row("", "", "step", "target", "stage", needs=("needs",))
    yield [(piece, "faint") for piece, _ in _lines(heads, widths)[0]]
    for row in rows:
        yield from _lines(row, widths)


def _widths(rows: Sequence[_Row], width: int, *, has_signs: bool) -> _Widths:
    sign = 2 if has_signs else 0
    stage = max(len("stage"), *(len(row.stage) for row in rows))
    lane = min(max(len("target"), *(columns(row.lane) for row in rows)), MAX_LANE)
    fixed = sign + stage + lane + 6
    step = max(len("step"), *(columns(row.rails + row.name) for row in rows))
    step = max(min(step, width - fixed - MIN_NEEDS), 8)
    return _Widths(sign, stage, step, lane, width - fixed - step)


def _lines(row: _Row, widths: _Widths) -> list[list[Span]]:
    told = [*wrapped(row.needs, widths.needs, ",", MAX_LINES), *wrapped(row.when.split(), widths.needs, "")]
    rails = clipped(row.rails, widths.step - 2)
    first: list[Span] = [
        (f"{sign_of(row.state):{widths.sign}}", row.state),
        (f"{row.stage:>{widths.stage}}  ", "faint"),
        (rails, "faint"),
        (padded(row.name, widths.step - columns(rails)), "step"),
        (f"  {padded(row.lane, widths.lane)}  ", "target"),
        (told[0] if told else "", ""),
    ]
    before = " " * (widths.sign + widths.stage + 2)
    under = before + padded(row.under, widths.step + widths.lane + 4)
    return [_stripped(first), *([(under, "faint"), (line, "")] for line in told[1:])]


def _stripped(line: list[Span]) -> list[Span]:
    """Return a line without blanks at its end."""
    while line and not line[-1][0].strip():
        line = line[:-1]
    return [*line[:-1], (line[-1][0].rstrip(), line[-1][1])] if line else line


class _Listing:
    """Walks the tree of places; holds what every row asks for."""

    def __init__(self, picture: Picture, states: Mapping[str, str]) -> None:
        self.picture, self.states = picture, states
        self.needs, self.stages = needs(picture), picture.stages()

    def rows(self, found: Sequence[Place], before: str | None = None) -> Iterator[_Row]:
        """Yield a row for each place; `before` is what stands left of their rails, None at the root, which has none."""
        for index, place in enumerate(found):
            is_last = index == len(found) - 1
            rails = "" if before is None else before + ("└─ " if is_last else "├─ ")
            under = "" if before is None else before + ("   " if is_last else "│  ")
            if isinstance(place, Box):
                yield self._step(place, rails, under)
                continue
            group = self.picture.groups[place.group]
            when = f"when {group.when}" if group.when else ""
            yield _Row(rails, f"{under}│", group.title, when=when)
            yield from self.rows(place.places, under)

    def _step(self, box: Box, rails: str, under: str) -> _Row:
        when = f"when {box.when}" if box.when else ""
        state = state_of(box.nodes, self.states)
        return _Row(rails, under, _name(box), box.lane, str(self.stages[box.id]), state, self.needs[box.id], when)


def _name(box: Box) -> str:
    if not box.detail:
        return box.title
    return f"{box.title}[{box.detail}]" if len(box.nodes) == 1 else f"{box.title} ({box.detail})"
