"""The style sheet of a picture: plain rules, light first, then the dark ones for readers who prefer them.

No variables: not every tool that shows SVG knows them. All names begin with `sf-`, for a page may hold the picture.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["style_sheet"]

_SHAPES = """\
.sf-picture{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif}
.sf-name{font-size:16px;font-weight:600}
.sf-title{font-size:13px;font-weight:600}
.sf-said,.sf-lane-name{font-size:12px}
.sf-lane-name,.sf-group-name{font-weight:600}
.sf-detail,.sf-when,.sf-tally,.sf-end-name,.sf-group-name,.sf-caption,.sf-note{font-size:11px}
.sf-when{font-style:italic}
.sf-label{font-size:10.5px}
.sf-line{fill:none;stroke-width:1.4}
.sf-by-condition .sf-line{stroke-dasharray:6 4}
.sf-by-order .sf-line{stroke-dasharray:2 4}
.sf-near{fill:none;stroke:transparent;stroke-width:11;pointer-events:stroke}
.sf-group{stroke-dasharray:2 3}
.sf-over{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}
.sf-sign path{fill:none;stroke-width:1.9;stroke-linecap:round;stroke-linejoin:round}
"""
_COLOURS = (
    (".sf-page", "fill", "#ffffff", "#0d1117"),
    (".sf-name,.sf-title,.sf-end-name", "fill", "#1f2328", "#f0f6fc"),
    (".sf-said,.sf-detail,.sf-tally,.sf-caption,.sf-lane-name,.sf-group-name", "fill", "#59636e", "#9fa8b2"),
    (".sf-note,.sf-when", "fill", "#8a5a00", "#d9a441"),
    (".sf-label", "fill", "#59636e", "#b7bdc8"),
    (".sf-lane", "fill", "#f6f8fa", "#151b23"),
    (".sf-over", "stroke", "#f6f8fa", "#151b23"),
    (".sf-lane", "stroke", "#d1d9e0", "#3d444d"),
    (".sf-group", "fill", "#eceff3", "#1d242d"),
    (".sf-group", "stroke", "#8c959f", "#656c76"),
    (".sf-step", "fill", "#ffffff", "#2a313c"),
    (".sf-step", "stroke", "#818b98", "#7d8794"),
    (".sf-data", "fill", "#f5f0ff", "#271f3d"),
    (".sf-data", "stroke", "#a475f9", "#8a63d2"),
    (".sf-input", "fill", "#ddf4ff", "#12263f"),
    (".sf-input", "stroke", "#54aeff", "#388bfd"),
    (".sf-output", "fill", "#dafbe1", "#12301c"),
    (".sf-output", "stroke", "#4ac26b", "#2ea043"),
    (".sf-line", "stroke", "#818b98", "#8b949e"),
    (".sf-head", "fill", "#818b98", "#8b949e"),
    (".sf-edge:hover .sf-line", "stroke", "#0969da", "#58a6ff"),
    (".sf-edge:hover .sf-head", "fill", "#0969da", "#58a6ff"),
    (".sf-sign path", "stroke", "#ffffff", "#0d1117"),
)
"""Selector, property, and its colour in light and in dark."""
_STATES = (
    ("succeeded", "#1a7f37", "#3fb950", "#f0fff4", "#12261a"),
    ("cached", "#1b7c83", "#39c5cf", "#effbfb", "#11272a"),
    ("failed", "#cf222e", "#f85149", "#fff0ee", "#3a1518"),
    ("skipped", "#818b98", "#7d8794", "#f6f8fa", "#1c2128"),
    ("cancelled", "#bc4c00", "#db6d28", "#fff5eb", "#33200f"),
    ("running", "#0969da", "#58a6ff", "#eef7ff", "#11243d"),
)
"""State, the colour of its lines and sign in light and in dark, that of its boxes in light and in dark."""


def style_sheet(states: Iterable[str]) -> str:
    """Return the rules, with those of the states that a picture shows."""
    shown = set(states)
    colours = list(_COLOURS)
    for state, line, dark_line, face, dark_face in _STATES:
        if state in shown:
            colours.append((f".sf-is-{state} .sf-step", "fill", face, dark_face))
            colours.append((f".sf-is-{state} .sf-step", "stroke", line, dark_line))
            colours.append((f".sf-is-{state} .sf-sign circle", "fill", line, dark_line))
    light = "".join(f"{selector}{{{name}:{colour}}}\n" for selector, name, colour, _ in colours)
    dark = "".join(f"{selector}{{{name}:{colour}}}\n" for selector, name, _, colour in colours)
    return f"{_SHAPES}{light}@media (prefers-color-scheme:dark){{\n{dark}}}\n"
