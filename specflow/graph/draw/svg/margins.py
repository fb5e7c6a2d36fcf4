"""What stands around a drawing: above it its name and what is said of it, below it what lines and signs mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from specflow.graph.draw.picture import Picture
from specflow.graph.draw.states import SIGNS, tally
from specflow.graph.draw.svg import paint
from specflow.graph.draw.svg.metrics import shortened, text_width

__all__ = ["LINE", "captions", "head", "legend"]

LINE = 19.0
"""Pixels from one line to the next."""
_EDGES = {"data": "data", "condition": "asked by a condition", "order": "order alone"}
_GAP = 18.0


def head(picture: Picture, states: Mapping[str, str], x: float, y: float, width: float) -> list[str]:
    """Return the lines above a drawing, `LINE` pixels apart."""
    told = tally((node for box in picture.of_kind("step") for node in box.nodes), states)
    lines = [
        ("name", picture.name, 16.0),
        ("said", picture.description, 12.0),
        ("said", f"{picture.summary}: {told}" if told else picture.summary, 12.0),
        ("note", picture.note, 11.0),
    ]
    shown = [(kind, shortened(text, width, size, bold=kind == "name")) for kind, text, size in lines if text]
    return [paint.written(kind, x, y + LINE * index, text) for index, (kind, text) in enumerate(shown)]


def legend(picture: Picture, states: Mapping[str, str], x: float, y: float) -> tuple[list[str], float]:
    """Return the line that explains kinds of edges and states, where there is more than data, and its width."""
    kinds = {edge.kind for edge in picture.edges}
    parts: list[str] = []
    start = x
    for kind in _EDGES if kinds - {"data"} else ():
        if kind in kinds:
            line = f'<path class="sf-line" d="M{paint.number(x)} {paint.number(y - 4)}h26"/>'
            parts.append(f'<g class="sf-by-{kind}">{line}</g>{paint.written("caption", x + 32, y, _EDGES[kind])}')
            x += 32 + text_width(_EDGES[kind], 11.0) + _GAP
    for state in SIGNS:
        if state in states.values():
            mark = paint.sign(state, x + 7, y - 4)
            parts.append(f'<g class="sf-is-{state}">{mark}</g>{paint.written("caption", x + 19, y, state)}')
            x += 19 + text_width(state, 11.0) + _GAP
    return parts, x - start


def captions(tops: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    """Yield a word above each column of ends: `data`, `inputs`, `outputs`."""
    words = {"data": "data", "input": "inputs", "output": "outputs"}
    for kind, (middle, top) in tops.items():
        yield paint.written("caption", middle, top - 8, words[kind], "middle")
