"""After the process has ended well: are all required outputs there, of the right kind, and what values do they hold?"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from specflow.attempt.addresses import holds_something, is_address
from specflow.attempt.values import PATH_TYPES, parse_text, value_problem

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
    if is_address(path):
        if not holds_something(path):
            found.absent.append(port)
            if not facts.get("optional"):
                raise ValueError("the step succeeded and left its folder empty")
        return
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
            is_file = os.path.isfile(path)
            raise ValueError("it is a file, and should be a folder" if is_file else "it is neither a file nor a folder")
        _settle_folder(path)
        return
    if not os.path.isfile(path):
        raise ValueError("it is a folder, and should be a file" if os.path.isdir(path) else "it is not a regular file")
    if kind == "metrics":
        found.metrics[port] = _metrics(path)
    elif kind not in PATH_TYPES:
        found.values[port] = _value(path, kind)


def _is_untouched(kind: str, path: str) -> bool:
    return kind in ("folder", "model") and os.path.isdir(path) and not os.listdir(path)


def _is_ordinary(path: str) -> bool:
    """Return whether a path is a file or a folder: not a pipe, a socket or a device, which reading might never end."""
    return os.path.isfile(path) or os.path.isdir(path)


def _replace_link(path: str) -> None:
    """Put in a link's place what it points to: what is published must stand by itself."""
    target = os.path.realpath(path)
    if not os.path.exists(target):
        raise ValueError("it is a link that leads nowhere")
    if not _is_ordinary(target):
        raise ValueError("it is a link to something that is neither a file nor a folder")
    if _stands_in(path, target):
        raise ValueError("it is a link to a folder that it stands in")
    os.unlink(path)
    if os.path.isdir(target):
        for _, found in _entries(target):
            _refuse_special(target, found)
        shutil.copytree(target, path, symlinks=True)
    else:
        shutil.copy2(target, path)


def _stands_in(path: str, folder: str) -> bool:
    around = os.path.realpath(os.path.dirname(path))
    return os.path.commonpath([around, folder]) == folder


def _entries(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the folder of everything below a folder, and its path; links are not followed."""

    def fail(failure: OSError) -> None:
        raise failure

    for here, folders, files in os.walk(folder, onerror=fail):
        for name in sorted(folders + files):
            yield here, os.path.join(here, name)


def _refuse_special(folder: str, path: str) -> None:
    if not os.path.islink(path) and not _is_ordinary(path):
        raise ValueError(f"it holds something that is neither a file nor a folder: {_shown(path, folder)}")


def _settle_folder(folder: str) -> None:
    """Raise for what can't be published; make links that leave the folder and come back hold wherever it goes."""
    root = os.path.realpath(folder)
    for here, path in _entries(folder):
        _refuse_special(folder, path)
        if not os.path.islink(path):
            continue
        target = os.path.realpath(path)
        if not os.path.exists(target):
            raise ValueError(f"it holds a link that leads nowhere: {_shown(path, folder)}")
        if os.path.commonpath([root, target]) != root:
            raise ValueError(f"it holds a link that leads out of it: {_shown(path, folder)}")
        if _stands_in(path, target):
            raise ValueError(f"it holds a link to a folder that it stands in: {_shown(path, folder)}")
        text = os.readlink(path)
        if os.path.isabs(text) or os.path.normpath(os.path.join(os.path.relpath(here, folder), text)).startswith(".."):
            os.unlink(path)
            os.symlink(os.path.relpath(target, os.path.realpath(here)), path)


def _shown(path: str, folder: str) -> str:
    """Return a path below a folder as a sentence shows it; a name that is not UTF-8 is made so."""
    return f'"{os.fsencode(os.path.relpath(path, folder)).decode("utf-8", "replace")}"'


def _read(path: str) -> str:
    if os.path.getsize(path) > MAX_VALUE_BYTES:
        raise ValueError(f"it is larger than {MAX_VALUE_BYTES} bytes")
    with open(path, "rb") as stream:
        raw = stream.read()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise ValueError(f"it is not UTF-8 at byte {failure.start}") from None
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte order mark, and should be plain UTF-8")
    return text


def _value(path: str, kind: str) -> Any:
    """Return the value that a file holds; one newline at its end is the editor's, or `echo`'s, not the value's."""
    text = _read(path)
    if text.endswith("\n"):
        text = text[:-2] if text.endswith("\r\n") else text[:-1]
    return parse_text(text, kind)


def _metrics(path: str) -> dict[str, float]:
    loaded = _json(_read(path))
    if not isinstance(loaded, dict):
        raise ValueError("metrics are one JSON object of names and numbers")
    for name, value in loaded.items():
        problem = value_problem(name, {"type": "string"})
        if problem is not None:
            raise ValueError(f"a name among the metrics: {problem[1]}")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(f'metrics are numbers, and "{name}" is not one')
        if value in (float("inf"), float("-inf")):
            raise ValueError(f'metrics are finite numbers, and "{name}" is too large')
    return loaded


def _json(text: str) -> Any:
    """Return what a JSON text says; raise ValueError for what JSON readers do not agree on, too."""

    def refuse(word: str) -> float:
        raise ValueError(f"metrics are finite numbers, and one is {word}")

    def whole(digits: str) -> float:
        return int(digits) if len(digits) < 20 else float(digits)

    def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise ValueError(f'the name "{name.encode("utf-8", "replace").decode()}" is given twice')
            found[name] = value
        return found

    try:
        return json.loads(text, parse_constant=refuse, parse_int=whole, object_pairs_hook=each_once)
    except json.JSONDecodeError as failure:
        raise ValueError(f"it is not JSON: {failure.msg.lower()} in line {failure.lineno}") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
