"""How many lines cross under an order, without knowing any heights: what shares a column lies as the order says."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence

from specflow.graph.draw.svg.grid import Grid

__all__ = ["Lines"]

End = tuple[int, bool]
"""A gap, and whether its left side is meant."""


class Lines:
    """All lines across gaps: hops, and channels where they run straight on. Counts the pairs it has compared."""

    def __init__(self, grid: Grid) -> None:
        """Gather the lines of each gap, and those at each item."""
        self.grid = grid
        self.compared = 0
        lines = [(hop.gap, hop.left, hop.right) for hop in grid.hops]
        for index, item in enumerate(grid.items):
            if item.kind == "channel":
                lines += ((gap, index, index) for gap in range(item.first, item.last))
        self.gaps: dict[int, list[tuple[int, int]]] = {}
        self.inside: list[frozenset[int]] = [frozenset((index,)) for index in range(len(grid.items))]
        self.ends: list[dict[End, list[int]]] = [{} for _ in grid.items]
        for gap, left, right in lines:
            self.gaps.setdefault(gap, []).append((left, right))
            self.ends[left].setdefault((gap, True), []).append(right)
            self.ends[right].setdefault((gap, False), []).append(left)
        for index in reversed(range(len(grid.items))):
            for child in grid.items[index].children:
                self.inside[index] |= self.inside[child]
                for end, far in self.ends[child].items():
                    self.ends[index].setdefault(end, []).extend(far)

    def ranks(self, order: Mapping[int, Sequence[int]]) -> list[int]:
        """Return the rank of each item from the top; it tells where items lie that share a column."""
        found = [0] * len(self.grid.items)
        stack = list(reversed(self.grid.roots))
        for rank in range(len(found)):
            if not stack:
                break
            item = stack.pop()
            found[item] = rank
            stack.extend(reversed(order.get(item, ())))
        return found

    def crossings(self, ranks: Sequence[int]) -> int:
        """Return how many pairs of lines cross."""
        found = 0
        for lines in self.gaps.values():
            seen: list[int] = []
            for _, right in sorted((ranks[left], ranks[right]) for left, right in lines):
                found += len(seen) - bisect_right(seen, right)
                insort(seen, right)
        return found

    def change(self, upper: int, lower: int, ranks: Sequence[int]) -> int:
        """Return how many more lines cross once two neighbours in the order have changed places."""
        above, below = self.inside[upper], self.inside[lower]
        found = 0
        for end, far in self.ends[upper].items():
            others = self.ends[lower].get(end, ())
            self.compared += 1 + len(far) * len(others)
            for one in far:
                rank, within = ranks[one], (one in above) - (one in below)
                for other in others:
                    # Lines whose far ends change places too cross as much as before.
                    if not within or within != (other in below) - (other in above):
                        found += (rank < ranks[other]) - (rank > ranks[other])
        return found
