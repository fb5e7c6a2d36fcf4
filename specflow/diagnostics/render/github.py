"""Diagnostics as GitHub's workflow commands: annotations beside the lines of a pull request."""

from __future__ import annotations

from specflow.diagnostics.model import Diagnostic, Span
from specflow.diagnostics.render import SourceOf, is_no_file
from specflow.diagnostics.render.characters import visible

__all__ = ["as_github"]


def as_github(shown: tuple[Diagnostic, ...], omitted: int, source_of: SourceOf) -> str:
    """Return one command per line; a last notice counts what is left out."""
    lines = [_command(diagnostic, is_no_file(diagnostic.span, source_of)) for diagnostic in shown]
    if omitted:
        lines.append(f"::notice title=specflow::… and {omitted} more")
    return "".join(f"{line}\n" for line in lines)


def _command(diagnostic: Diagnostic, has_no_place: bool) -> str:
    properties = {**({} if has_no_place else _place(diagnostic.span)), "title": diagnostic.code}
    told = ",".join(f"{key}={_escaped_property(visible(value))}" for key, value in properties.items())
    related = (f"{_shown_place(place.span)}: {place.message}" for place in diagnostic.related)
    message = f"{diagnostic.span.file}: {diagnostic.message}" if has_no_place else diagnostic.message
    text = "\n".join(visible(line) for line in (message, *related, diagnostic.help) if line)
    return f"::{diagnostic.severity} {told}::{_escaped(text)}"


def _place(span: Span) -> dict[str, str]:
    """Return the properties that say where.

    GitHub refuses columns where the lines differ, and counts the end in: actions/runner#2082, 2022-08.
    """
    has_whole_end = span.end_column == 1 and span.end_line > span.line
    end_line = span.end_line - 1 if has_whole_end else span.end_line
    place = {"file": span.file, "line": str(span.line), "endLine": str(end_line)}
    if span.end_line == span.line:
        place |= {"col": str(span.column), "endColumn": str(max(span.end_column - 1, span.column))}
    return place


def _shown_place(span: Span) -> str:
    return f"{span.file}:{span.line}:{span.column}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
