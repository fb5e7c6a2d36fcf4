"""A picture in Graphviz's language, for `dot -Tsvg` and the many tools that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from specflow.graph.draw.nesting import Place, identifiers, places
from specflow.graph.draw.picture import Box, Edge, Group, Picture
from specflow.graph.draw.states import sign_of, state_of

__all__ = ["dot"]

_STYLES = {
    "data": 'shape=cylinder, style=filled, fillcolor="#e8eef7", fontsize=10, ',
    "input": 'fillcolor="#e6f2ff", fontsize=10, height=0.3, ',
    "output": 'fillcolor="#e7f6ec", fontsize=10, height=0.3, ',
}
"""What ends of the pipeline have instead of the looks of a step."""
_COLOURS = {
    "succeeded": ("#1a7f37", "#e7f6ec"),
    "cached": ("#57a773", "#eef6f0"),
    "failed": ("#cf222e", "#ffebe9"),
    "skipped": ("#8c959f", "#f0f1f3"),
    "cancelled": ("#bc4c00", "#fff1e5"),
    "running": ("#0969da", "#ddf4ff"),
}


def dot(picture: Picture, states: Mapping[str, str]) -> str:
    """Return the text of a directed graph, left to right: a cluster per target, one per called pipeline inside it."""
    names = identifiers(picture)
    title = [picture.name, *([picture.note] if picture.note else [])]
    lines = [
        f"digraph {_quoted(picture.name)} {{",
        f"  graph [rankdir=LR, label={_quoted(*title)}, labelloc=t, nodesep=0.2, ranksep=0.6]",
        '  graph [fontname="Helvetica", fontsize=12]',
        '  node [shape=box, style="rounded,filled", fillcolor="#ffffff", color="#57606a"]',
        '  node [fontname="Helvetica", fontsize=12]',
        '  edge [fontname="Helvetica", fontsize=9, color="#57606a", arrowsize=0.7]',
    ]
    lines += (f"  {_box(box, names, states)}" for box in picture.boxes.values() if box.kind != "step")
    for lane in picture.lanes:
        lines.append(f"  subgraph cluster_{names[f'lane:{lane}']} {{")
        lines.append(f'    label={_quoted(lane)}; style="rounded,filled"; color="#d0d7de"; fillcolor="#f6f8fa"')
        lines += _inside(places(picture, lane), picture, names, states, "    ")
        lines.append("  }")
    lines += (f"  {_edge(edge, names)}" for edge in picture.edges)
    return "\n".join([*lines, "}"]) + "\n"


def _inside(
    found: Iterable[Place], picture: Picture, names: Mapping[str, str], states: Mapping[str, str], indent: str
) -> Iterator[str]:
    for place in found:
        if isinstance(place, Box):
            yield indent + _box(place, names, states)
        else:
            title = _quoted(_title(picture.groups[place.group]))
            yield f"{indent}subgraph cluster_{names[place.id]} {{"
            yield f'{indent}  label={title}; style="rounded,dashed"; color="#8c959f"'
            yield from _inside(place.places, picture, names, states, f"{indent}  ")
            yield f"{indent}}}"


def _title(group: Group) -> str:
    return f"{group.title} · when {group.when}" if group.when else group.title


def _box(box: Box, names: Mapping[str, str], states: Mapping[str, str]) -> str:
    state = state_of(box.nodes, states)
    lines = [sign_of(state) + box.title]
    if box.kind == "step":
        lines += [box.detail] * bool(box.detail) + [f"when {box.when}"] * bool(box.when)
    style = _STYLES.get(box.kind, "")
    if state:
        line, fill = _COLOURS[state]
        style = f'color="{line}", fillcolor="{fill}", '
    tooltip = _quoted(box.label, *([box.detail] if box.kind != "step" and box.detail else []), *box.facts)
    return f"{names[box.id]} [label={_quoted(*lines)}, {style}tooltip={tooltip}]"


def _edge(edge: Edge, names: Mapping[str, str]) -> str:
    told = [f"label={_quoted(edge.label)}"] if edge.label else []
    told += ["style=dashed"] if edge.kind != "data" else []
    told += [f"tooltip={_quoted(*(f'{flow.port or flow.into}: {flow.type}' for flow in edge.flows))}"] * bool(
        edge.flows
    )
    attributes = f" [{', '.join(told)}]" if told else ""
    return f"{names[edge.source]} -> {names[edge.target]}{attributes}"


def _quoted(*lines: str) -> str:
    """Return lines as one quoted text: Graphviz reads entities and backslashes in it."""
    escaped = (line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'
