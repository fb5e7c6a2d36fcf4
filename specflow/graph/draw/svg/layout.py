"""A picture → where everything is: boxes and frames as rectangles, edges as curves. Deterministic, in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from specflow.graph.draw.picture import Picture
from specflow.graph.draw.svg.grid import Exit, Grid, Hop, grid
from specflow.graph.draw.svg.heights import Heights
from specflow.graph.draw.svg.metrics import shortened, text_width
from specflow.graph.draw.svg.order import ordered
from specflow.graph.draw.svg.sizes import LABEL_SIZE, MAX_TITLE, Face, title_lines, title_width
from specflow.graph.draw.svg.slots import Offsets, offsets

__all__ = ["Label", "Layout", "Rect", "layout"]

ROUNDS = 40
MAX_LABEL = 150.0
NARROWEST, WIDEST = 44.0, 130.0
"""Pixels in which the edges of one gap change their height."""
FRAME = 12
"""Pixels that a frame keeps left and right of what it holds."""
LABEL_GAP = 8.0
ARROW = 8.0
"""Pixels that an edge is straight before it ends."""

Route = tuple[tuple[float, float], ...]
"""The way of an edge: straight to each `(x, y)` in turn, a curve wherever the height changes."""


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """The names of what leaves a box at one place: where the line begins, and the text above it."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, the upper left corner at 0, 0."""

    boxes: Mapping[str, Rect]
    lanes: Mapping[str, Rect]
    groups: Sequence[tuple[str, Rect]]
    """The part of a group in each lane, the outer ones first."""
    routes: Sequence[Route]
    """In the order of the picture's edges."""
    labels: Sequence[Label]
    width: float
    height: float


def layout(picture: Picture, faces: Mapping[str, Face]) -> Layout:
    """Return where everything of a picture is."""
    headers = {id_: 12.0 + 16 * len(title_lines(group)) for id_, group in picture.groups.items()}
    lattice = grid(picture, {id_: face.height for id_, face in faces.items()}, headers)
    heights = Heights(lattice, ordered(lattice))
    heights.settle(ROUNDS, {}, is_rough=False)
    for _ in range(3):
        heights.settle(ROUNDS, offsets(lattice, heights), is_rough=False)
    return _Placing(picture, faces, lattice, heights).layout()


