"""At which heights edges leave and enter boxes: spread along the side, in the order of where they come from or go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specflow.graph.draw.svg.blocks import nearest
from specflow.graph.draw.svg.grid import Exit, Grid
from specflow.graph.draw.svg.heights import Heights
from specflow.graph.draw.svg.sizes import SLOT

__all__ = ["Offsets", "offsets"]

ENTRY = 10
"""Pixels between two edges that enter a box."""
STRAIGHT = 100.0
"""How much more an edge counts that could run straight than one that bends anyway."""
MARGIN = 8
"""Pixels at a box's corners that stay free."""

Offsets = dict[tuple[int, bool], float]
"""By hop (its index) and end (True: where it leaves), pixels from the middle of the box."""

Entry = tuple[int, Exit]
"""Where an edge comes from: the item before the box, and its exit."""


def offsets(grid: Grid, heights: Heights) -> Offsets:
    """Return how far from the middle of its box each hop leaves it or enters it."""
    exits: dict[int, dict[Exit, list[int]]] = {}
    entries: dict[int, dict[Entry, list[int]]] = {}
    for index, hop in enumerate(grid.hops):
        if grid.items[hop.left].kind == "box":
            exits.setdefault(hop.left, {}).setdefault(hop.exit, []).append(index)
        if grid.items[hop.right].kind == "box":
            entries.setdefault(hop.right, {}).setdefault((hop.left, hop.exit), []).append(index)
    found: Offsets = {}
    for item, leaving in exits.items():
        goals = {key: _mean([heights.middle(grid.hops[hop].right) for hop in hops]) for key, hops in leaving.items()}
        for key, offset in _spread(goals, grid.items[item].height).items():
            found.update({(hop, True): offset for hop in leaving[key]})
    for item, entering in entries.items():
        here = heights.middle(item)
        origins = {key: heights.middle(key[0]) + found.get((hops[0], True), 0) - here for key, hops in entering.items()}
        for source, offset in _straight(origins, grid.items[item].height).items():
            found.update({(hop, False): offset for hop in entering[source]})
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _spread(far: Mapping[Exit, float], height: float) -> dict[Exit, float]:
    """Return an offset for each key, in the order of the far ends, `SLOT` pixels apart if there is room."""
    keys = sorted(far, key=far.__getitem__)
    step = _step(len(keys), height, SLOT)
    return {key: (index - (len(keys) - 1) / 2) * step for index, key in enumerate(keys)}


def _straight(far: Mapping[Entry, float], height: float) -> dict[Entry, float]:
    """Return an offset for each key: where the edge comes from, if that is beside the box, else near the middle."""
    keys = sorted(far, key=far.__getitem__)
    count, most = len(keys), height / 2 - MARGIN
    step = _step(count, height, ENTRY)
    is_beside = [abs(far[key]) <= most for key in keys]
    wishes = [far[key] if is_beside[i] else (i - (count - 1) / 2) * step for i, key in enumerate(keys)]
    weights = [STRAIGHT if beside else 1.0 for beside in is_beside]
    above = [[(i - 1, step)] if i else [] for i in range(count)]
    places = nearest(wishes, weights, range(count), above)
    return {
        key: min(max(place, i * step - most), most - (count - 1 - i) * step)
        for i, (key, place) in enumerate(zip(keys, places, strict=True))
    }


def _step(count: int, height: float, most: float) -> float:
    """Return the pixels between two edges on one side of a box."""
    return min(most, (height - 2 * MARGIN) / max(count - 1, 1))
