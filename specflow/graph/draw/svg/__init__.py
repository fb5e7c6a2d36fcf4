"""A picture as SVG that needs nothing else: swim-lanes by target, steps from left to right, light and dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from specflow.graph.draw.picture import Box, Edge, Picture
from specflow.graph.draw.states import state_of, tally
from specflow.graph.draw.svg import paint
from specflow.graph.draw.svg.grid import exits
from specflow.graph.draw.svg.layout import Layout, Rect, layout
from specflow.graph.draw.svg.margins import LINE, captions, head, legend
from specflow.graph.draw.svg.sizes import faces, title_lines
from specflow.graph.draw.svg.style import style_sheet

__all__ = ["MAX_ABREAST", "MAX_BOXES", "MAX_EDGES", "fits", "svg"]

MAX_BOXES = 150
MAX_EDGES = 400
MAX_ABREAST = 24
"""Boxes, edges, and boxes of one stage; more can't be followed by eye."""
BORDER = 24.0
NARROWEST = 520.0


def fits(picture: Picture) -> bool:
    """Return whether a picture is small enough to be looked at."""
    widest = max(Counter(picture.stages().values()).values())
    return len(picture.boxes) <= MAX_BOXES and len(picture.edges) <= MAX_EDGES and widest <= MAX_ABREAST


def svg(picture: Picture, states: Mapping[str, str]) -> str:
    """Return the text of an SVG document; it may be a file, or stand in a page as it is."""
    shown = faces(picture, states, exits(picture))
    plan = layout(picture, shown)
    key, key_width = legend(picture, states, BORDER, 0)
    width = max(plan.width, key_width, NARROWEST) + 2 * BORDER
    above = head(picture, states, BORDER, BORDER + 12, width - 2 * BORDER)
    top = BORDER + LINE * len(above) + 24
    height = top + plan.height + BORDER + (LINE + 6 if key else 0)
    drawn = (
        *(paint.frame("lane", rect, 10) for rect in plan.lanes.values()),
        *(paint.group(picture.groups[group], rect) for group, rect in plan.groups),
        *(
            paint.edge(edge, route, _flows(picture, edge))
            for edge, route in zip(picture.edges, plan.routes, strict=True)
        ),
        *_headings(picture, plan),
        *(paint.label(label) for label in plan.labels),
        *(
            paint.box(box, shown[box.id], plan.boxes[box.id], state_of(box.nodes, states), _tooltip(box, states))
            for box in picture.boxes.values()
        ),
    )
    size = " ".join(f'{name}="{paint.number(value)}"' for name, value in (("width", width), ("height", height)))
    view = f'viewBox="0 0 {paint.number(width)} {paint.number(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sf-picture" role="img" {size} {view}',
        f' aria-label="{paint.escaped(picture.name)}">',
        f"<style>\n{style_sheet(states.values())}</style>",
        paint.frame("page", Rect(0, 0, width, height), 0),
        *above,
        f'<g transform="translate({paint.number(BORDER)} {paint.number(top)})">',
        *drawn,
        "</g>",
        *([f'<g transform="translate(0 {paint.number(height - BORDER + 4)})">', *key, "</g>"] if key else []),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _headings(picture: Picture, plan: Layout) -> Iterator[str]:
    """Yield the names of lanes and groups, and the words above the margins' columns."""
    for lane, rect in plan.lanes.items():
        yield paint.heading(rect, (("lane-name", lane),))
    for group, rect in plan.groups:
        yield paint.heading(rect, title_lines(picture.groups[group]))
    tops: dict[str, tuple[float, float]] = {}
    for box in picture.boxes.values():
        rect = plan.boxes[box.id]
        if box.kind != "step" and (box.kind not in tops or rect.y < tops[box.kind][1]):
            tops[box.kind] = (rect.x + rect.width / 2, rect.y)
    yield from captions(tops)


def _tooltip(box: Box, states: Mapping[str, str]) -> tuple[str, ...]:
    said = [f"on {box.lane}"] * bool(box.lane) + [f"when {box.when}"] * bool(box.when)
    told = tally(box.nodes, states)
    return (box.label, *([box.detail] if box.detail else []), *said, *box.facts, *([told] if told else []))


def _flows(picture: Picture, edge: Edge) -> tuple[str, ...]:
    """Return what passes along an edge, a line each: `prepare.train → train.table: file/csv`."""
    source, target = picture.boxes[edge.source], picture.boxes[edge.target]
    first = f"{source.label} → {target.label}"
    if not edge.flows:
        return (first if edge.kind == "data" else f"{target.label} after {source.label}",)
    left = [f"{source.label}.{flow.port}" if flow.port else source.label for flow in edge.flows]
    right = [f"{target.label}.{flow.into}" if target.kind == "step" else target.label for flow in edge.flows]
    return tuple(f"{a} → {b}: {flow.type}" for a, b, flow in zip(left, right, edge.flows, strict=True))
