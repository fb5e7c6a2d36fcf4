"""A graph that is too large to be drawn step by step → the picture of its stages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from specflow.graph.draw.boxes import assembled, stages
from specflow.graph.draw.links import Link, edges_of
from specflow.graph.draw.picture import Box, BoxKind, Edge, Picture, plural
from specflow.graph.model import Graph

__all__ = ["summary"]

MAX_STRETCHES = 12
"""Boxes in a row."""


def summary(graph: Graph, placed: Mapping[str, str], found: Iterable[Link]) -> Picture:
    """Return a picture whose boxes are the steps of one target in one stretch of stages.

    Edges lead from one stretch to a later one, for in one stretch steps of two targets may need each other both ways;
    and they are left out where others lead there on a longer way.
    """
    stage = stages(graph)
    stretch = -(-max(stage.values()) // MAX_STRETCHES)
    members: dict[tuple[int, str], list[str]] = {}
    for node_id in graph.nodes:
        members.setdefault(((stage[node_id] - 1) // stretch, placed[node_id]), []).append(node_id)
    box_of = _end_of(found)
    ends = _ends_as_one(graph, box_of)
    steps: dict[str, Box] = {}
    number_of: dict[str, int] = {}
    for (number, lane), ids in sorted(members.items(), key=lambda item: item[0][0]):
        box = _box(number, stretch, max(stage.values()), lane, ids)
        steps[box.id], number_of[box.id] = box, number
        box_of |= {f"step:{node_id}": box.id for node_id in ids}
    edges = [edge for edge in edges_of(found, box_of) if number_of.get(edge.source, -1) != number_of.get(edge.target)]
    shown = _nearest([*ends, *steps], edges)
    note = (
        f"too many steps to draw one by one: each box holds those of one target in {plural(stretch, 'stage')},"
        " and edges are left out that a longer way implies"
    )
    return replace(assembled(graph, {**ends, **steps}, {}, shown), note=note)


def _box(number: int, stretch: int, last: int, lane: str, ids: Sequence[str]) -> Box:
    first, final = number * stretch + 1, min((number + 1) * stretch, last)
    name = f"stage {first:,}" if first == final else f"stages {first:,}–{final:,}"
    detail = plural(len(ids), "step")
    return Box(f"step:stage__{number}__{lane}", "step", name, name, detail, lane=lane, nodes=tuple(ids))


def _nearest(ids: Sequence[str], edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """Return the edges between which no longer way leads, one for each pair; each of `ids` comes after its needs."""
    bit = {id_: 1 << index for index, id_ in enumerate(ids)}
    needs: dict[str, list[str]] = {id_: [] for id_ in ids}
    for edge in edges:
        needs[edge.target].append(edge.source)
    before: dict[str, int] = {}
    for id_ in sorted(ids, key=lambda one: (one.startswith("output:"), bit[one])):
        before[id_] = 0
        for need in needs[id_]:
            before[id_] |= before[need] | bit[need]
    kept: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        if not any(before[need] & bit[edge.source] for need in needs[edge.target]):
            kept.setdefault((edge.source, edge.target), replace(edge, kind="data", label="", flows=()))
    return tuple(kept.values())


def _end_of(found: Iterable[Link]) -> dict[str, str]:
    """Return, for every end of the pipeline that something passes, the one box of its kind."""
    ends = {end for link in found for end in (link.source, link.target) if not end.startswith("step:")}
    return {end: f"{end.partition(':')[0].replace('location', 'data')}:all" for end in ends}


def _ends_as_one(graph: Graph, end_of: Mapping[str, str]) -> dict[str, Box]:
    sources = sum(end == "data:all" for end in end_of.values())
    counts: Mapping[BoxKind, int] = {"data": sources, "input": len(graph.inputs), "output": len(graph.outputs)}
    names = {kind: plural(count, "data source" if kind == "data" else kind) for kind, count in counts.items() if count}
    return {f"{kind}:all": Box(f"{kind}:all", kind, name, name) for kind, name in names.items()}