class _Placing:
    """Gives columns their place, and with it everything; used once."""

    def __init__(self, picture: Picture, faces: Mapping[str, Face], lattice: Grid, heights: Heights) -> None:
        self.picture, self.grid, self.heights = picture, lattice, heights
        self.offsets: Offsets = offsets(lattice, heights)
        self.top = min(heights.tops[root] for root in lattice.roots)
        self.widths = [0.0] * lattice.columns
        for id_, item in lattice.boxes.items():
            column = lattice.items[item].first
            self.widths[column] = max(self.widths[column], faces[id_].width)
        for one in lattice.items:
            if one.kind in ("nest", "lane") and one.first == one.last:
                lines = title_lines(picture.groups[one.id]) if one.kind == "nest" else (("lane-name", one.id),)
                self.widths[one.first] = max(self.widths[one.first], min(title_width(lines), MAX_TITLE))
        self.frames = _frame_depths(lattice)
        self.labels = self._label_texts()
        self.lefts, self.bends = self._columns()

    def layout(self) -> Layout:
        """Return where everything is."""
        boxes = {id_: self._box(item) for id_, item in self.grid.boxes.items()}
        items = tuple(enumerate(self.grid.items))
        lanes = {item.id: self._frame(index) for index, item in items if item.kind == "lane"}
        groups = tuple((item.id, self._frame(index)) for index, item in items if item.kind == "nest")
        everything = (*boxes.values(), *lanes.values())
        return Layout(
            boxes,
            lanes,
            groups,
            tuple(self._route(way) for way in self.grid.ways),
            tuple(self._label(exit_) for exit_, text in self.labels.items() if text),
            max(rect.x + rect.width for rect in everything),
            max(rect.y + rect.height for rect in everything),
        )

    def _label_texts(self) -> dict[Exit, str]:
        return {hop.exit: shortened(hop.exit[2], MAX_LABEL, LABEL_SIZE) for hop in self.grid.hops}

    def _columns(self) -> tuple[list[float], list[tuple[float, float]]]:
        """Return the left side of each column, and where in the gap behind it heights change."""
        count = self.grid.columns
        left, right = [0.0] * count, [0.0] * count
        for index, (before, behind) in self.frames.items():
            item = self.grid.items[index]
            left[item.first] = max(left[item.first], before * FRAME)
            right[item.last] = max(right[item.last], behind * FRAME)
        names, rises = [0.0] * count, [0.0] * count
        for index, hop in enumerate(self.grid.hops):
            start, end = self._ends(index)
            rises[hop.gap] = max(rises[hop.gap], abs(start - end))
        for (box, _, _), text in ((exit_, text) for exit_, text in self.labels.items() if text):
            column = self.grid.items[self.grid.boxes[box]].first
            names[column] = max(names[column], text_width(text, LABEL_SIZE) + 2 * LABEL_GAP)
        lefts, bends = [left[0]], []
        for column in range(count - 1):
            start = lefts[column] + self.widths[column] + right[column] + max(names[column], LABEL_GAP)
            end = start + min(max(rises[column] * 0.4, NARROWEST), WIDEST)
            bends.append((start, end))
            lefts.append(end + ARROW + left[column + 1])
        return lefts, bends

    def _box(self, item: int) -> Rect:
        column, height = self.grid.items[item].first, self.grid.items[item].height
        return Rect(self.lefts[column], self.heights.tops[item] - self.top, self.widths[column], height)

    def _frame(self, index: int) -> Rect:
        item, (before, behind) = self.grid.items[index], self.frames[index]
        left = self.lefts[item.first] - before * FRAME
        right = self.lefts[item.last] + self.widths[item.last] + behind * FRAME
        top, bottom = self.heights.tops[index], self.heights.tops[len(self.grid.items) + index]
        return Rect(left, top - self.top, right - left, bottom - top)

    def _ends(self, index: int) -> tuple[float, float]:
        """Return the heights between which a hop leads."""
        hop = self.grid.hops[index]
        start = self.heights.middle(hop.left) + self.offsets.get((index, True), 0) - self.top
        return start, self.heights.middle(hop.right) + self.offsets.get((index, False), 0) - self.top

    def _route(self, way: Sequence[int]) -> Route:
        hops = [self.grid.hops[index] for index in way]
        first, last = self.grid.items[hops[0].left].first, self.grid.items[hops[-1].right].first
        points = [(self.lefts[first] + self.widths[first], self._ends(way[0])[0])]
        for index, hop in zip(way, hops, strict=True):
            (start, end), (high, low) = self.bends[hop.gap], self._ends(index)
            points += [(start, high), (end, low)]
        return (*points, (self.lefts[last], points[-1][1]))

    def _label(self, exit_: Exit) -> Label:
        index = next(index for index, hop in enumerate(self.grid.hops) if hop.exit == exit_ and self._is_start(hop))
        hop = self.grid.hops[index]
        behind = max((depth for i, (_, depth) in self.frames.items() if self.grid.items[i].last == hop.gap), default=0)
        x = self.lefts[hop.gap] + self.widths[hop.gap] + behind * FRAME + LABEL_GAP
        return Label(x, self._ends(index)[0], self.labels[exit_])

    def _is_start(self, hop: Hop) -> bool:
        return self.grid.items[hop.left].kind == "box"


def _frame_depths(lattice: Grid) -> dict[int, tuple[int, int]]:
    """Return for how many frames a lane or group needs room on its left and right: its own, and those at its edge."""
    found: dict[int, tuple[int, int]] = {}
    for index in reversed(range(len(lattice.items))):
        item = lattice.items[index]
        if item.kind in ("lane", "nest"):
            inside = [(lattice.items[child], found[child]) for child in item.children if child in found]
            left = max((depth for child, (depth, _) in inside if child.first == item.first), default=0)
            right = max((depth for child, (_, depth) in inside if child.last == item.last), default=0)
            found[index] = (left + 1, right + 1)
    return found
