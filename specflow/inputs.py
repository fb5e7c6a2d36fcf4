"""The inputs of a run: what the user gave on the command line, typed and checked, with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.values import PATH_TYPES, parse_text, value_problem
from specflow.diagnostics import Diagnostic, Span, error
from specflow.plan import Plan

__all__ = ["read_inputs"]


def read_inputs(
    plan: Plan, given: Mapping[str, list[str]], here: FilePath
) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """Return the value of every input that was given, and what is wrong with what was given.

    `given` holds the texts by name, in order (a name given several times makes a list). A path is relative to `here`.
    Inputs with a default, and optional ones, may be left out; they are not in the result then.
    """
    declared = plan.document["inputs"]
    values: dict[str, Any] = {}
    found: list[Diagnostic] = []
    for name, texts in given.items():
        place = Span(f"-i {name}")
        if name not in declared:
            message = f'"{plan.name}" has no input "{name}"'
            found.append(error("unknown-input", message, place, _nearest(name, declared)))
            continue
        value, problem = _value(declared[name], texts, here)
        if problem is not None:
            found.append(error(problem[0], f'input "{name}": {problem[1]}', place))
        else:
            values[name] = value
    for name, facts in declared.items():
        if name not in given and facts["default"] is None and not facts["optional"]:
            help_ = f"add -i {name}=…"
            found.append(
                error("missing-input", f'"{plan.name}" needs a value for its input "{name}"', Span("-i"), help_)
            )
    return values, tuple(found)


def _nearest(name: str, declared: Mapping[str, Any]) -> str:
    from specflow.spec.types import nearest  # brings the whole language with it

    return nearest(name, declared)


def _value(facts: Mapping[str, Any], texts: list[str], here: FilePath) -> tuple[Any, tuple[str, str] | None]:
    if len(texts) > 1 and not facts.get("many"):
        return None, ("one-fed-by-many", "it takes one value, and several were given")
    read: list[Any] = []
    for text in texts:
        value, problem = _single(facts, text, here)
        if problem is not None:
            return None, problem
        read.append(value)
    value = read if facts.get("many") else read[0]
    return value, value_problem(value, {key: item for key, item in facts.items() if key != "default"})


def _single(facts: Mapping[str, Any], text: str, here: FilePath) -> tuple[Any, tuple[str, str] | None]:
    if facts["type"] in PATH_TYPES:
        return _path(facts["type"], text, here)
    try:
        return parse_text(text, facts["type"]), None
    except ValueError as failure:
        return None, ("type-mismatch", str(failure))


def _path(kind: str, text: str, here: FilePath) -> tuple[str | None, tuple[str, str] | None]:
    path = here / FilePath(text).expanduser()
    if not path.exists():
        return None, ("data-missing", f'there is nothing at "{text}"')
    if kind in ("folder", "model") and not path.is_dir():
        what = "a file" if path.is_file() else "neither a file nor a folder"
        return None, ("type-mismatch", f'"{text}" is {what}, and this takes a folder')
    if kind in ("file", "metrics") and not path.is_file():
        what = "a folder" if path.is_dir() else "neither a file nor a folder"
        return None, ("type-mismatch", f'"{text}" is {what}, and this takes a file')
    return str(path.resolve()), None
