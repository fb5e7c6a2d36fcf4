"""Wishes that may collide → the nearest places that keep all distances.

The method is the first half of VPSC (Dwyer, Marriott and Stuckey, "Fast Node Overlap Removal", 2005): variables join
into blocks that move as one, to where the weighted mean of their wishes is.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["nearest"]

TOLERANCE = 1e-3


def nearest(
    wishes: Sequence[float],
    weights: Sequence[float],
    sequence: Sequence[int],
    above: Sequence[Sequence[tuple[int, float]]],
) -> list[float]:
    """Return a place for each variable near its wish; each stays below those `above` it by their distances.

    A variable comes after those above it in the `sequence`.
    """
    blocks = _Blocks(wishes, weights, above)
    for variable in sequence:
        blocks.settle(variable)
    return blocks.places()


class _Blocks:
    """Every variable's block and its place in it."""

    def __init__(
        self, wishes: Sequence[float], weights: Sequence[float], above: Sequence[Sequence[tuple[int, float]]]
    ) -> None:
        self.above = above
        self.block = list(range(len(wishes)))
        self.offset = [0.0] * len(wishes)
        self.place, self.weight = list(wishes), list(weights)
        self.members = [[variable] for variable in self.block]

    def places(self) -> list[float]:
        """Return where each variable is now."""
        return [self.place[block] + offset for block, offset in zip(self.block, self.offset, strict=True)]

    def settle(self, variable: int) -> None:
        """Join the variable's block with those that it would lie over, the one that it lies over most first."""
        own = self.block[variable]
        while True:
            worst, found = TOLERANCE, None
            for member in self.members[own]:
                here = self.place[own] + self.offset[member]
                for other, distance in self.above[member]:
                    block = self.block[other]
                    overlap = self.place[block] + self.offset[other] + distance - here
                    if block != own and overlap > worst:
                        worst, found = overlap, (other, self.offset[member] - distance)
            if found is None:
                return
            self._join(own, *found)

    def _join(self, own: int, other: int, offset: float) -> None:
        """Take the block of `other` into one's own, with `other` at that offset."""
        block = self.block[other]
        shift = offset - self.offset[other]
        for member in self.members[block]:
            self.offset[member] += shift
            self.block[member] = own
        self.members[own] += self.members[block]
        total = self.weight[own] + self.weight[block]
        pull = self.place[own] * self.weight[own] + (self.place[block] - shift) * self.weight[block]
        self.place[own], self.weight[own] = pull / total, total
