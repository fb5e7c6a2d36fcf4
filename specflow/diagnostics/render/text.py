"""Diagnostics for people: a header line, the source with what is meant underlined, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from specflow.diagnostics.model import Diagnostic, Span
from specflow.diagnostics.render import SourceOf, is_no_file
from specflow.diagnostics.render.characters import Cell, cells, visible

__all__ = ["as_text"]

WIDTH = 160
"""Columns of what is no terminal: a line of a hundred thousand characters would help nobody."""
LEAST_ROOM = 20
"""Columns left for the source, however narrow the terminal."""

_STYLES = {"error": "1;31", "warning": "1;33", "place": "1", "code": "2", "gutter": "34", "related": "36", "help": "1"}


def as_text(
    shown: tuple[Diagnostic, ...],
    found: tuple[Diagnostic, ...],
    source_of: SourceOf,
    *,
    colour: bool,
    width: int | None,
) -> str:
    """Return the shown ones as blocks, then how many of all found are left out, and how many there are of each kind."""
    if not found:
        return ""
    page = _Page(source_of, colour, width or WIDTH)
    blocks = ["\n".join(line.rstrip() for line in page.block(diagnostic)) for diagnostic in shown]
    more = len(found) - len(shown)
    end = [f"… and {more} more"] if more else []
    return "\n\n".join([*blocks, "\n".join([*end, _summary(found, page)])]) + "\n"


def _summary(found: tuple[Diagnostic, ...], page: _Page) -> str:
    """Return how many errors and warnings there are, in how many files."""
    counts = {kind: sum(d.severity == kind for d in found) for kind in ("error", "warning")}
    told = ", ".join(_count(number, kind) for kind, number in counts.items() if number)
    files = {d.span.file for d in found if not is_no_file(d.span, page.source)}
    return f"{told} in {_count(len(files), 'file')}" if files else told


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class _Page:
    """How diagnostics are laid out for one reader; each source is asked for once."""

    def __init__(self, source_of: SourceOf, colour: bool, width: int) -> None:
        self.source, self.colour, self.width = cache(source_of), colour, width
        self.lines = cache(self.split)

    def block(self, diagnostic: Diagnostic) -> Iterator[str]:
        """Yield the lines that show one diagnostic."""
        spans = (diagnostic.span, *(related.span for related in diagnostic.related))
        gutter = max((len(str(span.line)) for span in spans if self.line(span) is not None), default=1)
        margin = " " * gutter
        yield self.header(diagnostic)
        if self.line(diagnostic.span) is not None:
            yield self.paint(f"{margin} |", "gutter")
            yield from self.frame(diagnostic.span, gutter, "^", diagnostic.severity, "")
        for related in diagnostic.related:
            place = f"{self.paint(f'{margin} :::', 'gutter')} {self.place(related.span)}"
            if self.line(related.span) is None:
                yield f"{place}: {visible(related.message)}"
            else:
                yield place
                yield from self.frame(related.span, gutter, "-", "related", visible(related.message))
        if diagnostic.help:
            yield f"{self.paint(f'{margin} =', 'gutter')} {self.paint('help:', 'help')} {visible(diagnostic.help)}"

    def header(self, diagnostic: Diagnostic) -> str:
        place = self.paint(f"{self.place(diagnostic.span)}:", "place")
        severity = self.paint(f"{diagnostic.severity}:", diagnostic.severity)
        return f"{place} {severity} {visible(diagnostic.message)} {self.paint(f'[{diagnostic.code}]', 'code')}"

    def place(self, span: Span) -> str:
        """Return the place; its file alone where there is nothing to point into."""
        file = visible(span.file)
        return file if is_no_file(span, self.source) else f"{file}:{span.line}:{span.column}"

    def frame(self, span: Span, gutter: int, sign: str, style: str, label: str) -> Iterator[str]:
        """Yield the first line of a span, and a line of signs below what the span covers of it."""
        line = self.line(span) or ""
        start, end, goes_on = _covered(span, line)
        room = max(self.width - gutter - 3, LEAST_ROOM)
        shown, offset, length = _cut(cells(line), start, end, room)
        signs = self.paint(sign * length + ("…" if goes_on else "") + (f" {label}" if label else ""), style)
        yield f"{self.paint(f'{span.line:>{gutter}} |', 'gutter')} {shown}"
        yield f"{self.paint(' ' * gutter + ' |', 'gutter')} {' ' * offset}{signs}"

    def line(self, span: Span) -> str | None:
        """Return the first line of a span; None without a source, and for a line that shows nothing."""
        lines = self.lines(span.file)
        if lines is None or not 0 < span.line <= len(lines) or not lines[span.line - 1].strip():
            return None
        return lines[span.line - 1]

    def split(self, file: str) -> list[str] | None:
        text = self.source(file)
        if text is None:
            return None
        # The line ends that spans count; str.splitlines knows more.
        return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.colour and text else text


def _covered(span: Span, line: str) -> tuple[int, int, bool]:
    """Return which characters of its first line a span covers, and whether it goes on below that line."""
    start = min(span.column - 1, len(line))
    if span.end_line <= span.line:
        return start, min(span.end_column - 1, len(line)), False
    last = span.end_line - 1 if span.end_column == 1 else span.end_line
    return start, len(line), last > span.line


def _cut(line: tuple[Cell, ...], start: int, end: int, room: int) -> tuple[str, int, int]:
    """Return as much of a line as there is room for, and at which column and how far to underline it.

    What is underlined stays in sight, its beginning at least; a "…" stands where something is left out.
    """
    columns = [0, *accumulate(width for _, width in line)]
    offset, total = columns[start], columns[-1]
    length = max(columns[max(end, start)] - offset, 1)
    if max(total, offset + length) <= room:
        return "".join(text for text, _ in line), offset, length
    context = max((room - length) // 2, room // 4)
    left = max(min(offset - context, total - room), 0)
    first = next((i for i, (_, width) in enumerate(line) if left == 0 or (columns[i] > left and width)), len(line))
    before = "…" if first else ""
    limit = columns[first] + room - len(before)
    last = next((i for i in range(len(line), first, -1) if columns[i] + (i < len(line)) <= limit), first)
    after = "…" if last < len(line) else ""
    shown = "".join(text for text, _ in line[first:last])
    at = offset - columns[first] + len(before)
    return f"{before}{shown}{after}", at, max(min(length, columns[last] - offset), 1)
