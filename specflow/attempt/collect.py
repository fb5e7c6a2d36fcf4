"""After the process has ended well: are all required outputs there, of the right kind, and what values do they hold?"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from typing import Any, NamedTuple

from specflow.attempt.values import PATH_TYPES, parse_text

__all__ = ["Collected", "collect"]

MAX_VALUE_BYTES = 1_000_000


class Collected(NamedTuple):
    """What an attempt left: values and metrics read, ports that stayed empty, and what is wrong."""

    values: dict[str, Any]
    metrics: dict[str, dict[str, float]]
    absent: list[str]
    problems: list[str]


def collect(step: Mapping[str, Any], outputs: Mapping[str, str]) -> Collected:
    """Return what stands at the output paths; `problems` are sentences, and any of them fails the attempt."""
    found = Collected({}, {}, [], [])
    for port, facts in step["outputs"].items():
        try:
            _collect_port(port, facts, outputs[port], found)
        except (OSError, ValueError) as failure:
            why = failure.strerror if isinstance(failure, OSError) and failure.strerror else str(failure)
            found.problems.append(f'output "{port}": {why}')
    return found


def _collect_port(port: str, facts: Mapping[str, Any], path: str, found: Collected) -> None:
    kind = facts["type"]
    if os.path.islink(path):
        _replace_link(path)
    if not os.path.lexists(path) or _is_untouched(kind, path):
        found.absent.append(port)
        if not facts.get("optional"):
            is_folder = os.path.isdir(path)
            raise ValueError(
                "the step succeeded and left its folder empty" if is_folder else "the step did not write it"
            )
        return
    if kind in ("folder", "model"):
        if not os.path.isdir(path):
            raise ValueError("it is a file, and should be a folder")
        _refuse_links_outwards(path)
        return
    if not os.path.isfile(path):
        raise ValueError("it is a folder, and should be a file" if os.path.isdir(path) else "it is not a regular file")
    if kind == "metrics":
        found.metrics[port] = _metrics(path)
    elif kind not in PATH_TYPES:
        found.values[port] = _value(path, kind)


def _is_untouched(kind: str, path: str) -> bool:
    return kind in ("folder", "model") and os.path.isdir(path) and not os.listdir(path)


def _replace_link(path: str) -> None:
    """Put in a link's place what it points to: what is published must stand by itself."""
    target = os.path.realpath(path)
    if not os.path.exists(target):
        raise ValueError("it is a link that leads nowhere")
    os.unlink(path)
    if os.path.isdir(target):
        shutil.copytree(target, path)
    else:
        shutil.copy2(target, path)


def _refuse_links_outwards(folder: str) -> None:
    root = os.path.realpath(folder)
    for here, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(here, name)
            if os.path.islink(path) and not os.path.realpath(path).startswith(root + os.sep):
                raise ValueError(f'it holds a link that leads out of it: "{os.path.relpath(path, folder)}"')


def _read(path: str) -> str:
    if os.path.getsize(path) > MAX_VALUE_BYTES:
        raise ValueError(f"it is larger than {MAX_VALUE_BYTES} bytes")
    with open(path, "rb") as stream:
        raw = stream.read()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise ValueError(f"it is not UTF-8 at byte {failure.start}") from None


def _value(path: str, kind: str) -> Any:
    """Return the value that a file holds; one newline at its end is the editor's, or `echo`'s, not the value's."""
    text = _read(path)
    if text.endswith("\n"):
        text = text[:-2] if text.endswith("\r\n") else text[:-1]
    return parse_text(text, kind)


def _metrics(path: str) -> dict[str, float]:
    def refuse(word: str) -> float:
        raise ValueError(f"metrics are finite numbers, and one is {word}")

    try:
        loaded = json.loads(_read(path), parse_constant=refuse)
    except json.JSONDecodeError as failure:
        raise ValueError(f"it is not JSON: {failure.msg.lower()} in line {failure.lineno}") from None
    if not isinstance(loaded, dict):
        raise ValueError("metrics are one JSON object of names and numbers")
    for name, value in loaded.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f'metrics are numbers, and "{name}" is not one')
        if value in (float("inf"), float("-inf")):
            raise ValueError(f'metrics are finite numbers, and "{name}" is too large')
    return loaded
