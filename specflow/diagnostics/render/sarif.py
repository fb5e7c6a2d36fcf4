"""Diagnostics as SARIF 2.1.0, the format of code scanning services (OASIS, 2020-03, with errata 01)."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from specflow import __version__
from specflow.diagnostics.codes import codes, explain, markdown
from specflow.diagnostics.model import Diagnostic, Span
from specflow.diagnostics.render import SourceOf, is_no_file

__all__ = ["as_sarif"]


def as_sarif(shown: tuple[Diagnostic, ...], omitted: int, source_of: SourceOf) -> str:
    """Return a log of one run, in ASCII: the rules that were broken, the results, and a note of what is left out."""
    names = sorted({diagnostic.code for diagnostic in shown})
    run: dict[str, Any] = {
        "tool": {"driver": {"name": "specflow", "version": __version__, "rules": [_rule(name) for name in names]}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, names.index(diagnostic.code), source_of) for diagnostic in shown],
    }
    if omitted:
        note = {"level": "note", "message": {"text": f"… and {omitted} more"}}
        run["invocations"] = [{"executionSuccessful": True, "toolExecutionNotifications": [note]}]
    log = {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(name: str) -> dict[str, Any]:
    code = codes().get(name)
    if code is None:  # a plug-in's
        return {"id": name}
    return {
        "id": name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.text},
        "help": {"text": explain(name), "markdown": markdown(code)},
        "defaultConfiguration": {"level": code.severity},
    }


def _result(diagnostic: Diagnostic, rule: int, source_of: SourceOf) -> dict[str, Any]:
    is_file = not is_no_file(diagnostic.span, source_of)
    message = diagnostic.message if is_file else f"{diagnostic.span.file}: {diagnostic.message}"
    text = f"{message}\nhelp: {diagnostic.help}" if diagnostic.help else message
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": text},
    }
    if is_file:
        result["locations"] = [_location(diagnostic.span)]
    related = [
        {"id": number, **_location(place.span), "message": {"text": place.message}}
        for number, place in enumerate(diagnostic.related, start=1)
        if not is_no_file(place.span, source_of)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _location(span: Span) -> dict[str, Any]:
    path = PurePath(span.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
