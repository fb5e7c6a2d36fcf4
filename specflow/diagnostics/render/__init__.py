"""Diagnostics as people and other programs read them: one module per format, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from specflow.diagnostics.model import LIMIT, Diagnostic, Span, tidy

__all__ = ["FORMATS", "Format", "SourceOf", "is_no_file", "render"]

Format = Literal["text", "json", "sarif", "github"]
FORMATS: tuple[Format, ...] = ("text", "json", "sarif", "github")

SourceOf = Callable[[str], "str | None"]
"""The text of a file that a span names, read leniently; None for what is no file, such as `--profile`."""


def render(
    diagnostics: Iterable[Diagnostic],
    format: Format,  # noqa: A002 - the option's name
    source_of: SourceOf,
    *,
    colour: bool = False,
    width: int | None = None,
) -> str:
    """Return the diagnostics in a format: in order of place, each once, with a newline at the end.

    At most LIMIT are shown, errors before warnings; the rest is counted. Without any, text and github are empty.
    `colour` and `width` matter to the text format; a width of None is for what is no terminal.
    """
    found = tidy(diagnostics)
    shown = _most_important(found)
    if format == "text":
        from specflow.diagnostics.render.text import as_text

        return as_text(shown, found, source_of, colour=colour, width=width)
    if format == "json":
        from specflow.diagnostics.render.plain_json import as_json

        return as_json(shown, len(found) - len(shown))
    if format == "sarif":
        from specflow.diagnostics.render.sarif import as_sarif

        return as_sarif(shown, len(found) - len(shown), source_of)
    from specflow.diagnostics.render.github import as_github

    return as_github(shown, len(found) - len(shown), source_of)


def is_no_file(span: Span, source_of: SourceOf) -> bool:
    """Return whether a span means what can't be pointed into: a word of the command, or a file that can't be read."""
    return span == Span(span.file) and source_of(span.file) is None


def _most_important(found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Return as many as are shown, in order; a warning never takes the place of an error."""
    if len(found) <= LIMIT:
        return found
    ranked = sorted(range(len(found)), key=lambda i: (found[i].severity != "error", i))
    return tuple(found[i] for i in sorted(ranked[:LIMIT]))
