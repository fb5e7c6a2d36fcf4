"""A graph → pictures of it, from every instance by itself down to whole stages as one box."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from specflow.graph.draw.boxes import assembled, call_box, input_boxes, label_of, output_boxes, source_boxes, step_box
from specflow.graph.draw.links import Link, edges_of, links
from specflow.graph.draw.picture import Box, Edge, Group, Picture
from specflow.graph.draw.summary import summary
from specflow.graph.draw.words import Segment, gate_text, segments
from specflow.graph.model import Graph, Node

__all__ = ["first_that", "views"]


def first_that(fits: Callable[[Picture], bool], graph: Graph, placed: Mapping[str, str], expand: bool) -> Picture:
    """Return the most detailed picture that fits, or the least detailed there is."""
    for picture in views(graph, placed, expand=expand):
        if fits(picture):
            break
    return picture


def views(graph: Graph, placed: Mapping[str, str], *, expand: bool) -> Iterator[Picture]:
    """Yield pictures of a graph in falling detail: instances, steps, calls as boxes from the inside out, stages."""
    found = links(graph)
    if expand:
        yield _picture(graph, placed, found, None)
    deepest = max(len(node.path) for node in graph.nodes.values())
    for depth in range(deepest, 0, -1):
        asked_for = not expand and depth == deepest
        what = "matrix" if depth == deepest else "matrix and inner pipeline"
        note = "" if asked_for else f"too many steps to draw one by one: each {what} is drawn as one box"
        yield replace(_picture(graph, placed, found, depth), note=note)
    yield summary(graph, placed, found)


def _picture(graph: Graph, placed: Mapping[str, str], found: Iterable[Link], depth: int | None) -> Picture:
    """Return a picture of single instances (no depth), or of steps, with calls at `depth` as boxes."""
    ways: dict[str, tuple[Segment, ...]] = {}
    members: dict[str, list[Node]] = {}
    around: dict[str, tuple[str, ...]] = {}
    instances: dict[str, set[str]] = {}
    groups: dict[str, Group] = {}
    box_of: dict[str, str] = {}
    for node in graph.nodes.values():
        way = segments(node)[:depth]
        names = node.path[:depth]
        ids = tuple(s.id if depth is None else "__".join(names[: i + 1]) for i, s in enumerate(way))
        for i, id_ in enumerate(ids):
            instances.setdefault(id_, set()).add(way[i].id)
            if i < len(ids) - 1 and id_ not in groups:
                groups[id_] = _group(graph, node, way, i, id_, is_instance=depth is None)
        ways.setdefault(ids[-1], way)
        around[ids[-1]] = ids[:-1]
        members.setdefault(ids[-1], []).append(node)
        box_of[f"step:{node.id}"] = f"step:{ids[-1]}"
    steps = {}
    for id_, nodes in members.items():
        way = ways[id_]
        is_call = len(way) < len(nodes[0].path)
        count = len(instances[id_])
        box = call_box(id_, nodes, placed, way, count, graph) if is_call else step_box(id_, nodes, placed, way[-1])
        steps[box.id] = replace(box, groups=around[id_])
    edges = edges_of(found, box_of)
    counted = {id_: replace(group, count=len(instances[id_])) for id_, group in groups.items()}
    return assembled(graph, {**_ends(graph, edges), **steps}, counted, edges)


def _group(graph: Graph, node: Node, way: tuple[Segment, ...], index: int, id_: str, *, is_instance: bool) -> Group:
    when = gate_text(node.conditions, way[index - 1].id if index else "", label_of(graph))
    return Group(id_, way[index].name, way[index].detail if is_instance else "", when=when)


def _ends(graph: Graph, edges: Iterable[Edge]) -> dict[str, Box]:
    return {**source_boxes(graph, (edge.source for edge in edges)), **input_boxes(graph), **output_boxes(graph)}
