"""Text as a terminal shows it: nothing in it is obeyed, nothing is hidden, and the columns it takes are known."""

from __future__ import annotations

import unicodedata

__all__ = ["Cell", "cells", "visible"]

TAB = 4
"""Columns from one tab stop to the next."""

Cell = tuple[str, int]
"""What is shown for one character, and how many columns that takes."""

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JOINERS = "\u200c\u200d"
_WIDE_SPACE = "\u3000"


def visible(text: str) -> str:
    """Return the text with all that a terminal would obey or hide spelled out: `\\x1b`, `\\n`, `\\u202e`, `\\xa0`."""
    if text.isprintable():
        return text
    return "".join(_spelled(char, text[i - 1] if i else "") for i, char in enumerate(text))


def cells(line: str) -> tuple[Cell, ...]:
    """Return what is shown for each character of a line: tabs as spaces, the rest as in `visible`."""
    if line.isascii() and line.isprintable():
        return tuple((char, 1) for char in line)
    shown: list[Cell] = []
    column, before = 0, ""
    for char in line:
        width = TAB - column % TAB if char == "\t" else 0
        cell = (" " * width, width) if width else _cell(char, before)
        shown.append(cell)
        column += cell[1]
        before = char
    return tuple(shown)


def _cell(char: str, before: str) -> Cell:
    text = _spelled(char, before)
    if text != char:
        return text, len(text)
    if char in _JOINERS or unicodedata.category(char) in ("Mn", "Me"):
        return text, 0
    return text, 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def _spelled(char: str, before: str) -> str:
    # Joiners make emoji and some scripts what they are; after ASCII they only hide in names that look alike.
    if char.isprintable() or char == _WIDE_SPACE or (char in _JOINERS and not before.isascii()):
        return char
    code = ord(char)
    if code < 0x100:
        return _NAMED.get(char, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
