"""Folders of data as they are sent: whole, whatever ignore files lie in them.

azure-ai-ml 1.35.2 leaves out of every folder that it uploads what the `.amlignore` at its root names, or else the
`.gitignore` (`get_ignore_file`). DVC writes such, and a step would see fewer files than on this machine. So a folder
with one of them gets an `.amlignore` that leaves out nothing but itself.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from specflow.errors import UsageError

__all__ = ["IGNORE_FILES", "NOTHING_LEFT_OUT", "ignore_files", "sent_whole"]

IGNORE_FILES = (".amlignore", ".gitignore")
"""What the SDK looks for at the root of a folder; the first that is there counts alone."""
NOTHING_LEFT_OUT = b"# All of this folder is data, whatever its .gitignore names.\n/.amlignore\n"


def ignore_files(sources: Mapping[str, FilePath]) -> dict[str, bytes]:
    """Return the ignore files that folders of an artifact need in place of their own; `sources` are where they lie."""
    return {f"{name}/{IGNORE_FILES[0]}": NOTHING_LEFT_OUT for name, folder in sources.items() if _is_cut(folder)}


def sent_whole(document: Mapping[str, Any], root: FilePath, staging: FilePath) -> dict[str, Any]:
    """Return a job whose inputs are folders that the SDK sends whole; UsageError: one holds no file.

    Relative paths start from `root`. A folder of the user's is not written to: one of links in `staging` goes instead.
    """
    found = {**document, "jobs": {name: _whole(node, root, staging) for name, node in document["jobs"].items()}}
    return _whole(found, root, staging)


def _whole(holder: Mapping[str, Any], root: FilePath, staging: FilePath) -> dict[str, Any]:
    inputs = holder.get("inputs") or {}
    found = {name: _entry(name, entry, root, staging) for name, entry in inputs.items()}
    return {**holder, "inputs": found} if found else dict(holder)


def _entry(name: str, entry: Any, root: FilePath, staging: FilePath) -> Any:
    if not isinstance(entry, Mapping) or "path" not in entry:
        return entry
    folder = root / str(entry["path"])
    if not folder.is_dir():
        return entry
    if not any(files for _, _, files in os.walk(folder, followlinks=True)):
        message = (
            f'the folder "{folder}" for the input "{name}" holds no file, and Azure ML can\'t be sent such a folder'
        )
        raise UsageError(message, "put a file into it, if only an empty one")
    return {**entry, "path": str(_linked(folder, staging))} if _is_cut(folder) else entry


def _is_cut(folder: FilePath) -> bool:
    """Return whether a folder has an ignore file that may name something in it."""
    if not folder.is_dir():
        return False
    first = next((folder / name for name in IGNORE_FILES if (folder / name).exists()), None)
    return first is not None and (first.is_dir() or first.read_bytes() != NOTHING_LEFT_OUT)


def _linked(folder: FilePath, staging: FilePath) -> FilePath:
    """Return a folder of the same name, which the SDK sends too, with links to all that is in one."""
    made = FilePath(tempfile.mkdtemp(dir=staging)).resolve() / folder.resolve().name
    made.mkdir()
    for path in folder.iterdir():
        if path.name != IGNORE_FILES[0]:
            (made / path.name).symlink_to(path.resolve())
    (made / IGNORE_FILES[0]).write_bytes(NOTHING_LEFT_OUT)
    return made
