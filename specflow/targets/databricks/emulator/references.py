"""Dynamic value references: `{{job.run_id}}`, `{{tasks.a.values.k}}` and their like.

Source: docs.databricks.com/jobs/dynamic-value-references. There are no expressions. An unknown namespace or a missing
brace leaves the text as it is; a bad name in a known namespace is an error. What was put in is not looked at again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from datetime import datetime, timezone
from typing import Any

__all__ = ["BadReference", "check_references", "moment", "resolve", "value_text"]

_REFERENCE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_PART = re.compile(r"`([^`]+)`|([A-Za-z0-9_]+)")
_MOMENT = frozenset(
    {"iso_date", "iso_datetime", "timestamp_ms", "is_weekday", "iso_weekday"}
    | {"year", "month", "day", "hour", "minute", "second"}
)
_TASK_WORDS = frozenset({"run_id", "result_state", "error_code", "execution_count", "notebook_path"})
_NAMESPACES = frozenset({"job", "task", "tasks", "input", "workspace"})


class BadReference(Exception):  # noqa: N818 - it says what it is
    """A reference whose namespace is known and whose name is not."""


def parts_of(text: str) -> tuple[str, ...] | None:
    """Return the parts of a reference, backticks off; None if it is none: wrong characters, or an unknown namespace."""
    parts, end = [], 0
    while True:
        match = _PART.match(text, end)
        if match is None:
            return None
        parts.append(match[1] or match[2])
        end = match.end()
        if end == len(text):
            break
        if text[end] != ".":
            return None
        end += 1
    return tuple(parts) if parts[0] in _NAMESPACES else None


def resolve(text: str, value_of: Callable[[tuple[str, ...]], str]) -> str:
    """Return a text with each reference in the place of its value; `value_of` raises BadReference for a bad name."""

    def replace(match: re.Match[str]) -> str:
        parts = parts_of(match[1])
        return match[0] if parts is None else value_of(parts)

    return _REFERENCE.sub(replace, text) if "{{" in text else text


def check_references(text: str, tasks: Collection[str], parameters: Collection[str], *, in_loop: bool) -> None:
    """Raise BadReference for a reference that no run could resolve: a bad name, an unknown task or job parameter."""
    for match in _REFERENCE.finditer(text):
        parts = parts_of(match[1])
        if parts is not None and not _is_known(parts, tasks, parameters, in_loop):
            raise BadReference(f"{match[0]} can't be resolved")


def _is_known(parts: tuple[str, ...], tasks: Collection[str], parameters: Collection[str], in_loop: bool) -> bool:
    match parts:
        case ("job", "id" | "name" | "run_id" | "repair_count"):
            return True
        case ("job", "trigger", "type"):
            return True
        case ("job", "start_time", word) | ("job", "trigger", "time", word):
            return word in _MOMENT
        case ("job", "parameters", name):
            return name in parameters
        case ("task", "name" | "run_id" | "execution_count" | "notebook_path"):
            return True
        case ("tasks", task, "values", _):
            return task in tasks
        case ("tasks", task, word):
            return task in tasks and word in _TASK_WORDS
        case ("workspace", "id" | "url"):
            return True
        case ("input", *rest):
            return in_loop and len(rest) <= 1
    return False


def moment(seconds: float, word: str) -> str:
    """Return one word of a time, in UTC."""
    time = datetime.fromtimestamp(seconds, timezone.utc)
    words = {
        "iso_date": time.strftime("%Y-%m-%d"),
        "iso_datetime": time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z",
        "timestamp_ms": str(int(seconds * 1000)),
        "is_weekday": "true" if time.isoweekday() <= 5 else "false",
        "iso_weekday": str(time.isoweekday()),
        **{unit: str(getattr(time, unit)) for unit in ("year", "month", "day", "hour", "minute", "second")},
    }
    if word not in words:
        raise BadReference(f"a time has no {word}")
    return words[word]


def value_text(value: Any) -> str:
    """Return a task value or an input as the text that stands for it: strings as they are, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
