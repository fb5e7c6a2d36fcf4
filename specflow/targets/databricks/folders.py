"""A step's folder in the bundle: its note, its code, its notebook; what the workspace would change is disguised.

The workspace takes `.ipynb` files, and scripts that begin as Databricks notebooks do, for notebooks, and drops their
extension. So these travel under another name, and the note says which.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from specflow.attempt.codec import encode
from specflow.attempt.evaluate import text_of
from specflow.attempt.relay import EMULATORS
from specflow.graph.model import Node
from specflow.lowering import Lowering, plain
from specflow.targets.databricks.names import folder_of

__all__ = ["Place", "folders", "is_notebook", "json_bytes"]

DISGUISE = ".file"
BRIDGE_VARIABLES = ("AZURE_", "IDENTITY_", "SPECFLOW_REPAIR", EMULATORS)
"""How variables begin that a bridge has beside what every step has: those of other logins."""
_HEADERS = (b"# Databricks notebook source", b"-- Databricks notebook source", b"// Databricks notebook source")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step's note lies in the bundle, and what its launch says in place of what the note says."""

    note: str
    arguments: tuple[str, ...] = ()


def folders(
    nodes: Iterable[Node], lowering: Lowering, files: dict[str, bytes | FilePath]
) -> dict[str, tuple[Place, Mapping[str, Any]]]:
    """Return each step's place and its note; `files` gets what travels.

    Instances of a matrix share a folder, and a note too where nothing but values of ports tells them apart.
    """
    found: dict[str, tuple[Place, Mapping[str, Any]]] = {}
    firsts: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for node in nodes:
        folder = folder_of(node.id, is_instance=bool(node.matrix))
        note = _note(node, lowering, folder, files)
        known = firsts.get(folder)
        shared = None if known is None else _differences(known[1], note)
        if known is not None and shared is not None:
            found[node.id] = (Place(known[0], shared), note)
            continue
        name = "step.json" if known is None else f"step__{node.id.rpartition('__')[2]}.json"
        path = f"{folder}/{name}"
        files[path] = json_bytes(note)
        firsts.setdefault(folder, (path, note))
        found[node.id] = (Place(path), note)
    return found


def json_bytes(document: Any) -> bytes:
    """Return a document as the JSON of a file: the same bytes for the same content."""
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _note(node: Node, lowering: Lowering, folder: str, files: dict[str, bytes | FilePath]) -> dict[str, Any]:
    """Return what travels with a step as its note; its code and notebook are put into the bundle."""
    note: dict[str, Any] = plain(lowering.note(node))
    renamed = {}
    snapshot = lowering.code(node)
    for file in snapshot.files if snapshot is not None else ():
        path = file.path
        if is_notebook(file.source):
            path = f"{path}{DISGUISE}"
            renamed[path] = file.path
        files[f"{folder}/code/{path}"] = file.source
    for path, content in lowering.travels(node).items():
        files[f"{folder}/code/{path}"] = content
    if "bridge" in note:
        note["keep"] = list(BRIDGE_VARIABLES)
    if renamed:
        note["renamed"] = renamed
    if node.notebook is not None and node.notebook.suffix == ".ipynb":
        path = f"notebook/{node.notebook.name}{DISGUISE}"
        note["attempt"]["notebook"]["path"] = path
        files[f"{folder}/{path}"] = node.notebook
    return note


def is_notebook(source: FilePath) -> bool:
    """Return whether the workspace takes a file for a notebook."""
    if source.suffix.lower() == ".ipynb":
        return True
    if source.suffix.lower() not in (".py", ".sql", ".scala", ".r"):
        return False
    with source.open("rb") as stream:
        return stream.read(64).removeprefix(b"\xef\xbb\xbf").startswith(_HEADERS)


def _differences(first: Mapping[str, Any], note: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the arguments that make one note another; None if it takes more than names and values of ports."""
    if _without_names(first) != _without_names(note):
        return None
    arguments = [f"--id={note['id']}", f"--label={encode(note['label'])}"]
    for port, tree in note["bindings"].items():
        if tree == first["bindings"][port]:
            continue
        if tree[0] != "value" or not isinstance(tree[1], (str, int, float, bool)):
            return None
        arguments.append(f"--value={port}={encode(text_of(tree[1]))}")
    return tuple(arguments)


def _without_names(note: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in note.items() if key not in ("id", "label", "bindings")}
    return {**rest, "attempt": {**note["attempt"], "step": ""}}
