"""A picture in Mermaid's flowchart language: for READMEs, wikis and pull requests, which draw it themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from specflow.graph.draw.nesting import Place, identifiers, places
from specflow.graph.draw.picture import Box, Edge, Group, Picture
from specflow.graph.draw.states import sign_of, state_of

__all__ = ["MAX_EDGES", "MAX_LENGTH", "fits", "mermaid"]

MAX_EDGES = 500
MAX_LENGTH = 50_000
"""Mermaid's own defaults, `maxEdges` and `maxTextSize`; above them a page shows an error instead of a diagram."""

_SHAPES = {"step": ("[", "]"), "data": ("[(", ")]"), "input": ("([", "])"), "output": ("([", "])")}
_ARROWS = {"data": "-->", "condition": "-.->", "order": "-.->"}
_SPECIAL = re.compile(r"[^A-Za-z0-9 _.,:/()=×…·–✗■▶»✓≡À-ʯ\u0370-\u1fff\u3040-\ud7ff-]")
_FRAME = "fill:#8b949e1a,stroke:#8b949e"
"""Half transparent: pages with dark themes draw it too, and choose the colour of its text."""
_COLOURS = {
    "data": "fill:#e8eef7,stroke:#7a93b8,color:#1b2a41",
    "input": "fill:#e6f2ff,stroke:#5b9bd5,color:#1b2a41",
    "output": "fill:#e7f6ec,stroke:#5aa874,color:#12311d",
    "succeeded": "fill:#e7f6ec,stroke:#1a7f37,color:#12311d",
    "cached": "fill:#eef6f0,stroke:#57a773,color:#12311d",
    "failed": "fill:#ffebe9,stroke:#cf222e,color:#4c0d11",
    "skipped": "fill:#f0f1f3,stroke:#8c959f,color:#3d444d",
    "cancelled": "fill:#fff1e5,stroke:#bc4c00,color:#471b00",
    "running": "fill:#ddf4ff,stroke:#0969da,color:#0a2a4a",
}


def fits(picture: Picture) -> bool:
    """Return whether Mermaid draws a picture without being configured for it."""
    return len(picture.edges) <= MAX_EDGES and len(mermaid(picture, {})) <= MAX_LENGTH


def mermaid(picture: Picture, states: Mapping[str, str]) -> str:
    """Return the text of a flowchart, left to right: a subgraph per target, one per called pipeline inside it."""
    names = identifiers(picture)
    lines = ["flowchart LR", f"  %% {picture.name}"]
    if picture.note:
        lines.append(f'  note["{_escaped(picture.note)}"]')
    lines += (f"  {_box(box, names, states)}" for box in picture.boxes.values() if box.kind != "step")
    for lane in picture.lanes:
        lines.append(f'  subgraph {names[f"lane:{lane}"]}["{_escaped(lane)}"]')
        lines += _inside(places(picture, lane), picture, names, states, "    ")
        lines.append("  end")
    lines += (f"  {_edge(edge, names)}" for edge in picture.edges)
    lines += _classes(picture, names, states)
    return "\n".join(lines) + "\n"


def _inside(
    found: Iterable[Place], picture: Picture, names: Mapping[str, str], states: Mapping[str, str], indent: str
) -> Iterator[str]:
    for place in found:
        if isinstance(place, Box):
            yield indent + _box(place, names, states)
        else:
            title = _escaped(_title(picture.groups[place.group]))
            yield f'{indent}subgraph {names[place.id]}["{title}"]'
            yield from _inside(place.places, picture, names, states, f"{indent}  ")
            yield f"{indent}end"


def _title(group: Group) -> str:
    return f"{group.title} · when {group.when}" if group.when else group.title


def _box(box: Box, names: Mapping[str, str], states: Mapping[str, str]) -> str:
    opening, closing = _SHAPES[box.kind]
    lines = [sign_of(state_of(box.nodes, states)) + box.title]
    if box.kind == "step":
        lines += [box.detail] * bool(box.detail) + [f"when {box.when}"] * bool(box.when)
    label = "<br>".join(map(_escaped, lines))
    return f'{names[box.id]}{opening}"{label}"{closing}'


def _edge(edge: Edge, names: Mapping[str, str]) -> str:
    label = f'|"{_escaped(edge.label)}"|' if edge.label else ""
    return f"{names[edge.source]} {_ARROWS[edge.kind]}{label} {names[edge.target]}"


def _classes(picture: Picture, names: Mapping[str, str], states: Mapping[str, str]) -> Iterator[str]:
    members: dict[str, list[str]] = {}
    for box in picture.boxes.values():
        kind = state_of(box.nodes, states) if box.kind == "step" else box.kind
        if kind:
            members.setdefault(kind, []).append(names[box.id])
    frames = [name for id_, name in names.items() if id_.startswith(("lane:", "group:"))]
    yield f"  classDef frame {_FRAME}"
    yield f"  class {','.join(frames)} frame"
    for kind in _COLOURS:
        if kind in members:
            yield f"  classDef {kind} {_COLOURS[kind]}"
            yield f"  class {','.join(members[kind])} {kind}"
    if picture.note:
        yield "  style note fill:none,stroke:none"


def _escaped(text: str) -> str:
    """Return a text as it stands between quotes: all but harmless characters as `#code;`, which Mermaid decodes.

    Decoded, a backslash before `n` would still break the line, and `$$` begin a formula: a space without width parts
    them.
    """
    coded = _SPECIAL.sub(lambda found: f"#{ord(found[0])};", text)
    return coded.replace("#92;n", "#92;#8203;n").replace("#36;#36;", "#36;#8203;#36;")
