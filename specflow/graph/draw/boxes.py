"""What single boxes say: those of steps and calls, of data sources, and of the pipeline's inputs and outputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from specflow.diagnostics.render.characters import visible
from specflow.graph.draw.picture import Box, Edge, Group, Picture, plural
from specflow.graph.draw.words import Segment, condition_text, gate_text, one_line, tree_text, type_text
from specflow.graph.model import DataRef, Graph, Node

__all__ = ["assembled", "call_box", "input_boxes", "label_of", "output_boxes", "source_boxes", "stages", "step_box"]


def label_of(graph: Graph) -> Callable[[str], str]:
    """Return a function from a node's id to its label."""
    return lambda node_id: graph.nodes[node_id].label


def step_box(id_: str, nodes: Sequence[Node], placed: Mapping[str, str], own: Segment) -> Box:
    """Return the box of a step, all its instances in one; `own` names the first of them."""
    first = nodes[0]
    lane, facts = _lane(nodes, placed)
    return Box(
        id=f"step:{id_}",
        kind="step",
        name=own.name,
        label=visible(first.label) if len(nodes) == 1 else ".".join(first.path),
        detail=own.detail if len(nodes) == 1 else ", ".join(first.matrix),
        count=len(nodes),
        lane=lane,
        when=condition_text(first),
        facts=(*_step_facts(first), *facts),
        nodes=tuple(node.id for node in nodes),
    )


def call_box(
    id_: str, nodes: Sequence[Node], placed: Mapping[str, str], way: Sequence[Segment], count: int, graph: Graph
) -> Box:
    """Return the box of a call of a pipeline with all that is in it; `way` leads there from the root."""
    lane, facts = _lane(nodes, placed)
    return Box(
        id=f"step:{id_}",
        kind="step",
        name=way[-1].name,
        label=".".join(segment.name for segment in way),
        detail=plural(len(nodes), "step"),
        count=count,
        lane=lane,
        when=gate_text(nodes[0].conditions, way[-2].id if len(way) > 1 else "", label_of(graph)),
        facts=facts,
        nodes=tuple(node.id for node in nodes),
    )


def _lane(nodes: Iterable[Node], placed: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the target that most of some nodes run on, and a line that names all of them if they are several."""
    lanes = Counter(placed[node.id] for node in nodes)
    return lanes.most_common(1)[0][0], (f"on {', '.join(lanes)}",) if len(lanes) > 1 else ()


def _step_facts(node: Node) -> tuple[str, ...]:
    used = node.definition.model if node.definition is not None else None
    call = node.file.model.steps[node.place[1]] if len(node.place) == 2 else None
    said = (call.description if call is not None else "") or (used.description if used is not None else "")
    attempts = node.retry.attempts if node.retry is not None else 1
    facts = (
        said,
        " ".join(("uses", used.name, used.version or "")) if used is not None else "",
        f"compute {node.compute}" if node.compute else "",
        f"up to {plural(attempts, 'attempt')}" if attempts > 1 else "",
        f"timeout {node.timeout}" if node.timeout else "",
    )
    return tuple(one_line(fact) for fact in facts if fact)


def source_boxes(graph: Graph, used: Iterable[str]) -> dict[str, Box]:
    """Return the boxes of data sources, named ones and plain locations; `used` are the ids that edges begin at."""
    found = {}
    for id_ in used:
        kind, _, name = id_.partition(":")
        if kind == "data":
            found[id_] = _data_box(id_, name, graph.data[name])
        elif kind == "location":
            found[id_] = Box(id_, "data", visible(name), visible(name))
    return found


def _data_box(id_: str, name: str, data: DataRef) -> Box:
    source = data.source
    where = [data.location] if isinstance(data.location, str) else [f"{t}: {at}" for t, at in data.location.items()]
    version = f"version {source.version}" if source.version else ""
    facts = tuple(one_line(fact) for fact in (*where, version, source.description) if fact)
    return Box(id_, "data", name, f"data.{name}", type_text(source.type, source.format), facts=facts)


def input_boxes(graph: Graph) -> dict[str, Box]:
    """Return the boxes of a pipeline's inputs."""
    found = {}
    for name, port in graph.inputs.items():
        default = graph.defaults.get(name)
        said = f"default: {tree_text(default, label_of(graph))}" if default is not None else ""
        said = "optional" if port.optional else said
        facts = tuple(one_line(fact) for fact in (said, port.description) if fact)
        detail = type_text(port.type, port.format, port.many)
        found[f"input:{name}"] = Box(f"input:{name}", "input", name, f"inputs.{name}", detail, facts=facts)
    return found


def output_boxes(graph: Graph) -> dict[str, Box]:
    """Return the boxes of a pipeline's outputs."""
    found = {}
    text = label_of(graph)
    for name, output in graph.outputs.items():
        registered, location = output.register_name, output.location
        facts = (
            f"from {tree_text(output.tree, text)}",
            "optional" if output.optional else "",
            f"registered as {tree_text(registered, text)}" if registered is not None else "",
            f"kept at {tree_text(location, text)}" if location is not None else "",
        )
        detail = type_text(output.type, output.format, output.many)
        said = tuple(fact for fact in facts if fact)
        found[f"output:{name}"] = Box(f"output:{name}", "output", name, f"outputs.{name}", detail, facts=said)
    return found


def stages(graph: Graph) -> dict[str, int]:
    """Return the stage of each node: 1 where it needs no other, else one after the last that it needs."""
    found: dict[str, int] = {}
    for node in graph.nodes.values():
        found[node.id] = 1 + max((found[need] for need in node.needs), default=0)
    return found


def assembled(graph: Graph, boxes: Mapping[str, Box], groups: Mapping[str, Group], edges: tuple[Edge, ...]) -> Picture:
    """Return the picture of a graph that boxes and edges make."""
    return Picture(
        name=f"{graph.name} {graph.version}" if graph.version else graph.name,
        description=one_line(graph.description),
        boxes=boxes,
        groups=groups,
        edges=edges,
        lanes=tuple(dict.fromkeys(box.lane for box in boxes.values() if box.kind == "step")),
        size=(len(graph.nodes), max(stages(graph).values())),
    )
