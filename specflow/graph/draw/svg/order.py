"""The order of what shares a holder, from the top: so that few edges cross, and those that are left are short."""

from __future__ import annotations

from collections.abc import Sequence

from specflow.graph.draw.svg.crossings import Lines
from specflow.graph.draw.svg.grid import Grid
from specflow.graph.draw.svg.heights import Heights

__all__ = ["ordered"]

ROUNDS = 24
MAX_COMPARED = 1_500_000
"""Pairs of lines that are compared before the order is taken as it is: about a second."""

Order = dict[int, list[int]]


def ordered(grid: Grid) -> Order:
    """Return the children of each holder in a good order; the same grid gives the same one."""
    lines = Lines(grid)
    order = _by_keys(grid, _places_in_columns(grid))
    heights = _settled(grid, order)
    tried = [(_cost(lines, order, heights), order)]
    for turn in range(ROUNDS):
        order = _by_keys(grid, _means_of_neighbours(grid, heights, turn % 3))
        heights = _settled(grid, order)
        tried.append((_cost(lines, order, heights), order))
    tried.sort(key=lambda pair: pair[0])
    best = tried[0]
    for _, order in tried:
        if lines.compared > MAX_COMPARED:
            break
        order = _sifted(lines, order)
        best = min(best, (_cost(lines, order, _settled(grid, order)), order), key=lambda pair: pair[0])
    return best[1]


def _settled(grid: Grid, order: Order) -> Heights:
    heights = Heights(grid, order)
    heights.settle(6, {}, is_rough=True)
    return heights


def _cost(lines: Lines, order: Order, heights: Heights) -> tuple[int, float]:
    """Return how many lines cross, and how far all of them lead up or down."""
    length = sum(abs(heights.middle(hop.left) - heights.middle(hop.right)) for hop in heights.grid.hops)
    return lines.crossings(lines.ranks(order)), round(length, 3)


def _places_in_columns(grid: Grid) -> dict[int, float]:
    """Return a first key for each box and channel: how far it is from the middle of its column.

    Not simply their order, in which what comes later lies lower: a staircase that would never be lost again.
    """
    columns: dict[int, list[int]] = {}
    for index, item in enumerate(grid.items):
        if not item.children:
            columns.setdefault(item.first, []).append(index)
    return {item: place - len(column) / 2 for column in columns.values() for place, item in enumerate(column)}


def _means_of_neighbours(grid: Grid, heights: Heights, side: int) -> dict[int, float]:
    """Return the mean height of the neighbours of each box and channel: on its left (side 0), its right (1) or both."""
    near: dict[int, list[float]] = {}
    for hop in grid.hops:
        if side != 1:
            near.setdefault(hop.right, []).append(heights.middle(hop.left))
        if side != 0:
            near.setdefault(hop.left, []).append(heights.middle(hop.right))
    return {item: sum(found) / len(found) for item, found in near.items()} | {
        index: heights.middle(index) for index, item in enumerate(grid.items) if not item.children and index not in near
    }


def _by_keys(grid: Grid, keys: dict[int, float]) -> Order:
    """Return the order by the keys of boxes and channels; that of a group is the mean of those in it."""
    for index in reversed(range(len(grid.items))):
        children = grid.items[index].children
        if children:
            keys[index] = sum(keys[child] for child in children) / len(children)
    return {
        index: sorted(item.children, key=keys.__getitem__) for index, item in enumerate(grid.items) if item.children
    }


def _sifted(lines: Lines, order: Order) -> Order:
    """Return the order after each item, in turn, has gone to that place among its siblings where fewest lines cross."""
    order = {holder: list(children) for holder, children in order.items()}
    ranks = lines.ranks(order)
    is_better = True
    while is_better:
        is_better = False
        for children in order.values():
            for child in list(children):
                if lines.compared > MAX_COMPARED:
                    return order
                start = children.index(child)
                place = _best_place(lines, children, start, ranks)
                if place != start:
                    children.insert(place, children.pop(start))
                    ranks, is_better = lines.ranks(order), True
    return order


def _best_place(lines: Lines, children: Sequence[int], start: int, ranks: Sequence[int]) -> int:
    """Return where among its siblings fewest lines of a child cross theirs; where it is, if nowhere fewer."""
    child, least, place = children[start], 0, start
    change = 0
    for index in range(start + 1, len(children)):
        change += lines.change(child, children[index], ranks)
        if change < least:
            least, place = change, index
    change = 0
    for index in range(start - 1, -1, -1):
        change += lines.change(children[index], child, ranks)
        if change < least:
            least, place = change, index
    return place
