"""Texts in columns of a terminal: how wide they are, cut to fit, wrapped, and painted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from specflow.diagnostics.render.characters import cells

__all__ = ["Span", "clipped", "columns", "padded", "painted", "wrapped"]

Span = tuple[str, str]
"""A piece of a line, and the name of its style."""

_CODES = {
    "heading": "1",
    "step": "1",
    "target": "36",
    "faint": "2",
    "failed": "31",
    "cancelled": "33",
    "running": "36",
    "skipped": "2",
    "succeeded": "32",
    "cached": "32",
}
"""ANSI codes by style."""


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(width for _, width in cells(text))


def clipped(text: str, width: int) -> str:
    """Return a text in at most `width` columns; a longer one ends in an ellipsis."""
    if columns(text) <= width:
        return text
    kept, room = [], width - 1
    for char, taken in cells(text):
        room -= taken
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Return a text in exactly `width` columns: cut, or filled up with blanks."""
    shown = clipped(text, width)
    return shown + " " * (width - columns(shown))


def wrapped(words: Sequence[str], width: int, joint: str, most: int = 1_000) -> list[str]:
    """Return words in lines of at most `width` columns, `joint` and a space between them.

    What goes beyond `most` lines is counted in the last one.
    """
    lines: list[str] = []
    starts: list[int] = []
    for index, word in enumerate(words):
        piece = word + joint if index < len(words) - 1 else word
        if lines and columns(lines[-1]) + 1 + columns(piece) <= width:
            lines[-1] += f" {piece}"
        elif len(lines) == most:
            return [*lines[:-1], f"… {len(words) - starts[-1]} more"]
        else:
            lines.append(clipped(piece, width))
            starts.append(index)
    return lines


def painted(line: Iterable[Span], *, colour: bool) -> str:
    """Return the text of a line, with ANSI codes for its styles if `colour`."""
    return "".join(f"\x1b[{_CODES[style]}m{text}\x1b[0m" if colour and style and text else text for text, style in line)
