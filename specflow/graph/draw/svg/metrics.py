"""How wide a text is in a picture that doesn't know its reader's fonts: as wide as the widest usual one makes it."""

from __future__ import annotations

import unicodedata

__all__ = ["folded", "shortened", "text_width"]

_EMS = (
    (0.37, " '-,./:;\\|fijlIJ"),
    (0.42, '!()[]rt"'),
    (0.56, "*_`?FLcksz"),
    (0.62, "PTYaeovxy"),
    (0.72, "ABCKRVXZ"),
    (0.84, "#+<=>^~&DGHNOQUw"),
    (1.0, "%@MWm"),
)
"""Widths in DejaVu Sans, rounded up; the rest of ASCII takes 0.65. Verdana is as wide, other usual fonts narrower."""
_WIDTH = {char: width for width, chars in _EMS for char in chars}
_BOLD = 1.14


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a text in pixels, at the most."""
    return sum(map(_em, text)) * size * (_BOLD if bold else 1)


def shortened(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """Return a text that fits into `room` pixels: cut in the middle, for both ends of a name tell it from others."""
    if text_width(text, size, bold=bold) <= room:
        return text
    scale = size * (_BOLD if bold else 1)
    left = (room / scale - _em("…")) / 2
    right = left
    start, end = 0, len(text)
    while start < end and _em(text[start]) <= left:
        left -= _em(text[start])
        start += 1
    right += left  # what the first half leaves over
    while end > start and _em(text[end - 1]) <= right:
        right -= _em(text[end - 1])
        end -= 1
    return f"{text[:start]}…{text[end:]}"


def folded(text: str, room: float, size: float) -> list[str]:
    """Return a text on one line, or on two where it is too long for one: cut in the middle of the second, if at all."""
    words = text.split(" ")
    count = len(words)
    while count > 1 and text_width(" ".join(words[:count]), size) > room:
        count -= 1
    lines = (" ".join(words[:count]), " ".join(words[count:]))
    return [shortened(line, room, size) for line in lines if line]


def _em(char: str) -> float:
    if char.isascii():
        return _WIDTH.get(char, 0.65)
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.category(char) == "So":
        return 1.3
    base = unicodedata.normalize("NFD", char)[0]
    return _em(base) if base.isascii() else 1.1
