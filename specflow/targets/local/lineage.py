"""Where a file came from: the result that has its content, what that was made from, and so on back to the sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.evaluate import text_of
from specflow.digests import digest_of_path
from specflow.history import History, ResultRow

__all__ = ["lineage"]

DEPTH = 50


def lineage(history: History, path: FilePath) -> list[str]:
    """Return an indented account of how a file or folder came to be; empty if no result has its content.

    Found by content, so it works for copies as well.
    """
    digest = digest_of_path(path)
    return list(_of_content(history, digest, "", set())) or list(_of_file_in_folder(history, digest))


def _of_file_in_folder(history: History, digest: str) -> Iterator[str]:
    """Yield the account of the folder that a run left with a file of this content in it."""
    for place in map(FilePath, history.places_of(digest)):
        if "outputs" not in place.parts:
            continue
        at = place.parts.index("outputs")
        row = history.result_at(place.parts[at - 1])
        if row is None or len(place.parts) <= at + 2:
            continue
        name, rest = place.parts[at + 1], "/".join(place.parts[at + 2 :])
        port = next((port for port, entry in row.outputs.items() if entry and entry.get("name") == name), "?")
        yield f"{rest} in output {port} of {row.step}, made in run {row.run}"
        yield from _account(history, row, "  ", {row.home})
        return


def _of_content(
    history: History, digest: str, indent: str, seen: set[str], before: float = float("inf")
) -> Iterator[str]:
    row = history.result_with(digest, before)
    if row is None:
        return
    port = next((name for name, entry in row.outputs.items() if entry and entry.get("sha256") == digest), "?")
    yield f"{indent}output {port} of {row.step}, made in run {row.run}"
    if row.home in seen or len(indent) > DEPTH:
        yield f"{indent}  (as above)"
        return
    seen.add(row.home)
    yield from _account(history, row, f"{indent}  ", seen)


def _account(history: History, row: ResultRow, indent: str, seen: set[str]) -> Iterator[str]:
    code = row.parts.get("code")
    if code:
        yield f"{indent}code {code[:12]}"
    versions = ", ".join(f"{name} {version}" for name, version in row.parts["environment"].items())
    yield f"{indent}environment {versions}"
    for port, value in row.parts["inputs"].items():
        yield from _input(history, port, value, indent, seen, row.created)


def _input(history: History, port: str, value: Any, indent: str, seen: set[str], before: float) -> Iterator[str]:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _input(history, f"{port}[{index + 1}]", item, indent, seen, before)
    elif isinstance(value, dict):
        yield f"{indent}input {port} = {value['name']} {value['sha256'][:12]}"
        yield from _of_content(history, value["sha256"], f"{indent}  ", seen, before)  # not what was made from it
    else:
        yield f"{indent}input {port} = {'absent' if value is None else text_of(value)}"
