"""A graph → its links: which output goes into which input, what a condition asks, order without data; and → edges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from specflow.attempt.evaluate import children
from specflow.graph.draw.picture import Edge, EdgeKind, Flow
from specflow.graph.draw.words import segments, type_text
from specflow.graph.model import Graph, InputPort, Node, Tree
from specflow.graph.trees import leaf_nodes

__all__ = ["Link", "edges_of", "links"]

_ENDS = {"input": "input", "data": "data", "location": "data", "output": "step"}
"""Leaves that something is read from, and the kind of box that it comes from."""


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that passes between two ends, each given as box ids of single nodes; no flow: order alone."""

    source: str
    target: str
    kind: EdgeKind
    flow: Flow | None = None


def links(graph: Graph) -> tuple[Link, ...]:
    """Return every link of a graph, in the order of its nodes.

    Order alone is told where nothing else says it: not between steps that a third one between them links already.
    """
    found = list(_of_defaults(graph))
    for node in graph.nodes.values():
        found += _of_ports(graph, node)
        found += _of_order(graph, node)
    for name, output in graph.outputs.items():
        kind = type_text(output.type, output.format, output.many)
        for tree in _leaves(output.tree):
            if tree[0] == "output":
                found.append(Link(f"step:{tree[1]}", f"output:{name}", "data", Flow(tree[2], name, kind)))
    return tuple(found)


def edges_of(found: Iterable[Link], box_of: Mapping[str, str]) -> tuple[Edge, ...]:
    """Return the edges between boxes: one for each pair and kind, order alone only where nothing else links a pair."""
    merged: dict[tuple[str, str], dict[EdgeKind, dict[Flow, None]]] = {}
    for link in found:
        source, target = box_of.get(link.source, link.source), box_of.get(link.target, link.target)
        if source != target:
            flows = merged.setdefault((source, target), {}).setdefault(link.kind, {})
            if link.flow is not None:
                flows[link.flow] = None
    return tuple(
        Edge(source, target, kind, _edge_label(source, target, flows), tuple(flows))
        for (source, target), kinds in merged.items()
        for kind, flows in kinds.items()
        if kind != "order" or len(kinds) == 1
    )


def _edge_label(source: str, target: str, flows: Iterable[Flow]) -> str:
    """Return the names of the outputs that pass, unless the pipeline's output that they become has that name."""
    names = ", ".join(dict.fromkeys(flow.port for flow in flows if flow.port))
    return "" if target == f"output:{names}" or not source.startswith("step:") else names


def _of_defaults(graph: Graph) -> Iterator[Link]:
    for name, tree in graph.defaults.items():
        for leaf in _leaves(tree):
            if leaf[0] in ("data", "location"):
                port = graph.inputs[name]
                flow = Flow("", name, type_text(port.type, port.format, port.many))
                yield Link(_end(leaf), f"input:{name}", "data", flow)


def _of_ports(graph: Graph, node: Node) -> Iterator[Link]:
    for name, port in node.inputs.items():
        for leaf in _leaves(port.binding):
            flow = Flow(leaf[2] if leaf[0] == "output" else "", name, _type(graph, port, leaf))
            yield Link(_end(leaf), f"step:{node.id}", "data", flow)


def _of_order(graph: Graph, node: Node) -> Iterator[Link]:
    """Yield what a node waits for besides what its ports read: conditions, and order without data."""
    waiting = set(node.needs) - set(leaf_nodes([port.binding for port in node.inputs.values()]))
    if node.conditions and node.conditions[-1].when is not None:
        waiting -= set(leaf_nodes([node.conditions[-1].when]))
    for need in node.needs:
        if not waiting:
            break
        waiting -= set(graph.nodes[need].needs)
    asked = set()
    for condition in node.conditions:
        for leaf in _leaves(condition.when) if condition.when is not None else ():
            is_own = condition is node.conditions[-1]
            if is_own or (leaf[1] in waiting if leaf[0] == "output" else _is_first(node, condition.within)):
                asked.add(leaf[1])
                yield Link(_end(leaf), f"step:{node.id}", "condition", _asked(graph, leaf))
    for need in node.needs:
        if need in waiting and need not in asked:
            yield Link(f"step:{need}", f"step:{node.id}", "order")


def _is_first(node: Node, around: str) -> bool:
    """Return whether nothing in the call right inside `around` comes before a node of it."""
    inside = [segment.id for segment in segments(node)]
    call = inside[inside.index(around) + 1 if around else 0]
    return not any(need.startswith(f"{call}__") for need in node.needs)


def _asked(graph: Graph, leaf: Tree) -> Flow:
    if leaf[0] == "output":
        return Flow(leaf[2], "when", _output_type(graph, leaf))
    port = graph.inputs.get(leaf[1]) if leaf[0] == "input" else None
    return Flow("", "when", type_text(port.type, port.format, port.many) if port is not None else "file")


def _leaves(tree: Tree) -> Iterator[Tree]:
    """Yield the leaves that something is read from, in order."""
    stack = [tree]
    while stack:
        tree = stack.pop()
        if tree[0] in _ENDS:
            yield tree
        stack.extend(reversed(children(tree)))


def _end(leaf: Tree) -> str:
    return f"{'location' if leaf[0] == 'location' else _ENDS[leaf[0]]}:{leaf[1]}"


def _type(graph: Graph, port: InputPort, leaf: Tree) -> str:
    if leaf[0] == "output":
        return _output_type(graph, leaf)
    return type_text(port.facts["type"], port.facts.get("format"), bool(port.facts.get("many")))


def _output_type(graph: Graph, leaf: Tree) -> str:
    output = graph.nodes[leaf[1]].outputs[leaf[2]]
    return type_text(output.type, output.format)
