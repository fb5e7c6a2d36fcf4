"""What each step needs, in words: `prepare (train, test), mixes, after clean`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specflow.graph.draw.picture import Box, Edge, Picture, counted

__all__ = ["needs"]


def needs(picture: Picture) -> Mapping[str, tuple[str, ...]]:
    """Return, for each step by box id, what it reads and what it comes after; what conditions ask is in their text."""
    incoming: dict[str, list[Edge]] = {box.id: [] for box in picture.of_kind("step")}
    for edge in picture.edges:
        if edge.target in incoming:
            incoming[edge.target].append(edge)
    return {id_: tuple(_told(picture, picture.boxes[id_], edges)) for id_, edges in incoming.items()}


def _told(picture: Picture, box: Box, edges: Sequence[Edge]) -> list[str]:
    """Return the needs of one step; instances of one step that give it the same are told together."""
    alike: dict[tuple[str, str, str], int] = {}
    for edge in edges:
        source = picture.boxes[edge.source]
        if edge.kind != "condition":
            key = (edge.kind, _relative(source, box), edge.label)
            alike[key] = alike.get(key, 0) + source.count
    data = [_with_ports(counted(name, count), ports) for (kind, name, ports), count in alike.items() if kind == "data"]
    order = [f"after {counted(name, count)}" for (kind, name, _), count in alike.items() if kind == "order"]
    return data + order


def _with_ports(name: str, ports: str) -> str:
    return f"{name} ({ports})" if ports else name


def _relative(source: Box, reader: Box) -> str:
    """Return the name of a step as one beside the reader calls it; of a data source or an input its own."""
    if source.kind != "step":
        return source.label if source.kind == "data" else source.name
    shared = 0
    for own, other in zip(source.groups, reader.groups, strict=False):
        if own != other:
            break
        shared += 1
    names = [name for name in source.id.partition(":")[2].split("__") if not name.isdigit()]
    return ".".join(names[shared:])
