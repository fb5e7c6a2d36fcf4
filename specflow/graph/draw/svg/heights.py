"""An order of all items → their heights: near what they are linked to, in that order, and never over each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specflow.graph.draw.svg.blocks import nearest
from specflow.graph.draw.svg.grid import Grid, Item

__all__ = ["Heights"]

FOOTERS = {"lane": 16.0, "nest": 12.0, "margin": 0.0}
"""Pixels that a holder keeps free at its bottom."""
_BETWEEN = {("box", "box"): 18, ("channel", "channel"): 9, ("lane", "lane"): 14}
_BETWEEN_OTHERS = 12
STILL = 0.05
"""Pixels: who moves less in a round has arrived."""
OUTER = 0.2
"""How much a channel or an end pulls, measured by a step: the picture's shape is that of its steps."""

Order = Mapping[int, Sequence[int]]
"""The children of each holder, from the top."""


class Heights:
    """The tops of all items under one order; a holder's bottom is the top of a variable of its own.

    Each variable stays below those before it in a sequence by given distances. Such a set is convex: pushing everything
    down from where it would like to be, and pushing everything up, both stay in it, and so does their mean.
    """

    def __init__(self, grid: Grid, order: Order) -> None:
        """Work out the sequence of variables and their distances: item `i` is variable `i`, its bottom `n + i`."""
        self.grid, self.count = grid, len(grid.items)
        self.sequence: list[int] = []
        self.above: list[list[tuple[int, float]]] = [[] for _ in range(2 * self.count)]
        lanes = [root for root in grid.roots if grid.items[root].kind == "lane"]
        for root in grid.roots:
            before = lanes[lanes.index(root) - 1] if root in lanes[1:] else None
            self._open(root, {} if before is None else {0: self.count + before})
            self._walk(root, order)
        self.below: list[list[tuple[int, float]]] = [[] for _ in range(2 * self.count)]
        for variable, bounds in enumerate(self.above):
            for other, distance in bounds:
                self.below[other].append((variable, distance))
        self.tops = self._pushed_down([0.0] * (2 * self.count))

    def _open(self, item: int, above: Mapping[int, int]) -> None:
        """Put an item's top below the variables right above it."""
        self.sequence.append(item)
        kind = self.grid.items[item].kind
        for variable in dict.fromkeys(above.values()):
            other = self.grid.items[variable % self.count]
            between = _BETWEEN.get((other.kind, kind), _BETWEEN_OTHERS)
            self.above[item].append((variable, between + (other.height if variable < self.count else 0)))

    def _walk(self, holder: int, order: Order) -> None:
        """Put what a holder holds below its top, each item below the nearest above it in its columns."""
        header, footer = self.grid.items[holder].header, FOOTERS[self.grid.items[holder].kind]
        lowest: dict[int, int] = {}
        for child in order[holder]:
            item = self.grid.items[child]
            span = _span(item)
            self._open(child, {column: lowest[column] for column in span if column in lowest})
            self.above[child].append((holder, header))
            if item.kind == "nest":
                self._walk(child, order)
            bottom = self.count + child if item.kind == "nest" else child
            lowest.update(dict.fromkeys(span, bottom))
        end = self.count + holder
        self.sequence.append(end)
        for variable in dict.fromkeys(lowest.values()):
            self.above[end].append((variable, footer + self.grid.items[variable % self.count].height))

    def _pushed_down(self, wishes: Sequence[float]) -> list[float]:
        tops = list(wishes)
        for variable in self.sequence:
            for other, distance in self.above[variable]:
                if tops[other] + distance > tops[variable]:
                    tops[variable] = tops[other] + distance
        return tops

    def _pushed_up(self, wishes: Sequence[float]) -> list[float]:
        tops = list(wishes)
        for variable in reversed(self.sequence):
            for other, distance in self.below[variable]:
                if tops[other] - distance < tops[variable]:
                    tops[variable] = tops[other] - distance
        return tops

    def middle(self, item: int) -> float:
        """Return the height of the middle of a box or a channel."""
        return self.tops[item] + self.grid.items[item].height / 2

    def settle(self, rounds: int, offsets: Mapping[tuple[int, bool], float], *, is_rough: bool) -> None:
        """Move items towards what they are linked to, for some rounds; roughly is faster, but drifts.

        `offsets` says how far from its middle a hop (by index) leaves its left item (True) or enters its right one.
        """
        pulls: list[list[tuple[int, float, float]]] = [[] for _ in range(self.count)]
        for index, hop in enumerate(self.grid.hops):
            shift = offsets.get((index, True), 0) - offsets.get((index, False), 0)
            weight = 1.0 if self._is_inner(hop.left) and self._is_inner(hop.right) else OUTER
            pulls[hop.left].append((hop.right, -shift, weight))
            pulls[hop.right].append((hop.left, shift, weight))
        weights = [sum(weight for *_, weight in links) or 0.01 for links in pulls] + [0.01] * self.count
        for _ in range(rounds):
            before, wishes = self.tops, self._wishes(pulls)
            if is_rough:
                down, up = self._pushed_down(wishes), self._pushed_up(wishes)
                self.tops = [(a + b) / 2 for a, b in zip(down, up, strict=True)]
            else:
                self.tops = self._pushed_down(nearest(wishes, weights, self.sequence, self.above))
            if max(abs(a - b) for a, b in zip(before, self.tops, strict=True)) < STILL:
                break

    def _is_inner(self, item: int) -> bool:
        """Return whether an item is a step's box, neither a channel nor an end."""
        one = self.grid.items[item]
        return one.kind == "box" and self.grid.steps[0] <= one.first <= self.grid.steps[1]

    def _wishes(self, pulls: Sequence[Sequence[tuple[int, float, float]]]) -> list[float]:
        wishes = list(self.tops)
        for item, links in enumerate(pulls):
            if links:
                total = sum(weight for *_, weight in links)
                middle = sum((self.middle(other) + shift) * weight for other, shift, weight in links) / total
                # Half way only: two items that follow each other would else swing for ever.
                wishes[item] += (middle - self.middle(item)) / 2
        for item in reversed(range(self.count)):
            held = self.grid.items[item].children
            if held:
                header, footer = self.grid.items[item].header, FOOTERS[self.grid.items[item].kind]
                wishes[item] = min(wishes[child] for child in held) - header
                bottoms = (self._bottom(child, wishes) for child in held)
                wishes[self.count + item] = max(bottoms) + footer
        return wishes

    def _bottom(self, item: int, tops: Sequence[float]) -> float:
        one = self.grid.items[item]
        return tops[self.count + item] if one.kind == "nest" else tops[item] + one.height


def _span(item: Item) -> range:
    """Return the columns (even) and gaps (odd) that are an item's own.

    A channel has the gaps at its ends too: one that began there at the height where another ends would seem to go on.
    """
    wider = item.kind == "channel"
    return range(2 * item.first - wider, 2 * item.last + wider + 1)
