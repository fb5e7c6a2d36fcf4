"""Drawings of a graph, for people: a listing for a terminal, Mermaid, Graphviz, and a picture by itself (SVG)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from specflow.graph.draw import dot, mermaid, svg, text
from specflow.graph.draw.picture import Picture
from specflow.graph.draw.views import first_that
from specflow.graph.model import Graph

__all__ = ["FORMATS", "draw"]

FORMATS = ("text", "mermaid", "dot", "svg")


def draw(
    graph: Graph,
    placed: Mapping[str, str],
    format: str,  # noqa: A002
    *,
    expand: bool = True,
    colour: bool = False,
    width: int = 80,
    states: Mapping[str, str] | None = None,
) -> str:
    """Return a graph drawn in one of `FORMATS`.

    `placed` names the target of each node, `states` how far it is: the algebra's words and `running`; a node without
    one has not started. `expand` draws each instance of a matrix by itself, as long as the format can take that many;
    what is drawn as one box instead is said in the picture. `colour` and `width` are the terminal's, for `text` alone.
    """
    known = states or {}
    fits: Mapping[str, Callable[[Picture], bool]] = {"mermaid": mermaid.fits, "svg": svg.fits}
    picture = first_that(fits.get(format, lambda _: True), graph, placed, expand)
    if format == "text":
        return text.text(picture, known, colour=colour, width=width)
    drawers: Mapping[str, Callable[[Picture, Mapping[str, str]], str]]
    drawers = {"mermaid": mermaid.mermaid, "dot": dot.dot, "svg": svg.svg}
    return drawers[format](picture, known)
