"""How boxes nest where formats nest them: lanes hold groups, groups hold groups and boxes; and a name for each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from specflow.graph.draw.picture import Box, Picture

__all__ = ["Nest", "Place", "identifiers", "places"]


@dataclass(frozen=True, slots=True)
class Nest:
    """The part of a group that is in one lane."""

    id: str
    group: str
    places: tuple[Place, ...]


Place = Box | Nest


def places(picture: Picture, lane: str | None = None) -> tuple[Place, ...]:
    """Return what is in a lane, or in all of them, in the picture's order; a group stands where its first box would."""
    return _nested([box for box in picture.of_kind("step") if lane in (None, box.lane)], lane or "", 0)


def _nested(boxes: Iterable[Box], lane: str, depth: int) -> tuple[Place, ...]:
    slots: dict[str, list[Box]] = {}
    for box in boxes:
        slots.setdefault(box.groups[depth] if len(box.groups) > depth else box.id, []).append(box)
    return tuple(
        inside[0] if key == inside[0].id else Nest(_nest_id(lane, key), key, _nested(inside, lane, depth + 1))
        for key, inside in slots.items()
    )


def _nest_id(lane: str, group: str) -> str:
    return f"group:{lane}:{group}"


def identifiers(picture: Picture) -> dict[str, str]:
    """Return a name in letters, digits and `_` for every box, lane and part of a group in it, each its own.

    Names are stable: they follow from the ids, and begin with the kind, so that none is a format's word.
    """
    ids = [*(f"lane:{lane}" for lane in picture.lanes), *picture.boxes]
    for box in picture.of_kind("step"):
        ids += [_nest_id(box.lane, group) for group in box.groups]
    found: dict[str, str] = {}
    taken: set[str] = set()
    for id_ in dict.fromkeys(ids):
        wanted = name = re.sub(r"[^A-Za-z0-9_]", "_", id_)
        count = 1
        while name in taken:
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name)
        found[id_] = name
    return found
