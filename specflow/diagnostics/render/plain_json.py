"""Diagnostics for programs: the JSON that `validate --format json` prints, stable from version 1 on."""

from __future__ import annotations

import json
from typing import Any

from specflow.diagnostics.model import Diagnostic, Span

__all__ = ["as_json"]


def as_json(shown: tuple[Diagnostic, ...], omitted: int) -> str:
    """Return `{"diagnostics": [...]}`, in ASCII; with the key `omitted` if there are more than are shown."""
    document: dict[str, Any] = {"diagnostics": [_diagnostic(diagnostic) for diagnostic in shown]}
    if omitted:
        document["omitted"] = omitted
    return json.dumps(document, indent=2) + "\n"


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        **_span(diagnostic.span),
        "help": diagnostic.help,
        "related": [{**_span(related.span), "message": related.message} for related in diagnostic.related],
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
