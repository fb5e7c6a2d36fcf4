"""Spans and diagnostics: frozen data that every stage before running returns instead of raising."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["LIMIT", "Diagnostic", "Related", "Severity", "Span", "error", "from_plain", "has_errors", "tidy", "warning"]

Severity = Literal["error", "warning"]

LIMIT = 50
"""How many diagnostics are shown at most; the rest is counted."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one file; lines and columns count characters from 1, the end is exclusive."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """A second place that belongs to a finding, with a word on what it shows."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: what is wrong, where, and the way out."""

    severity: Severity
    code: str
    message: str
    span: Span
    help: str = ""
    related: tuple[Related, ...] = ()


def error(code: str, message: str, span: Span, help: str = "", *related: Related) -> Diagnostic:  # noqa: A002
    """Return a finding that stops the spec from being used."""
    return Diagnostic("error", code, message, span, help, related)


def warning(code: str, message: str, span: Span, help: str = "", *related: Related) -> Diagnostic:  # noqa: A002
    """Return a finding that the user should see, and that stops nothing."""
    return Diagnostic("warning", code, message, span, help, related)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Return whether any of them stops the spec from being used."""
    return any(d.severity == "error" for d in diagnostics)


def from_plain(told: Mapping[str, Any]) -> Diagnostic:
    """Return the finding that `dataclasses.asdict` made a plain mapping of."""
    related = tuple(Related(Span(**place["span"]), place["message"]) for place in told["related"])
    return Diagnostic(**{**told, "span": Span(**told["span"]), "related": related})


def tidy(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return them in order of place, each once.

    A file that several specs use is checked once for each, so the same finding may come more than once.
    """
    unique = dict.fromkeys(diagnostics)
    return tuple(sorted(unique, key=lambda d: (d.span, d.severity, d.code, d.message)))
