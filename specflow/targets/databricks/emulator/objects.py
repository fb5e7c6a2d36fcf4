"""Workspace objects: files, notebooks and folders, as the Workspace API knows them.

Sources: docs.databricks.com/api/workspace/workspace; a notebook loses its file's extension when it is imported with the
format AUTO (docs.databricks.com/files/workspace, "Import a file"), which `bundle deploy` of databricks/cli relies on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

from specflow.emulation import State
from specflow.targets.databricks.emulator.child.notebooks import is_source_notebook
from specflow.targets.databricks.emulator.files import Tree
from specflow.targets.databricks.emulator.refusals import exists, invalid, missing

__all__ = ["Objects"]

_LANGUAGES = {".py": "PYTHON", ".sql": "SQL", ".scala": "SCALA", ".r": "R"}
_COMMENTS = {".py": "#", ".sql": "--", ".scala": "//", ".r": "#"}


class Objects:
    """The workspace's tree and what is known of each object beyond its bytes."""

    def __init__(self, tree: Tree, state: State, next_id: Callable[[], int]) -> None:
        """Keep where the bytes and the rest are."""
        self.tree, self._state, self._next_id = tree, state, next_id

    def put(
        self, path: str, content: bytes, format_: str = "AUTO", language: str = "", *, overwrite: bool = False
    ) -> str:
        """Write a file or a notebook; return its path, which for a notebook has no extension."""
        found = _notebook_language(path, content, format_, language)
        if found and FilePath(path).suffix.lower() in (*_LANGUAGES, ".ipynb"):
            path = path[: -len(FilePath(path).suffix)]
        key = self._key(path)
        if self.tree.place(path).is_file() and not overwrite:
            raise exists(f"Path ({path}) already exists.")
        self.tree.write(path, content, overwrite=overwrite)
        known = self._state.get("objects", key, {})
        kind = {"object_type": "NOTEBOOK", "language": found} if found else {"object_type": "FILE"}
        self._state.put("objects", key, {"object_id": known.get("object_id") or self._next_id(), **kind})
        return path

    def status(self, path: str) -> dict[str, Any]:
        """Return what get-status says of a path."""
        place = self.tree.place(path)
        if not place.exists():
            raise missing(f"Path ({path}) doesn't exist.")
        key = self._key(path)
        known = self._state.get("objects", key)
        if known is None:
            kind = "DIRECTORY" if place.is_dir() else "FILE"
            known = {"object_id": self._next_id(), "object_type": kind}
            self._state.put("objects", key, known)
        stat = place.stat()
        told = {**known, "path": path.rstrip("/") or "/", "resource_id": str(known["object_id"])}
        if place.is_file():
            told["size"] = stat.st_size
        millis = int(stat.st_mtime * 1000)
        return {**told, "created_at": millis, "modified_at": millis}

    def list(self, path: str) -> list[dict[str, Any]]:
        """Return what get-status says of everything in a folder; of a file, of itself."""
        if self.tree.place(path).is_file():
            return [self.status(path)]
        return [self.status(f"{path.rstrip('/')}/{child.name}") for child in self.tree.children(path)]

    def remove(self, path: str, *, recursive: bool) -> None:
        """Remove a file or folder and what is known of it."""
        self.tree.remove(path, recursive=recursive)
        key = self._key(path)
        for known in self._state.all("objects"):
            if known == key or known.startswith(key + "/"):
                self._state.drop("objects", known)

    def _key(self, path: str) -> str:
        return self.tree.name_of(self.tree.place(path))


def _notebook_language(path: str, content: bytes, format_: str, language: str) -> str:
    """Return the language of the notebook that content is, "" if it is a file; refuse what is neither."""
    suffix = FilePath(path).suffix.lower()
    if format_ == "RAW":
        return ""
    if format_ == "SOURCE":
        if not language and suffix not in _LANGUAGES:
            raise invalid("The language of a notebook is needed to import it with the format SOURCE")
        return language or _LANGUAGES[suffix]
    if format_ == "JUPYTER" or (format_ == "AUTO" and suffix == ".ipynb"):
        try:
            document = json.loads(content)
            return str(document.get("metadata", {}).get("language_info", {}).get("name", "python")).upper()
        except (ValueError, AttributeError) as fault:
            raise invalid(f"{path} is not a Jupyter notebook") from fault
    if format_ != "AUTO":
        raise invalid(f"The emulator imports no {format_}")
    first = content[:200].decode("utf-8", "replace")
    if suffix == ".py" and is_source_notebook(first):
        return "PYTHON"
    header = f"{_COMMENTS.get(suffix, '')} Databricks notebook source"
    return _LANGUAGES[suffix] if suffix in _LANGUAGES and first.startswith(header) else ""
