"""HTML elements as text. What is not `Markup` is text from outside, and is escaped: there is no other way in."""

from __future__ import annotations

import html
import re

from specflow.diagnostics.render.characters import visible

__all__ = ["Markup", "block", "count", "joined", "size_text", "tag"]

_VOID = frozenset({"br", "img", "meta"})
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
"""Terminal sequences: CSI (colours, cursor), OSC (titles, links), other strings, and short ones."""


class Markup(str):
    """A text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str, **attributes: str | bool) -> Markup:
    """Return an element; `class_` is its class, an attribute that is false is left out."""
    told = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(value, quote=True)}"')
        for key, value in attributes.items()
        if value is not False
    )
    return Markup(f"<{name}{told}>" if name in _VOID else f"<{name}{told}>{joined(*children)}</{name}>")


def joined(*parts: str) -> Markup:
    """Return parts one after the other, text among them escaped."""
    return Markup("".join(part if isinstance(part, Markup) else _escaped(part) for part in parts))


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)


def block(lines: list[str], longest: int) -> Markup:
    """Return lines as they stand in a log or a file: terminal sequences removed, long ones cut, tabs kept apart."""
    shown = []
    for line in lines:
        plain = _ESCAPES.sub("", line[: longest * 4]).expandtabs(4)
        shown.append(plain if len(plain) <= longest else f"{plain[:longest]} …")
    return tag("pre", Markup("\n".join(map(_escaped, shown))), tabindex="0")


def count(number: int, noun: str) -> str:
    """Return a number and its noun: `1 step`, `1,024 steps`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size_text(size: int) -> str:
    """Return a size as people read it: `12 B`, `3.4 kB`, `1.2 MB`."""
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.5:
            return f"{amount:.1f} {unit}" if amount < 99.5 else f"{amount:.0f} {unit}"
    return f"{amount / 1000:,.1f} TB"
