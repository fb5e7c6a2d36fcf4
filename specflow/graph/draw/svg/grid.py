"""A picture → what must be arranged: boxes and channels in columns, nested in groups and lanes, and hops between them.

An edge that passes columns on its way runs through them in a *channel*: a thin item of its own, so that nothing lies in
its way. Edges that leave a box at one place share their channels. A *hop* leads across one gap, from an item to the
next; only there does an edge change its height.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from specflow.graph.draw.nesting import Place, places
from specflow.graph.draw.picture import Box, Edge, Picture

__all__ = ["Grid", "Hop", "Item", "exits", "grid"]

CHANNEL = 10.0
LANE_HEADER = 32.0

Exit = tuple[str, str, str]
"""Where an edge leaves: the box, the kind of edge, its label."""


@dataclass(slots=True)
class Item:
    """A box, a channel, a group's part in a lane, a lane, or a margin; `first` and `last` are its columns."""

    kind: str
    id: str
    first: int
    last: int
    height: float = 0
    header: float = 0
    """Pixels that a holder keeps free at its top."""
    children: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hop:
    """From one item to another across the gap behind column `gap`; `exit` where it leaves a box."""

    left: int
    right: int
    gap: int
    exit: Exit


@dataclass(frozen=True, slots=True)
class Grid:
    """All items, the outermost by index, the way of each edge as indexes of hops, and how many columns there are."""

    items: Sequence[Item]
    roots: Sequence[int]
    hops: Sequence[Hop]
    ways: Sequence[tuple[int, ...]]
    """For each edge of the picture."""
    boxes: dict[str, int]
    columns: int
    steps: tuple[int, int]
    """The first and the last column of steps; what is outside is margin."""


def exits(picture: Picture) -> dict[str, int]:
    """Return at how many places edges leave each box."""
    places_: dict[str, set[Exit]] = {}
    for edge in picture.edges:
        places_.setdefault(edge.source, set()).add(_exit(edge))
    return {id_: len(found) for id_, found in places_.items()}


def _exit(edge: Edge) -> Exit:
    return (edge.source, edge.kind, edge.label)


def column_of(picture: Picture) -> dict[str, int]:
    """Return the column of every box: data, inputs, steps by stage, outputs."""
    to_inputs = {edge.source for edge in picture.edges if edge.target.startswith("input:")}
    has_inputs = bool(picture.of_kind("input"))
    margin = 1 + bool(to_inputs) if has_inputs or picture.of_kind("data") else 0
    stages = picture.stages()
    found = {id_: margin + stage - 1 for id_, stage in stages.items()}
    for box in picture.boxes.values():
        if box.kind == "output":
            found[box.id] = margin + max(stages.values())
        elif box.kind != "step":
            found[box.id] = 0 if box.id in to_inputs else margin - 1
    return found


class _Builder:
    """Gathers items and hops; used once."""

    def __init__(self, picture: Picture, heights: Mapping[str, float], headers: Mapping[str, float]) -> None:
        self.picture, self.heights, self.headers = picture, heights, headers
        self.columns = column_of(picture)
        self.items: list[Item] = []
        self.boxes: dict[str, int] = {}
        self.around: dict[str, tuple[int, ...]] = {}
        self.channels: dict[tuple[Exit, int], int] = {}
        self.hops: dict[Hop, int] = {}

    def build(self) -> Grid:
        steps = [self.columns[box.id] for box in self.picture.of_kind("step")]
        span = (min(steps), max(steps))
        roots = [self._margin("left", ("data", "input"))]
        for lane in self.picture.lanes:
            roots.append(self._add(Item("lane", lane, *span, header=LANE_HEADER)))
            self._fill(roots[-1], places(self.picture, lane), (roots[-1],))
        roots.append(self._margin("right", ("output",)))
        ways = [self._way(edge, span) for edge in self.picture.edges]
        roots = [root for root in roots if self.items[root].children]
        columns = max(self.columns.values()) + 1
        return Grid(self.items, roots, tuple(self.hops), ways, self.boxes, columns, span)

    def _add(self, item: Item) -> int:
        self.items.append(item)
        return len(self.items) - 1

    def _margin(self, side: str, kinds: tuple[str, ...]) -> int:
        margin = self._add(Item("margin", side, 0, 0))
        for box in self.picture.boxes.values():
            if box.kind in kinds:
                self._box(margin, box, (margin,))
        return margin

    def _fill(self, holder: int, found: Sequence[Place], around: tuple[int, ...]) -> None:
        for place in found:
            if isinstance(place, Box):
                self._box(holder, place, around)
                continue
            nest = self._add(Item("nest", place.group, 0, 0, header=self.headers[place.group]))
            self._fill(nest, place.places, (*around, nest))
            inside = [self.items[child] for child in self.items[nest].children]
            self.items[nest].first = min(item.first for item in inside)
            self.items[nest].last = max(item.last for item in inside)
            self.items[holder].children.append(nest)

    def _box(self, holder: int, box: Box, around: tuple[int, ...]) -> None:
        column = self.columns[box.id]
        self.boxes[box.id] = self._add(Item("box", box.id, column, column, self.heights[box.id]))
        self.items[holder].children.append(self.boxes[box.id])
        self.around[box.id] = around

    def _way(self, edge: Edge, steps: tuple[int, int]) -> tuple[int, ...]:
        """Return the hops of an edge, its channels made where they are missing."""
        exit_ = _exit(edge)
        first, last = self.columns[edge.source] + 1, self.columns[edge.target] - 1
        stops, gaps = [self.boxes[edge.source]], [first - 1]
        if first < steps[0] and first <= last:  # data that passes the column of the inputs
            stops.append(self._channel(exit_, self.around[edge.source][0], first, steps[0] - 1))
            first = steps[0]
            gaps.append(first - 1)
        if first <= last:
            stops.append(self._channel(exit_, self._holder(edge), first, last))
            gaps.append(last)
        stops.append(self.boxes[edge.target])
        hops = [Hop(left, right, gap, exit_) for left, right, gap in zip(stops, stops[1:], gaps, strict=False)]
        return tuple(self.hops.setdefault(hop, len(self.hops)) for hop in hops)

    def _holder(self, edge: Edge) -> int:
        """Return the innermost group or lane around both ends; of ends in two lanes, the lane of the source."""
        near, far = self.around[edge.source], self.around[edge.target]
        if self.items[near[0]].kind == "margin":
            return far[0]
        shared = [own for own, other in zip(near, far, strict=False) if own == other]
        return shared[-1] if shared else near[0]

    def _channel(self, exit_: Exit, holder: int, first: int, last: int) -> int:
        key = (exit_, holder)
        if key not in self.channels:
            self.channels[key] = self._add(Item("channel", "", first, last, CHANNEL))
            self.items[holder].children.append(self.channels[key])
        item = self.items[self.channels[key]]
        item.first, item.last = min(item.first, first), max(item.last, last)
        return self.channels[key]


def grid(picture: Picture, heights: Mapping[str, float], headers: Mapping[str, float]) -> Grid:
    """Return the grid of a picture, given the height of each box and what each group keeps free at its top."""
    return _Builder(picture, heights, headers).build()
